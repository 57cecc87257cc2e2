import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import { beforeEach, expect, test } from 'vitest';
import { createKeySet } from '../../../server/key-set.ts';

const SECONDS = 1000;
const MINUTES = 60 * SECONDS;

let nowMs: number;
/** What the issuer publishes; `undefined` while it is out of reach. */
let published: JWK[] | undefined;
let requests: number;
let verify: (token: string) => Promise<string>;

beforeEach(() => {
  nowMs = Date.now();
  published = [];
  requests = 0;
  const getKey = createKeySet({
    jwksUrl: 'https://login.example/.well-known/jwks.json',
    now: () => nowMs,
    fetch: async () => {
      requests += 1;
      if (!published) throw new TypeError('fetch failed');
      return Response.json({ keys: published });
    },
  });
  verify = async (token) => {
    try {
      return String((await jwtVerify(token, getKey)).payload.sub);
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  };
});

/** A key of the issuer: its public half, and a token that is signed with it. */
async function createKey(kid: string): Promise<{ jwk: JWK; token: string }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const token = await new SignJWT({ sub: kid }).setProtectedHeader({ alg: 'ES256', kid }).sign(privateKey);
  return { jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256' }, token };
}

const UNKNOWN = 'ERR_JWKS_NO_MATCHING_KEY';

test('keys are fetched once, and used for ten minutes', async () => {
  const { jwk, token } = await createKey('first');
  published = [jwk];
  for (let handshake = 0; handshake < 100; handshake += 1) expect(await verify(token)).toBe('first');
  nowMs += 10 * MINUTES;
  expect(await verify(token)).toBe('first');
  expect(requests).toBe(1);
});

test('a new key is fetched when the first token names it', async () => {
  const [first, second] = await Promise.all([createKey('first'), createKey('second')]);
  published = [first.jwk];
  await verify(first.token);
  nowMs += 31 * SECONDS;
  published = [first.jwk, second.jwk];
  expect(await verify(second.token)).toBe('second');
  expect(requests).toBe(2);
});

test('a key that the issuer has withdrawn is trusted for ten minutes at most', async () => {
  const [first, second] = await Promise.all([createKey('first'), createKey('second')]);
  published = [first.jwk];
  await verify(first.token);
  published = [second.jwk];
  nowMs += 10 * MINUTES + 1;
  expect(await verify(first.token)).toBe(UNKNOWN);
});

test('a thousand garbage key ids in five minutes make ten requests', async () => {
  const [known, stranger] = await Promise.all([createKey('known'), createKey('stranger')]);
  published = [known.jwk];
  await verify(known.token);
  requests = 0;
  for (let handshake = 0; handshake < 1000; handshake += 1) {
    nowMs += 300;
    expect(await verify(stranger.token)).toBe(UNKNOWN);
  }
  expect(requests).toBeLessThanOrEqual(10);
  expect(await verify(known.token)).toBe('known');
});

test('while the issuer is out of reach, known keys stay in use and unknown ones get nobody in', async () => {
  const [known, stranger] = await Promise.all([createKey('known'), createKey('stranger')]);
  published = [known.jwk];
  await verify(known.token);
  published = undefined;
  for (let minute = 0; minute < 60; minute += 1) {
    nowMs += MINUTES;
    expect(await verify(known.token)).toBe('known');
    expect(await verify(stranger.token)).toBe(UNKNOWN);
  }
  published = [stranger.jwk];
  nowMs += MINUTES;
  expect(await verify(stranger.token)).toBe('stranger');
});

test('without any key yet, the failure is the issuer’s: it is thrown, retried after a second, and not hammered', async () => {
  const { jwk, token } = await createKey('known');
  published = undefined;
  for (let handshake = 0; handshake < 100; handshake += 1) expect(await verify(token)).toBe('TypeError: fetch failed');
  expect(requests).toBe(1);
  published = [jwk];
  nowMs += SECONDS;
  expect(await verify(token)).toBe('known');
});
