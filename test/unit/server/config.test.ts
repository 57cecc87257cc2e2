import { expect, test } from 'vitest';
import { DEFAULT_CAPABILITY } from '../../../server/capability.ts';
import { readExpectedConnections, readIdentityConfig, readSendConfig } from '../../../server/config.ts';

test('a variable that is missing is named', () => {
  expect(() => readSendConfig({ BECKON_CONNECTIONS_TABLE: 't' })).toThrow('BECKON_TASKS_QUEUE_URL is not set');
});

test('keys come from the issuer, from where the environment says, or from a shared secret', () => {
  const env = { BECKON_ISSUER: 'https://login.example/', BECKON_AUDIENCE: 'beckon' };
  expect(readIdentityConfig(env)).toEqual({
    issuer: 'https://login.example/',
    audience: 'beckon',
    keys: { jwksUrl: 'https://login.example/.well-known/jwks.json' },
    allowedOrigins: [],
    defaultCapability: DEFAULT_CAPABILITY,
  });
  expect(readIdentityConfig({ ...env, BECKON_JWKS_URL: 'https://keys.example/' }).keys).toEqual({
    jwksUrl: 'https://keys.example/',
  });
  expect(readIdentityConfig({ ...env, BECKON_SECRET_ARN: 'arn:aws:x' }).keys).toEqual({ secretArn: 'arn:aws:x' });
});

test('an empty list of origins allows no page', () => {
  const env = { BECKON_ISSUER: 'i', BECKON_AUDIENCE: 'a', BECKON_ALLOWED_ORIGINS: '' };
  expect(readIdentityConfig(env).allowedOrigins).toEqual([]);
  expect(readIdentityConfig({ ...env, BECKON_ALLOWED_ORIGINS: 'https://a,https://b' }).allowedOrigins).toEqual([
    'https://a',
    'https://b',
  ]);
});

test('what tokens without a capability allow can be given, and must be a capability', () => {
  const env = { BECKON_ISSUER: 'i', BECKON_AUDIENCE: 'a' };
  const given = { ...env, BECKON_DEFAULT_CAPABILITY: '{"room:*":["join"]}' };
  expect(readIdentityConfig(given).defaultCapability).toEqual({ 'room:*': ['join'] });
  for (const wrong of ['{', '{"room:*":["fly"]}']) {
    expect(() => readIdentityConfig({ ...env, BECKON_DEFAULT_CAPABILITY: wrong })).toThrow(
      'does not hold a capability',
    );
  }
});

test('how many connections to expect may be given', () => {
  expect(readExpectedConnections({ BECKON_EXPECTED_CONNECTIONS: '100000' })).toBe(100_000);
  expect(readExpectedConnections({})).toBe(0);
});
