import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type AuthorizeHandshake,
  type AuthorizeOptions,
  createAuthorize,
  KEY_SET_ALGORITHMS,
  SECRET_ALGORITHMS,
} from '../../../server/authorize.ts';
import { DEFAULT_CAPABILITY } from '../../../server/capability.ts';

const NOW_SECONDS = 1_800_000_000;
const ISSUER = 'https://login.example/';
const SECRET = new TextEncoder().encode('a secret of thirty-two bytes, at least');

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let strangerKeys: Awaited<ReturnType<typeof generateKeyPair>>;
let publicKeyBytes: Uint8Array;
let options: AuthorizeOptions;
let authorize: AuthorizeHandshake;

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  strangerKeys = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' };
  publicKeyBytes = new TextEncoder().encode(JSON.stringify(jwk));
  options = {
    issuer: ISSUER,
    audience: 'beckon',
    getKey: createLocalJWKSet({ keys: [jwk] }),
    algorithms: KEY_SET_ALGORITHMS,
    defaultCapability: DEFAULT_CAPABILITY,
    allowedOrigins: ['https://app.example'],
    now: () => NOW_SECONDS * 1000,
  };
  authorize = createAuthorize(options);
});

const claims: JWTPayload = { iss: ISSUER, aud: 'beckon', sub: 'alice', exp: NOW_SECONDS + 3600 };

function token(
  changes: { [Claim in keyof JWTPayload]: JWTPayload[Claim] | undefined } = {},
  key = keys.privateKey,
  header = { alg: 'ES256', kid: 'k1' },
): Promise<string> {
  return new SignJWT({ ...claims, ...changes } as JWTPayload).setProtectedHeader(header).sign(key);
}

const bearer = (value: string) => ({ multiValueHeaders: { Authorization: [`Bearer ${value}`] } });

describe('a valid token', () => {
  const allowed = {
    outcome: 'allowed',
    userId: 'alice',
    tokenExpiresAt: NOW_SECONDS + 3600,
    capability: DEFAULT_CAPABILITY,
  };

  test('in the Authorization header, whatever its casing', async () => {
    expect(await authorize(bearer(await token()))).toEqual(allowed);
    expect(await authorize({ multiValueHeaders: { authorization: [`bearer ${await token()}`] } })).toEqual(allowed);
  });

  test('offered as a subprotocol', async () => {
    const offered = `beckon.v1, bearer.${await token()}`;
    expect(await authorize({ multiValueHeaders: { 'Sec-WebSocket-Protocol': [offered] } })).toEqual(allowed);
  });

  test('for several audiences, of which one is ours', async () => {
    expect(await authorize(bearer(await token({ aud: ['other', 'beckon'] })))).toEqual(allowed);
  });

  test('signed with a shared secret, where there is one', async () => {
    const withSecret = createAuthorize({ ...options, getKey: async () => SECRET, algorithms: SECRET_ALGORITHMS });
    const signed = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
    expect(await withSecret(bearer(signed))).toEqual(allowed);
    expect(await withSecret(bearer(await token()))).toMatchObject({ outcome: 'unauthorized' });
  });
});

describe('refused as unauthorized', () => {
  const cases: [string, string, () => Promise<string>][] = [
    ['expired', 'ERR_JWT_EXPIRED', () => token({ exp: NOW_SECONDS - 60 })],
    ['expired within the clock tolerance', 'unusable_exp', () => token({ exp: NOW_SECONDS })],
    ['an expiry that is no whole number', 'unusable_exp', () => token({ exp: NOW_SECONDS + 0.5 })],
    ['an expiry beyond all numbers', 'unusable_exp', () => token({ exp: 1e300 })],
    ['not valid yet', 'ERR_JWT_CLAIM_VALIDATION_FAILED:nbf', () => token({ nbf: NOW_SECONDS + 60 })],
    ['another audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED:aud', () => token({ aud: 'other' })],
    ['another issuer', 'ERR_JWT_CLAIM_VALIDATION_FAILED:iss', () => token({ iss: 'https://evil.example/' })],
    ['no subject', 'ERR_JWT_CLAIM_VALIDATION_FAILED:sub', () => token({ sub: undefined })],
    ['an empty subject', 'unusable_sub', () => token({ sub: '' })],
    ['a subject with a line break', 'unusable_sub', () => token({ sub: 'alice\nbob' })],
    ['no expiry', 'ERR_JWT_CLAIM_VALIDATION_FAILED:exp', () => token({ exp: undefined })],
    ["a stranger's signature", 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', () => token({}, strangerKeys.privateKey)],
    ['an unknown key', 'ERR_JWKS_NO_MATCHING_KEY', () => token({}, keys.privateKey, { alg: 'ES256', kid: 'k2' })],
    ['alg none', 'ERR_JOSE_ALG_NOT_ALLOWED', async () => new UnsecuredJWT(claims).encode().replace(/\.$/, '.AA')],
    ['alg none without a signature', 'ERR_JOSE_ALG_NOT_ALLOWED', async () => new UnsecuredJWT(claims).encode()],
    [
      'the public key used as a secret',
      'ERR_JOSE_ALG_NOT_ALLOWED',
      () => new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(publicKeyBytes),
    ],
    ['garbage', 'ERR_JWS_INVALID', async () => 'not-a-token'],
  ];

  test.each(cases)('%s', async (_, reason, makeToken) => {
    expect(await authorize(bearer(await makeToken()))).toEqual({ outcome: 'unauthorized', reason });
  });

  test('no token at all', async () => {
    expect(await authorize({})).toEqual({ outcome: 'unauthorized', reason: 'no_token' });
    expect(await authorize({ multiValueHeaders: null })).toEqual({ outcome: 'unauthorized', reason: 'no_token' });
  });

  test('another scheme than Bearer', async () => {
    const handshake = { multiValueHeaders: { Authorization: ['Basic YWxpY2U6cHc='] } };
    expect(await authorize(handshake)).toEqual({ outcome: 'unauthorized', reason: 'not_bearer' });
  });

  test('a token in the URL, even beside a good one', async () => {
    const inUrl = { queryStringParameters: { access_token: await token() } };
    expect(await authorize(inUrl)).toEqual({ outcome: 'unauthorized', reason: 'token_in_url' });
    const both = { ...inUrl, ...bearer(await token()) };
    expect(await authorize(both)).toEqual({ outcome: 'unauthorized', reason: 'token_in_url' });
  });

  test('two tokens, of which nobody can say which one is meant', async () => {
    const value = await token();
    const headers = { Authorization: [`Bearer ${value}`], 'Sec-WebSocket-Protocol': [`beckon.v1, bearer.${value}`] };
    expect(await authorize({ multiValueHeaders: headers })).toEqual({
      outcome: 'unauthorized',
      reason: 'several_tokens',
    });
  });
});

describe('origins', () => {
  const from = async (origin: string) => ({
    multiValueHeaders: { Authorization: [`Bearer ${await token()}`], Origin: [origin] },
  });

  test('a page of an allowed origin may connect', async () => {
    expect(await authorize(await from('https://app.example'))).toMatchObject({ outcome: 'allowed' });
  });

  test.each(['https://evil.example', 'https://app.example.evil.example', 'http://app.example', 'null', ''])(
    'a page of %j may not',
    async (origin) => {
      expect(await authorize(await from(origin))).toEqual({ outcome: 'forbidden', reason: 'origin_not_allowed' });
    },
  );

  test('* allows every page', async () => {
    const open = createAuthorize({ ...options, allowedOrigins: ['*'] });
    expect(await open(await from('https://any.example'))).toMatchObject({ outcome: 'allowed' });
  });
});

test('keys that cannot be had are not the client’s fault: the error is thrown, and nobody gets in', async () => {
  const outage = createAuthorize({ ...options, getKey: () => Promise.reject(new TypeError('fetch failed')) });
  await expect(outage(bearer(await token()))).rejects.toThrow('fetch failed');
});
