import { generateKeyPairSync, sign } from 'node:crypto';
import { createLocalJWKSet, errors, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { beforeAll, describe, expect, test } from 'vitest';
import { KEY_SET_ALGORITHMS, SECRET_ALGORITHMS, type TrustedIssuer } from '../../../../server/auth/authenticate.ts';
import type { AuthorizeHandshake } from '../../../../server/auth/authorize.ts';
import { DEFAULT_CAPABILITY } from '../../../../server/auth/capability.ts';
import { createTestAuthorizer, type TestAuthorizerOptions } from '../../../support/authorizer.ts';

const NOW_SECONDS = 1_800_000_000;
const ISSUER = 'https://login.example/';
const SECRET = new TextEncoder().encode('a secret of thirty-two bytes, at least');

let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let strangerKeys: Awaited<ReturnType<typeof generateKeyPair>>;
let publicKeyBytes: Uint8Array;
let issuer: TrustedIssuer;
let options: TestAuthorizerOptions;
let authorize: AuthorizeHandshake;

beforeAll(async () => {
  keys = await generateKeyPair('ES256');
  strangerKeys = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' };
  publicKeyBytes = new TextEncoder().encode(JSON.stringify(jwk));
  issuer = {
    issuer: ISSUER,
    audience: 'beckon',
    audienceClaim: 'aud',
    getKey: createLocalJWKSet({ keys: [jwk] }),
    algorithms: KEY_SET_ALGORITHMS,
  };
  options = {
    issuers: [issuer],
    defaultCapability: DEFAULT_CAPABILITY,
    allowedOrigins: ['https://app.example'],
    now: () => NOW_SECONDS * 1000,
  };
  authorize = createTestAuthorizer(options);
});

const claims: JWTPayload = { iss: ISSUER, aud: 'beckon', sub: 'alice', exp: NOW_SECONDS + 3600 };

function token(
  changes: { [Claim in keyof JWTPayload]: JWTPayload[Claim] | undefined } = {},
  key = keys.privateKey,
  header = { alg: 'ES256', kid: 'k1' },
): Promise<string> {
  return new SignJWT({ ...claims, ...changes } as JWTPayload).setProtectedHeader(header).sign(key);
}

const withSecretOf = (secret: Uint8Array): TrustedIssuer => ({
  ...issuer,
  getKey: async () => secret,
  algorithms: SECRET_ALGORITHMS,
});

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

  test('for several audiences, one of them ours', async () => {
    expect(await authorize(bearer(await token({ aud: ['other', 'beckon'] })))).toEqual(allowed);
  });

  test('with fractional times: it ends and counts as issued a little earlier', async () => {
    const times = { exp: NOW_SECONDS + 3600.9, iat: NOW_SECONDS - 0.1, nbf: NOW_SECONDS + 0.5 };
    expect(await authorize(bearer(await token(times)))).toEqual({ ...allowed, tokenIssuedAt: NOW_SECONDS - 1 });
  });

  test.each(['EdDSA', 'Ed25519'])('signed with %s', async (alg) => {
    const { publicKey, privateKey } = await generateKeyPair(alg);
    const getKey = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'ed' }] });
    const edwards = createTestAuthorizer({ ...options, issuers: [{ ...issuer, getKey }] });
    expect(await edwards(bearer(await token({}, privateKey, { alg, kid: 'ed' })))).toEqual(allowed);
  });

  test('with its capability as JSON in a text, which is all that Cognito’s first kind of trigger can give', async () => {
    const capability = { 'room:team-*': ['join', 'send'] };
    const asText = await token({ capability: JSON.stringify(capability) });
    expect(await authorize(bearer(asText))).toEqual({ ...allowed, capability });
    expect(await authorize(bearer(await token({ capability })))).toEqual({ ...allowed, capability });
  });

  test('signed with a shared secret, where there is one', async () => {
    const withSecret = createTestAuthorizer({ ...options, issuers: [withSecretOf(SECRET)] });
    const signed = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(SECRET);
    expect(await withSecret(bearer(signed))).toEqual(allowed);
    expect(await withSecret(bearer(await token()))).toMatchObject({ outcome: 'unauthorized' });
  });
});

describe('refused as unauthorized', () => {
  const cases: [string, string, () => Promise<string>][] = [
    ['expired', 'ERR_JWT_EXPIRED', () => token({ exp: NOW_SECONDS - 60 })],
    ['expired within the clock tolerance', 'unusable_exp', () => token({ exp: NOW_SECONDS })],
    ['an expiry of a fraction of a second from now', 'unusable_exp', () => token({ exp: NOW_SECONDS + 0.5 })],
    ['an expiry beyond all numbers', 'unusable_exp', () => token({ exp: 1e300 })],
    ['not valid yet', 'ERR_JWT_CLAIM_VALIDATION_FAILED:nbf', () => token({ nbf: NOW_SECONDS + 60 })],
    ['another audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED:aud', () => token({ aud: 'other' })],
    ['another issuer', 'unknown_issuer', () => token({ iss: 'https://evil.example/' })],
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
    ['garbage', 'malformed_token', async () => 'not-a-token'],
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

  test('a header of any casing, in any number of lines, with any blanks, is read in the same way', async () => {
    const value = await token();
    const good = [
      { 'Sec-WebSocket-Protocol': ['beckon.v1', `bearer.${value}`] },
      { 'Sec-WebSocket-Protocol': [`bearer.${value}`, 'beckon.v1'] },
      { 'sec-websocket-protocol': [`  bearer.${value}  ,, beckon.v1 ,`] },
      { 'SEC-WEBSOCKET-PROTOCOL': ['beckon.v1'], 'sec-websocket-protocol': [`\tbearer.${value}`] },
      { authorization: [`  bearer   ${value} `] },
    ];
    for (const multiValueHeaders of good) {
      expect(await authorize({ multiValueHeaders })).toMatchObject({ outcome: 'allowed' });
    }
    const twice = { 'Sec-WebSocket-Protocol': [`bearer.${value}`, `beckon.v1, bearer.${value}`] };
    expect(await authorize({ multiValueHeaders: twice })).toMatchObject({ reason: 'several_tokens' });
  });

  test('a token in the URL, even beside a good one', async () => {
    const inUrl = { queryStringParameters: { access_token: await token() } };
    expect(await authorize(inUrl)).toEqual({ outcome: 'unauthorized', reason: 'token_in_url' });
    const both = { ...inUrl, ...bearer(await token()) };
    expect(await authorize(both)).toEqual({ outcome: 'unauthorized', reason: 'token_in_url' });
  });

  test('two tokens, because they may contradict each other', async () => {
    const value = await token();
    const headers = { Authorization: [`Bearer ${value}`], 'Sec-WebSocket-Protocol': [`beckon.v1, bearer.${value}`] };
    expect(await authorize({ multiValueHeaders: headers })).toEqual({
      outcome: 'unauthorized',
      reason: 'several_tokens',
    });
  });
});

describe('origins', () => {
  const from = async (...origins: string[]) => ({
    multiValueHeaders: { Authorization: [`Bearer ${await token()}`], Origin: origins },
    requestContext: { domainName: 'abc123.execute-api.eu-west-1.amazonaws.com' },
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

  test('each of two Origin lines has to be allowed', async () => {
    const refused = { outcome: 'forbidden', reason: 'origin_not_allowed' };
    expect(await authorize(await from('https://app.example', 'https://evil.example'))).toEqual(refused);
    expect(await authorize(await from('https://evil.example', 'https://app.example'))).toEqual(refused);
  });

  test('React Native, which sends the address that it connects to, may connect', async () => {
    for (const suffix of ['', ':443', '/']) {
      const own = await from(`https://abc123.execute-api.eu-west-1.amazonaws.com${suffix}`);
      expect(await authorize(own)).toMatchObject({ outcome: 'allowed' });
    }
    for (const origin of ['http://abc123.execute-api.eu-west-1.amazonaws.com', 'https://undefined'])
      expect(await authorize({ ...(await from(origin)), requestContext: {} })).toMatchObject({ outcome: 'forbidden' });
    const other = await from('https://xyz789.execute-api.eu-west-1.amazonaws.com');
    expect(await authorize(other)).toMatchObject({ outcome: 'forbidden' });
  });

  test('* allows every page', async () => {
    const open = createTestAuthorizer({ ...options, allowedOrigins: ['*'] });
    expect(await open(await from('https://any.example'))).toMatchObject({ outcome: 'allowed' });
  });
});

describe('several issuers', () => {
  const OTHER = 'https://other.example/';
  const decide = async (value: string) => {
    const other: TrustedIssuer = { ...withSecretOf(SECRET), issuer: OTHER, audience: 'other-app' };
    return createTestAuthorizer({ ...options, issuers: [issuer, other] })(bearer(value));
  };
  const signedByOther = (changes: JWTPayload = {}) =>
    new SignJWT({ ...claims, iss: OTHER, aud: 'other-app', ...changes })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(SECRET);

  test('each is held to its own keys, algorithms and audience', async () => {
    expect(await decide(await token())).toMatchObject({ outcome: 'allowed', userId: 'alice' });
    expect(await decide(await signedByOther({ sub: 'bob' }))).toMatchObject({ outcome: 'allowed', userId: 'bob' });
  });

  test.each<[string, string, () => Promise<string>]>([
    ['one issuer’s name with another’s key', 'ERR_JOSE_ALG_NOT_ALLOWED', () => signedByOther({ iss: ISSUER })],
    ['one issuer’s key with another’s name', 'ERR_JOSE_ALG_NOT_ALLOWED', () => token({ iss: OTHER, aud: 'other-app' })],
    ['another issuer’s audience', 'ERR_JWT_CLAIM_VALIDATION_FAILED:aud', () => signedByOther({ aud: 'beckon' })],
    ['an issuer that is not listed', 'unknown_issuer', () => token({ iss: 'https://third.example/' })],
    ['no issuer', 'unknown_issuer', () => token({ iss: undefined })],
  ])('%s is refused', async (_, reason, makeToken) => {
    expect(await decide(await makeToken())).toEqual({ outcome: 'unauthorized', reason });
  });
});

describe('an issuer that says "client_id" where others say "aud", as Cognito does in access tokens', () => {
  const decide = async (changes: Parameters<typeof token>[0]) => {
    const cognito = createTestAuthorizer({ ...options, issuers: [{ ...issuer, audienceClaim: 'client_id' }] });
    return cognito(bearer(await token({ ...changes, aud: undefined })));
  };

  test('its tokens for our client are accepted, and those for another are not', async () => {
    expect(await decide({ client_id: 'beckon' })).toMatchObject({ outcome: 'allowed' });
    const refused = { outcome: 'unauthorized', reason: 'unusable_client_id' };
    for (const client_id of ['other', ['beckon'], '', undefined]) expect(await decide({ client_id })).toEqual(refused);
  });

  test('no other issuer’s "client_id" counts', async () => {
    expect(await authorize(bearer(await token({ aud: undefined, client_id: 'beckon' })))).toEqual({
      outcome: 'unauthorized',
      reason: 'ERR_JWT_CLAIM_VALIDATION_FAILED:aud',
    });
  });
});

test('keys out of reach are not the client’s fault: the error is thrown, and nobody gets in', async () => {
  for (const error of [new TypeError('fetch failed'), new errors.JWKSTimeout(), new errors.JWKSInvalid('malformed')]) {
    const outage = createTestAuthorizer({ ...options, issuers: [{ ...issuer, getKey: () => Promise.reject(error) }] });
    await expect(outage(bearer(await token()))).rejects.toBe(error);
  }
});

test('a key of the issuer that is too short lets nobody in, and is not a failure', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const getKey = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: 'short' }] });
  const short = createTestAuthorizer({ ...options, issuers: [{ ...issuer, getKey }] });
  const [, payload] = (await token()).split('.');
  const signing = `${Buffer.from('{"alg":"RS256","kid":"short"}').toString('base64url')}.${payload}`;
  const signature = sign('sha256', Buffer.from(signing), privateKey).toString('base64url');
  expect(await short(bearer(`${signing}.${signature}`))).toEqual({
    outcome: 'unauthorized',
    reason: 'unverifiable:TypeError',
  });
});

describe('a user who connects too often', () => {
  const decide = async (more: Partial<TestAuthorizerOptions>) =>
    createTestAuthorizer({ ...options, admitted: false, ...more })(bearer(await token()));

  test('is refused, without an identity', async () => {
    expect(await decide({})).toEqual({ outcome: 'rate_limited', reason: 'too_many_handshakes' });
  });

  test('is told if their tokens are revoked', async () => {
    expect(await decide({ revokedUntil: NOW_SECONDS })).toEqual({ outcome: 'unauthorized', reason: 'revoked' });
  });
});

describe('after the tokens of a user have been revoked', () => {
  const REVOKED_AT = NOW_SECONDS - 100;
  const decide = async (changes: Parameters<typeof token>[0], revokedUntil = REVOKED_AT) =>
    createTestAuthorizer({ ...options, revokedUntil })(bearer(await token(changes)));
  const refused = { outcome: 'unauthorized', reason: 'revoked' };

  test('only tokens that were issued later are accepted', async () => {
    expect(await decide({ iat: REVOKED_AT + 6 })).toMatchObject({ outcome: 'allowed' });
    for (const iat of [REVOKED_AT, REVOKED_AT - 5000, undefined]) expect(await decide({ iat })).toEqual(refused);
  });

  test.each([1, 4, 4.9, 5, 5.9])(
    'a token from before, of an issuer whose clock is %d s ahead, is refused',
    async (skew) => {
      expect(await decide({ iat: REVOKED_AT + skew })).toEqual(refused);
    },
  );

  test('no token that is accepted just before the revocation is accepted just after it', async () => {
    for (let skew = -10; skew <= 10; skew += 0.25) {
      const iat = NOW_SECONDS + skew;
      const before = await authorize(bearer(await token({ iat })));
      const after = await decide({ iat }, NOW_SECONDS);
      expect({ skew, after: after.outcome }).toEqual({ skew, after: 'unauthorized' });
      expect({ skew, before: before.outcome }).toEqual({ skew, before: skew <= 5 ? 'allowed' : 'unauthorized' });
    }
  });
});
