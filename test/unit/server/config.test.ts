import { expect, test } from 'vitest';
import {
  readExpectedConnections,
  readIdentityConfig,
  readInboxLimit,
  readSendConfig,
  readSizeLimits,
} from '../../../server/config.ts';

test('a variable that is missing is named', () => {
  expect(() => readSendConfig({ BECKON_CONNECTIONS_TABLE: 't' })).toThrow('BECKON_TASKS_QUEUE_URL is not set');
});

const ISSUERS = JSON.stringify([{ issuer: 'https://login.example/', audience: 'beckon' }]);

test('issuers are read from a list', () => {
  expect(readIdentityConfig({ BECKON_ISSUERS: ISSUERS })).toMatchObject({
    issuers: [{ issuer: 'https://login.example/', audience: 'beckon' }],
    allowedOrigins: [],
  });
});

test.each([
  '[]',
  '{}',
  'null',
  'https://login.example/',
  '[{"issuer":"i"}]',
  '[{"issuer":"","audience":"a"}]',
  '[null]',
])('a list of issuers that is %j lets nobody in: it is refused, and named', (wrong) => {
  expect(() => readIdentityConfig({ BECKON_ISSUERS: wrong })).toThrow(
    'BECKON_ISSUERS does not hold a list of issuers with their audiences.',
  );
});

test('an empty list of origins allows no page', () => {
  const env = { BECKON_ISSUERS: ISSUERS, BECKON_ALLOWED_ORIGINS: '' };
  expect(readIdentityConfig(env).allowedOrigins).toEqual([]);
  expect(readIdentityConfig({ ...env, BECKON_ALLOWED_ORIGINS: 'https://a,https://b' }).allowedOrigins).toEqual([
    'https://a',
    'https://b',
  ]);
});

test('the capability of tokens without one can be set, and must be valid', () => {
  const env = { BECKON_ISSUERS: ISSUERS };
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

test('size limits are the maximum unless others are set', () => {
  expect(readSizeLimits({})).toMatchObject({ maxRooms: 50, maxDataDepth: 64 });
  expect(readSizeLimits({ BECKON_SIZE_LIMITS: '{"maxRooms":3}' })).toMatchObject({ maxRooms: 3, maxDataDepth: 64 });
  for (const wrong of ['{', '[]', '{"rooms":3}', '{"maxRooms":0}', '{"maxRooms":"many"}', '{"constructor":3}']) {
    expect(() => readSizeLimits({ BECKON_SIZE_LIMITS: wrong })).toThrow('BECKON_SIZE_LIMITS does not hold limits');
  }
});

test('an inbox has a limit, unless another is given', () => {
  expect(readInboxLimit({})).toEqual({ maxMessages: 100, maxBytes: 1_048_576 });
  expect(readInboxLimit({ BECKON_INBOX_LIMIT: '{"maxBytes":5000}' })).toEqual({ maxMessages: 100, maxBytes: 5000 });
  for (const wrong of ['{', '[]', '{"messages":3}', '{"maxMessages":0}', '{"maxBytes":"many"}']) {
    expect(() => readInboxLimit({ BECKON_INBOX_LIMIT: wrong })).toThrow('BECKON_INBOX_LIMIT does not hold limits');
  }
});
