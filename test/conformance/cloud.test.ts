/** What `startLocalCloud` starts: one port that everything is served on, its addresses, and its end. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { startFixture } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

let cloud: LocalCloud;
let folder: string;

const get = (path: string, init?: RequestInit) => fetch(`${cloud.endpointUrl}${path}`, init);
const getJson = async (path: string) => (await (await get(path)).json()) as Record<string, unknown>;

/** Sends a path as it is: `fetch` would resolve its dots. */
function getExactly(path: string): Promise<{ statusCode: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const { port } = new URL(cloud.endpointUrl);
    request({ port, path }, async (response) => {
      const body = (await response.toArray()).join('');
      resolve({ statusCode: response.statusCode, body });
    })
      .once('error', reject)
      .end();
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cloud-test-'));
  const site = join(folder, 'site');
  mkdirSync(join(site, 'deep'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(site, 'index.html'), '<h1>page</h1>');
  writeFileSync(join(site, 'deep/index.html'), 'deep');
  writeFileSync(join(site, 'main.js'), 'let a;');
  writeFileSync(join(site, 'my file.bin'), Buffer.from([0, 1, 2]));
  symlinkSync(join(folder, 'secret.txt'), join(site, 'link.txt'));
  cloud = await startFixture('scan-chat', { staticDirectory: site });
});

afterAll(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
});

describe('the addresses', () => {
  test('are the same in the health endpoint and in the object', async () => {
    expect(await getJson('/_local/health')).toEqual({ ...cloud.ready });
    expect(cloud.ready).toEqual({
      websocketUrl: cloud.websocketUrl,
      endpointUrl: cloud.endpointUrl,
      pageUrl: `${cloud.endpointUrl}/`,
      outputs: cloud.outputs,
    });
    expect(cloud.websocketUrl).toBe(`${cloud.endpointUrl.replace('http', 'ws')}/Prod`);
    expect(cloud.outputs['scan-chat']?.['WebSocketUri']).toMatch(
      /^wss:\/\/\w+\.execute-api\.us-east-1\.amazonaws\.com\/Prod$/,
    );
  });

  test('can be used in the values of parameters', async () => {
    const parameters = { TableName: 'table-{endpointUrl}-{websocketUrl}', StageName: 'Prod' };
    await expect(startFixture('scan-chat', { parameters })).rejects.toThrow(
      'the parameter TableName uses {websocketUrl}, which needs exactly one WebSocket stage with a fixed name: the app has {"Ref":"StageName"}',
    );
    const other = await startFixture('pub-sub', { parameters: { Secret: '{endpointUrl} {websocketUrl}' } });
    const token = encodeURIComponent(`ann:${other.endpointUrl} ${other.websocketUrl}`);
    await connectClient(`${other.websocketUrl}?token=${token}`).opened;
    await other.close();
  });
});

describe('the development issuer', () => {
  const post = (body: string) => get('/_local/token', { method: 'POST', body });

  test('describes itself, and its tokens can be verified with its keys', async () => {
    const issuer = `${cloud.endpointUrl}/_local`;
    const configuration = await getJson('/_local/.well-known/openid-configuration');
    expect(configuration).toMatchObject({ issuer, jwks_uri: `${issuer}/.well-known/jwks.json` });
    const answer = await post('{"sub": "bob", "rooms": ["lobby"]}');
    const { token } = (await answer.json()) as { token: string };
    const keys = createRemoteJWKSet(new URL(String(configuration['jwks_uri'])));
    const { payload } = await jwtVerify(token, keys, { issuer, audience: 'beckon', algorithms: ['ES256'] });
    expect(payload).toMatchObject({ sub: 'bob', rooms: ['lobby'] });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3600);
  });

  test('lets one ask for other claims, and for tokens that have expired', async () => {
    const token = await cloud.token({ sub: 'bob', aud: 'other', iss: 'https://elsewhere', expiresInSeconds: -60 });
    const { aud, iss, exp = 0, iat = 0 } = decodeJwt(token);
    expect([aud, iss, exp - iat]).toEqual(['other', 'https://elsewhere', -60]);
    expect(decodeJwt(await cloud.token({ sub: 'bob', exp: 5.5 })).exp).toBe(5.5);
  });

  test.each([
    ['nothing', '', 'the body must be JSON, such as {"sub": "bob"}'],
    ['a list', '[]', 'expected a JSON object of claims, such as {"sub": "bob"}'],
    ['no user', '{}', '"sub", the user\'s id, must be a non-empty text'],
    ['a user that is a number', '{"sub": 1}', '"sub", the user\'s id, must be a non-empty text'],
    ['an expiry that is no time', '{"sub": "bob", "exp": "soon"}', '"exp" must be epoch seconds'],
    [
      'a lifetime that is none',
      '{"sub": "bob", "expiresInSeconds": "1h"}',
      '"expiresInSeconds" must be a whole number of seconds (below 0 for an expired token)',
    ],
    ['two expiries', '{"sub": "bob", "exp": 1, "expiresInSeconds": 1}', 'give either "exp" or "expiresInSeconds"'],
  ])('refuses %s', async (_, body, message) => {
    const answer = await post(body);
    expect([answer.status, await answer.json()]).toEqual([400, { message }]);
  });

  test('lets pages of other origins read its keys, but not ask for tokens', async () => {
    expect((await get('/_local/.well-known/jwks.json')).headers.get('access-control-allow-origin')).toBe('*');
    expect((await post('{"sub": "bob"}')).headers.get('access-control-allow-origin')).toBeNull();
    expect((await get('/_local/.well-known/jwks.json')).headers.get('content-type')).toBe('application/json');
  });

  test('shows public keys only', async () => {
    const { keys } = await getJson('/_local/.well-known/jwks.json');
    expect(keys).toEqual([
      {
        kty: 'EC',
        crv: 'P-256',
        alg: 'ES256',
        use: 'sig',
        kid: expect.any(String),
        x: expect.any(String),
        y: expect.any(String),
      },
    ]);
  });
});

describe('a path under /_local', () => {
  test.each([
    ['GET', '/_local/nothing', 404],
    ['GET', '/_local/token', 405],
    ['POST', '/_local/iam', 405],
    ['GET', '/_local/iam', 200],
    ['GET', '/_local/log', 200],
    ['GET', '/_local/calls', 200],
    ['GET', '/_local/faults', 200],
  ])('%s %s is answered with %i', async (method, path, status) => {
    expect((await get(path, { method })).status).toBe(status);
  });
});

describe('a static file', () => {
  test.each([
    ['/', '<h1>page</h1>', 'text/html; charset=utf-8'],
    ['/?a=1', '<h1>page</h1>', 'text/html; charset=utf-8'],
    ['/deep/', 'deep', 'text/html; charset=utf-8'],
    ['/main.js', 'let a;', 'text/javascript; charset=utf-8'],
    ['/my%20file.bin', '\0\x01\x02', 'application/octet-stream'],
  ])('%s is served', async (path, body, type) => {
    const answer = await get(path);
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([200, body, type]);
  });

  test('is described by HEAD', async () => {
    const answer = await get('/main.js', { method: 'HEAD' });
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '6', '']);
  });

  test.each([
    '/nothing.js',
    '/deep',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/link.txt',
    '/%00',
    '/%zz',
    '/main.js/',
  ])('%s is not', async (path) => {
    const { statusCode, body } = await getExactly(path);
    expect([statusCode, JSON.parse(body)]).toEqual([
      404,
      { message: expect.stringContaining(`nothing is at ${path}: `) },
    ]);
  });

  test('cannot be written', async () => {
    expect((await get('/main.js', { method: 'PUT', body: 'x' })).status).toBe(404);
  });
});

describe('a request that is too large', () => {
  test('is refused', async () => {
    const answer = await get('/_local/token', { method: 'POST', body: 'x'.repeat(17 * 1024 * 1024) });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      { message: 'a request may have 16777216 bytes at most' },
    ]);
  });
});

describe('the port', () => {
  test('can be taken already', async () => {
    const port = Number(new URL(cloud.endpointUrl).port);
    await expect(startFixture('scan-chat', { port })).rejects.toThrow(
      `port ${port} is taken by another program: stop that program, or choose another port (--port, or the option "port"; 0 takes any free one)`,
    );
  });

  test('is free again after the end, whose connections have been closed', async () => {
    const other = await startFixture('scan-chat');
    const client = connectClient(other.websocketUrl);
    await client.opened;
    const port = Number(new URL(other.endpointUrl).port);
    await other.close();
    await client.closed;
    const again = await startFixture('scan-chat', { port });
    await again.close();
  });

  test('is free again after a failed start', async () => {
    const other = await startFixture('scan-chat');
    const port = Number(new URL(other.endpointUrl).port);
    await other.close();
    await expect(startFixture('scan-chat', { port, parameters: { StageName: '???' } })).rejects.toThrow(
      'AllowedPattern',
    );
    const again = await startFixture('scan-chat', { port });
    await again.close();
  });
});

describe('an option', () => {
  test.each<[object, string]>([
    [
      { app: 'x', prot: 1 },
      'startLocalCloud: unknown option "prot"; expected app, port, dataDirectory, parameters, faults, timeScale, startsAtMs, cpuShare, quotas, dynamodbEndpoint, allowedHosts, partial, endpoints, issuer, origin, readTrust, staticDirectory, log',
    ],
    [{}, 'startLocalCloud: app: expected "app", got undefined'],
    [{ app: '' }, 'startLocalCloud: app: expected !0, got 0'],
    [{ app: 'x', port: 70_000 }, 'startLocalCloud: port: expected <=65535, got 70000'],
    [{ app: 'x', port: '4600' }, 'startLocalCloud: port: expected number, got "4600"'],
    [{ app: 'x', partial: 1 }, 'startLocalCloud: partial: expected boolean, got 1'],
    [{ app: 'x', endpoints: { s3: 'here' } }, 'startLocalCloud: endpoints.s3: '],
    [{ app: 'x', issuer: 'http://a.example' }, 'startLocalCloud: issuer: expected "https://"'],
    [{ app: 'x', startsAtMs: -1 }, 'startLocalCloud: startsAtMs: expected >=0, got -1'],
    [
      { app: 'x', quotas: { concurrency: 10 } },
      'startLocalCloud: unknown option "quotas.concurrency"; expected concurrentExecutions, requestsPerSecond, partitionReadUnits, partitionWriteUnits',
    ],
    [
      { app: 'x', quotas: { concurrentExecutions: 0 } },
      'startLocalCloud: quotas.concurrentExecutions: expected >=1, got 0',
    ],
    [{ app: 'x', timeScale: 0 }, 'startLocalCloud: timeScale: expected >0, got 0'],
    [{ app: 'x', parameters: { A: 1 } }, 'startLocalCloud: parameters.A: expected string, got 1'],
    [{ app: 'x', dynamodbEndpoint: 'nowhere' }, 'startLocalCloud: dynamodbEndpoint: '],
    [{ app: 'x', log: true }, 'startLocalCloud: log: expected '],
  ])('%j is refused', async (options, message) => {
    await expect(startLocalCloud(options as { app: string })).rejects.toThrow(message);
  });
});
