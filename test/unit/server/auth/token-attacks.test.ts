import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { describe, expect, test } from 'vitest';
import { KEY_SET_ALGORITHMS } from '../../../../server/auth/authenticate.ts';
import { DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';
import { createTestAuthorizer } from '../../../support/authorizer.ts';
import { tokenAttacks, twice } from '../../../support/token-attacks.ts';
import { createForge, HEADER } from '../../../support/token-forge.ts';

const NOW_SECONDS = 1_800_000_000;
const options = { issuer: 'https://login.example', audience: 'beckon', nowSeconds: () => NOW_SECONDS };
const forge = createForge(options);
const authorize = createTestAuthorizer({
  issuers: [
    {
      issuer: options.issuer,
      audience: options.audience,
      audienceClaim: 'aud',
      getKey: createLocalJWKSet(forge.jwks as JSONWebKeySet),
      algorithms: KEY_SET_ALGORITHMS,
    },
  ],
  allowedOrigins: [],
  defaultCapability: DEFAULT_CAPABILITY,
  now: () => NOW_SECONDS * 1000,
});
const decide = (token: string) => authorize({ multiValueHeaders: { Authorization: [`Bearer ${token}`] } });
const userOf = async (token: string) => {
  const decision = await decide(token);
  return decision.outcome === 'allowed' ? decision.userId : decision.reason;
};

describe('the token that the attacks alter is valid', () => {
  test.each([
    ['with ES256', forge.signed()],
    ['with RS256', forge.signed(undefined, { alg: 'RS256', kid: 'k2' })],
    ['as an access token by its type', forge.signed(undefined, { alg: 'ES256', kid: 'k1', typ: 'at+jwt' })],
    ['with our audience among others', forge.signed(forge.claims({ aud: ['other', 'beckon'] }))],
    ['as a token by its type, however that is written', forge.signed(undefined, { ...HEADER, typ: 'application/JWT' })],
    [
      'with times that have a fraction',
      forge.signed(forge.claims({ exp: NOW_SECONDS + 60.5, iat: NOW_SECONDS - 0.5 })),
    ],
    ['with its capability in a text', forge.signed(forge.claims({ capability: '{"user:*":["send"]}' }))],
    ['issued a moment ahead of our clock', forge.signed(forge.claims({ iat: NOW_SECONDS + 5, nbf: NOW_SECONDS + 5 }))],
  ])('%s', async (_, token) => {
    expect(await userOf(token)).toBe('alice');
  });
});

describe('refused:', () => {
  test.each(tokenAttacks(options))('%s', async (_, reason, make) => {
    expect(await decide(make(forge))).toEqual({ outcome: 'unauthorized', reason });
  });

  test.each([' ', '\t', '\n', '\r\n', '\u0000', '\u00A0', '\u2028'])('%j within the token', async (space) => {
    const [head, payload, signature] = forge.signed().split('.');
    for (const token of [`${head}${space}.${payload}.${signature}`, `${head}.${payload}.${space}${signature}`]) {
      expect((await decide(token)).outcome).toBe('unauthorized');
    }
  });
});

describe('users are compared code unit by code unit', () => {
  test('two ways of writing é are two users', async () => {
    const users = await Promise.all(
      ['Zo\u00E9', 'Zoe\u0301'].map((sub) => userOf(forge.signed(forge.claims({ sub })))),
    );
    expect(users).toEqual(['Zo\u00E9', 'Zoe\u0301']);
  });

  test('the last of two subjects in one token counts, in every part of the system', async () => {
    expect(await userOf(forge.signed(twice(forge, 'sub', 'bob')))).toBe('bob');
  });
});
