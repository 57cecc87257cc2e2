/** Whom the local cloud answers: it is for programs and pages of this machine, and for no page from elsewhere. */
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LocalCloud } from '../../local/index.ts';
import { startFixture } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

let cloud: LocalCloud;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'front-test-'));
  mkdirSync(join(folder, 'site'));
  writeFileSync(join(folder, 'site/index.html'), '<h1>page</h1>');
  cloud = await startFixture('scan-chat', {
    staticDirectory: join(folder, 'site'),
    allowedHosts: ['host.docker.internal'],
  });
});

afterAll(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** Sends a request with headers that `fetch` does not let one choose. */
function ask(path: string, { method = 'GET', headers = {} as Record<string, string>, body = '' } = {}) {
  const { port } = new URL(cloud.endpointUrl);
  return new Promise<Answer>((resolve, reject) => {
    request({ port, path, method, headers }, async (response) => {
      const { statusCode: status, headers: answered } = response;
      resolve({ status, headers: answered, body: (await response.toArray()).join('') });
    })
      .once('error', reject)
      .end(body);
  });
}

const onPort = (name: string) => `${name}:${new URL(cloud.endpointUrl).port}`;
const token = (headers: Record<string, string>) =>
  ask('/_local/token', { method: 'POST', headers, body: '{"sub": "bob"}' });

describe('a name under which a request comes', () => {
  test.each(['127.0.0.1', 'localhost', 'LOCALHOST', 'app.localhost', 'localhost.', '[::1]', 'host.docker.internal'])(
    '%s is one of this machine',
    async (name) => {
      for (const host of [name, onPort(name)]) {
        expect((await ask('/', { headers: { host } })).status, host).toBe(200);
        expect((await ask('/_local/health', { headers: { host } })).status, host).toBe(200);
        expect((await token({ host })).status, host).toBe(200);
      }
      await connectClient(cloud.websocketUrl, { headers: { Host: onPort(name) } }).opened;
    },
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example@127.0.0.1',
    'evil.example#127.0.0.1',
    'xn--lcalhost-54a',
    '192.168.0.10',
    '0.0.0.0',
    'x.execute-api.us-east-1.amazonaws.com.evil.example',
    'host.docker.internal.evil.example',
  ])('"%s" is that of somebody else, and gets nothing', async (name) => {
    for (const host of [name, onPort(name)]) {
      for (const path of [
        '/',
        '/index.html',
        '/_local/health',
        '/_local/log',
        '/_local/.well-known/jwks.json',
        '/Prod',
      ]) {
        const { status, body } = await ask(path, { headers: { host } });
        expect([status, body], `${host} ${path}`).toEqual([
          403,
          expect.stringMatching(/Host must name|does not answer as/),
        ]);
      }
      expect((await token({ host })).status).toBe(403);
      expect((await connectClient(cloud.websocketUrl, { headers: { Host: host } }).refused).statusCode).toBe(403);
    }
  });

  test('says how it can be allowed', async () => {
    const { body } = await ask('/', { headers: { host: 'evil.example:4600' } });
    expect(JSON.parse(body)).toEqual({
      message:
        'the local cloud does not answer as evil.example: use 127.0.0.1 or localhost, or allow the name ' +
        '(--allow-host evil.example, or the option "allowedHosts")',
    });
  });

  test('of AWS is for the APIs of AWS alone', async () => {
    const [, apiId] = /^wss:\/\/(\w+)\./.exec(cloud.outputs['scan-chat']?.['WebSocketUri'] ?? '') ?? [];
    const host = `${apiId}.execute-api.us-east-1.amazonaws.com`;
    await connectClient(cloud.websocketUrl, { headers: { Host: host } }).opened;
    const unsigned = { host: 'dynamodb.us-east-1.amazonaws.com', 'x-amz-target': 'DynamoDB_20120810.ListTables' };
    expect((await ask('/', { method: 'POST', headers: unsigned })).body).toContain('MissingAuthenticationToken');
    expect((await ask('/_local/log', { headers: { host } })).status).toBe(403);
    expect((await token({ host })).status).toBe(403);
    expect((await ask('/', { headers: { host } })).status).toBe(403);
  });

  test('is needed', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(new URL(cloud.endpointUrl).port), '127.0.0.1');
      socket.on('error', reject);
      socket.on('data', (data) => resolve(data.toString()));
      socket.end('GET /_local/log HTTP/1.0\r\n\r\n');
    });
    expect(answer).toContain('403 Forbidden');
  });
});

describe('a page of another origin', () => {
  const FOREIGN = [
    'https://evil.example',
    'https://localhost.evil.example',
    'http://192.168.0.10:3000',
    'null',
    'file://',
    'capacitor://x',
  ];

  test.each(FOREIGN)('%s sees nothing of what happens here, and gets no token', async (origin) => {
    for (const view of ['health', 'calls', 'faults', 'iam', 'log', 'nothing']) {
      expect((await ask(`/_local/${view}`, { headers: { origin } })).status, view).toBe(403);
    }
    expect(await token({ origin })).toMatchObject({
      status: 403,
      body: expect.stringContaining('is not for pages of'),
    });
  });

  test.each(FOREIGN)('%s may read the public keys', async (origin) => {
    for (const path of ['openid-configuration', 'jwks.json']) {
      const { status, headers } = await ask(`/_local/.well-known/${path}`, { headers: { origin } });
      expect([status, headers['access-control-allow-origin']]).toEqual([200, '*']);
    }
  });

  test.each(FOREIGN)('%s is not told that it may ask', async (origin) => {
    const { status, headers } = await ask('/_local/token', { method: 'OPTIONS', headers: { origin } });
    expect([status, headers['access-control-allow-origin']]).toEqual([403, undefined]);
  });

  test.each(['http://localhost:5173', 'http://127.0.0.1:1', 'https://app.localhost:8443', 'http://[::1]:3000'])(
    '%s, a page of this machine, gets tokens and sees what happens here',
    async (origin) => {
      const allowed = { 'access-control-allow-origin': origin, vary: 'Origin' };
      const preflight = {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type',
      };
      expect(await ask('/_local/token', { method: 'OPTIONS', headers: preflight })).toMatchObject({
        status: 204,
        headers: {
          ...allowed,
          'access-control-allow-methods': 'GET, POST',
          'access-control-allow-headers': 'content-type',
        },
      });
      expect(await token({ origin, 'content-type': 'application/json' })).toMatchObject({
        status: 200,
        headers: allowed,
      });
      for (const view of ['health', 'calls', 'faults', 'iam', 'log']) {
        expect(await ask(`/_local/${view}`, { headers: { origin } }), view).toMatchObject({
          status: 200,
          headers: allowed,
        });
      }
      expect(await ask('/_local/nothing', { headers: { origin } })).toMatchObject({ status: 404, headers: allowed });
    },
  );

  test('differs from the local cloud’s own page under any name', async () => {
    for (const host of ['127.0.0.1', 'localhost', '[::1]'].map(onPort)) {
      expect((await token({ host, origin: `http://${host}` })).status).toBe(200);
    }
    expect((await token({ host: 'host.docker.internal', origin: 'https://host.docker.internal' })).status).toBe(200);
  });

  test('cannot frame an answer, and no browser guesses its type', async () => {
    for (const path of ['/', '/_local/log', '/nothing']) {
      expect((await ask(path)).headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
        'content-security-policy': "frame-ancestors 'self'",
      });
    }
  });
});

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf', ''])(
  '/_local has no %s',
  async (name) => {
    const { status, body } = await ask(`/_local/${name}`);
    expect([status, body]).toEqual([404, expect.stringContaining(`unknown path /_local/${name}`)]);
  },
);

describe.skipIf(process.platform === 'win32')('the data folder', () => {
  const modeOf = (path: string) => statSync(path).mode & 0o777;
  const run = async (dataDirectory: string) => (await startFixture('scan-chat', { dataDirectory })).close();

  test('is made for its owner alone', async () => {
    const directory = join(folder, 'new/data');
    await run(directory);
    expect(modeOf(directory)).toBe(0o700);
  });

  test('of an earlier run is closed to others', async () => {
    const directory = join(folder, 'old');
    mkdirSync(directory, { mode: 0o755 });
    await run(directory);
    expect(modeOf(directory)).toBe(0o755);
    await run(directory);
    expect(modeOf(directory)).toBe(0o700);
  });
});
