import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';
import { createKeySet } from '../../../../server/auth/key-set.ts';

const SECONDS = 1000;
const MINUTES = 60 * SECONDS;
const HOURS = 60 * MINUTES;

let nowMs: number;
/** What the issuer publishes; `undefined` while it is out of reach. */
let published: JWK[] | undefined;
let requests: number;
let failures: unknown[];
let verify: (token: string) => Promise<string>;

beforeEach(() => {
  nowMs = Date.now();
  published = [];
  requests = 0;
  failures = [];
  const getKey = createKeySet({
    jwksUrl: 'https://login.example/.well-known/jwks.json',
    now: () => nowMs,
    onFailure: (error) => failures.push(error),
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
  expect(failures[0]).toEqual(new TypeError('fetch failed'));
  published = [stranger.jwk];
  nowMs += MINUTES;
  expect(await verify(stranger.token)).toBe('stranger');
});

test('without any key yet, the failure is thrown, and the issuer is asked again after a second, not at once', async () => {
  const { jwk, token } = await createKey('known');
  published = undefined;
  for (let handshake = 0; handshake < 100; handshake += 1) expect(await verify(token)).toBe('TypeError: fetch failed');
  expect(requests).toBe(1);
  published = [jwk];
  nowMs += SECONDS;
  expect(await verify(token)).toBe('known');
});

test('keys that cannot be fetched again are trusted for a day, however long the issuer is out of reach', async () => {
  const { jwk, token } = await createKey('withdrawn');
  published = [jwk];
  await verify(token);
  published = undefined;
  nowMs += 24 * HOURS;
  expect(await verify(token)).toBe('withdrawn');
  nowMs += 1;
  expect(await verify(token)).toBe('TypeError: fetch failed');
  published = [jwk];
  nowMs += SECONDS;
  expect(await verify(token)).toBe('withdrawn');
});

describe('a key that the issuer has published broken', () => {
  test.each<[string, Partial<JWK>]>([
    ['a point that is not on the curve', { x: 'AAAA' }],
    ['a coordinate that is a number', { x: 7 as unknown as string }],
    ['its private half', { d: 'AAAA' }],
  ])('with %s counts as unknown: a token that names it is refused, and others are not', async (_, broken) => {
    const [good, bad] = await Promise.all([createKey('good'), createKey('bad')]);
    published = [good.jwk, { ...bad.jwk, ...broken }];
    expect(await verify(bad.token)).toBe(UNKNOWN);
    expect(await verify(good.token)).toBe('good');
  });
});

describe('a key set that is larger than any issuer’s', () => {
  /** The answers of an issuer that is asked over a real connection; how many bytes it has got rid of. */
  async function askIssuer(answer: (response: ServerResponse) => void): Promise<unknown> {
    const server = createServer((_, response) => answer(response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
    const getKey = createKeySet({ jwksUrl, now: () => nowMs, onFailure: (error) => failures.push(error) });
    const { token } = await createKey('any');
    const error = await jwtVerify(token, getKey).catch((reason: unknown) => reason);
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
    return error instanceof Error ? error.message.replace(jwksUrl, 'URL') : error;
  }

  const TOO_LARGE = 'URL must answer with at most 262144 bytes, and sent more';

  test('without an end is read to its limit, and no further', async () => {
    let written = 0;
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const error = await askIssuer((response) => {
      const more = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    expect(error).toBe(TOO_LARGE);
    // What the kernel's buffers hold on the way counts as written.
    expect(written).toBeLessThan(32 * 1024 * 1024);
  });

  test('after decompression is no better', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * 1024 * 1024, ' '));
    const error = await askIssuer((response) => response.setHeader('content-encoding', 'gzip').end(bomb));
    expect(error).toBe(TOO_LARGE);
  });

  test('by the number of its keys is refused', async () => {
    const { jwk } = await createKey('any');
    const keysOf = (count: number) => JSON.stringify({ keys: Array.from({ length: count }, () => jwk) });
    expect(await askIssuer((response) => response.end(keysOf(101)))).toBe(
      'URL must have at most 100 keys, and has 101',
    );
    expect(await askIssuer((response) => response.end(keysOf(100)))).toContain('multiple matching keys');
  });

  test('is not followed to another URL: a redirect is a failure', async () => {
    const error = await askIssuer((response) => response.writeHead(302, { location: 'https://evil.example' }).end());
    expect(error).toBe('URL must answer with 200 and the keys, and answered with 302');
  });

  test('that trickles in is given up after three seconds', async () => {
    const error = await askIssuer((response) => void response.write('{"keys":'));
    expect(error).toContain('timed out');
  });
});
