import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { MessagesPush } from '../../../../protocol/index.ts';
import { createManagementApiPoster } from '../../../../server/aws/management-api-poster.ts';
import { Unreachable } from '../../../../server/sending/posting.ts';

const FRAME: MessagesPush = { type: 'messages', messages: [] };

let server: Server | undefined;
let failures: unknown[];

beforeEach(() => {
  failures = [];
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});

afterEach(() => {
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

/** A server at a free port; `url` has the stage. */
async function listen(respond: RequestListener, onConnection: (socket: Socket) => void = () => undefined) {
  const listening = createServer(respond).on('connection', onConnection);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const { port } = listening.address() as AddressInfo;
  const close = () =>
    new Promise<void>((resolve) => {
      listening.close(() => resolve());
      listening.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${port}/prod`, close };
}

/** Posts to a Management API that answers as told, and gives the outcome with the number of attempts. */
async function post(respond: RequestListener) {
  let attempts = 0;
  const { url: callbackUrl } = await listen((request, response) => {
    attempts += 1;
    respond(request, response);
  });
  const poster = createManagementApiPoster({ onFailure: (error) => failures.push(error) });
  const outcome = await poster.post({ callbackUrl, connectionId: 'AbCdEfGhIjKlMn0=' }, FRAME);
  return { outcome, attempts };
}

test('posts the frame as JSON to the connection, its id encoded, under the stage', async () => {
  let seen = '';
  const { outcome } = await post((request, response) => {
    request.on('data', (chunk) => {
      seen += `${request.method} ${request.url} ${chunk}`;
    });
    request.on('end', () => response.end());
  });
  expect(outcome).toBe('sent');
  expect(seen).toBe('POST /prod/@connections/AbCdEfGhIjKlMn0%3D {"type":"messages","messages":[]}');
});

test.each([
  ['410 named by its header', 410, { 'x-amzn-errortype': 'GoneException' }, ''],
  ['GoneException, whatever its status', 400, { 'x-amzn-errortype': 'GoneException' }, ''],
  ['410 without a name, as the SDK sees it when the header is absent', 410, {}, ''],
  [
    '400 for a malformed id',
    400,
    { 'x-amzn-errortype': 'BadRequestException' },
    '{"message":"Invalid connectionId: x"}',
  ],
])('gone: %s', async (_, status, headers, body) => {
  expect(await post((_request, response) => response.writeHead(status, headers).end(body))).toEqual({
    outcome: 'gone',
    attempts: 1,
  });
  expect(failures).toEqual([]);
});

test.each([
  ['a missing permission', 403, 'AccessDeniedException'],
  ['another signature than that of its credentials', 403, 'InvalidSignatureException'],
  ['credentials that have expired', 403, 'ExpiredTokenException'],
  ['an endpoint that is another server', 404, ''],
])('unreachable, which the operator is told: %s', async (_, status, name) => {
  const { outcome, attempts } = await post((_request, response) =>
    response.writeHead(status, { 'x-amzn-errortype': name }).end('{"message":"no"}'),
  );
  expect([outcome, attempts]).toEqual([expect.any(Unreachable), 1]);
  expect(outcome).toHaveProperty('cause', failures[0]);
  expect(failures).toHaveLength(1);
});

test('unreachable: a proxy that answers in HTML', async () => {
  const { outcome } = await post((_request, response) => response.writeHead(403).end('<html>Forbidden</html>'));
  expect(outcome).toBeInstanceOf(Unreachable);
});

describe('unreachable, because no connection opens:', () => {
  const connectionId = 'AbCdEfGhIjKlMn0=';
  const outcomeAt = (callbackUrl: string, own?: string) =>
    createManagementApiPoster({ onFailure: (error) => failures.push(error), callbackUrl: own }).post(
      { callbackUrl, connectionId },
      FRAME,
    );
  const closedPort = async () => {
    const { url, close } = await listen(() => undefined);
    await close();
    return url;
  };

  test('nothing listens there', async () => {
    expect(await outcomeAt(await closedPort())).toBeInstanceOf(Unreachable);
  });

  test('the name is not known', async () => {
    expect(await outcomeAt('https://no-such-api.invalid/prod')).toBeInstanceOf(Unreachable);
  });

  test('the other side does not speak TLS', async () => {
    const { url, close } = await listen((_request, response) => response.end());
    expect(await outcomeAt(url.replace('http:', 'https:'))).toBeInstanceOf(Unreachable);
    await close();
  });

  test('it breaks off before TLS is set up', async () => {
    const { url, close } = await listen(
      () => undefined,
      (socket) => socket.destroy(),
    );
    expect(await outcomeAt(url.replace('http:', 'https:'))).toBeInstanceOf(Unreachable);
    await close();
  });

  test('there are no credentials', async () => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', undefined);
    vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nowhere');
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere');
    expect(await outcomeAt('https://api.invalid/prod')).toBeInstanceOf(Unreachable);
    expect(failures).toMatchObject([{ name: 'CredentialsProviderError' }]);
  });

  test('gone, if it is not this installation’s API: its connections went with it', async () => {
    const callbackUrl = await closedPort();
    expect(await outcomeAt(callbackUrl, 'https://api.example/prod')).toBe('gone');
    expect(await outcomeAt(callbackUrl, callbackUrl)).toBeInstanceOf(Unreachable);
  });
});

test('failed: a connection that breaks off after the request was sent, which may have arrived', async () => {
  const { outcome } = await post((request) => request.socket.destroy());
  expect(outcome).toBe('failed');
});

describe('a configured endpoint replaces AWS', () => {
  const AWS = 'https://abcdef1234.execute-api.us-east-1.amazonaws.com/prod';

  async function pathOf(configure: (url: string) => void, callbackUrl = AWS, client = {}) {
    const seen: string[] = [];
    const { url, close } = await listen(({ method, url: path }, response) => {
      seen.push(`${method} ${path}`);
      response.end();
    });
    configure(url.replace('/prod', ''));
    const poster = createManagementApiPoster({ onFailure: (error) => failures.push(error), client });
    const outcome = await poster.post({ callbackUrl, connectionId: 'c1' }, FRAME);
    await close();
    return [outcome, ...seen];
  }

  test.each([
    ['for all services', 'AWS_ENDPOINT_URL', ''],
    ['for all services, with a slash', 'AWS_ENDPOINT_URL', '/'],
    ['for the Management API', 'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', ''],
    ['for the Management API, with its stage', 'AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI', '/prod'],
  ])('%s', async (_, name, path) => {
    expect(await pathOf((url) => vi.stubEnv(name, `${url}${path}`))).toEqual(['sent', 'POST /prod/@connections/c1']);
  });

  test('by the settings of a client, before the environment', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://no-such-endpoint.invalid');
    const client: { endpoint?: string } = {};
    const configure = (url: string) => Object.assign(client, { endpoint: url });
    expect(await pathOf(configure, AWS, client)).toEqual(['sent', 'POST /prod/@connections/c1']);
  });

  test('in the profile', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'beckon-profile-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'config');
    vi.stubEnv('AWS_CONFIG_FILE', file);
    vi.stubEnv('AWS_PROFILE', 'away');
    vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
    const credentials = 'aws_access_key_id = a\naws_secret_access_key = b';
    const configure = (url: string) => writeFileSync(file, `[profile away]\nendpoint_url = ${url}\n${credentials}\n`);
    expect(await pathOf(configure)).toEqual(['sent', 'POST /prod/@connections/c1']);
  });

  test('unless configured endpoints are ignored', async () => {
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true');
    const configure = (url: string) => vi.stubEnv('AWS_ENDPOINT_URL', url);
    expect(await pathOf(configure, 'https://no-such-api.invalid/prod')).toEqual([expect.any(Unreachable)]);
  });
});

test('failed, and not gone: a request that is bad for another reason', async () => {
  const { outcome } = await post((_request, response) =>
    response.writeHead(400, { 'x-amzn-errortype': 'BadRequestException' }).end('{"message":"Data is too long"}'),
  );
  expect(outcome).toBe('failed');
});

test.each([
  [429, 'LimitExceededException', 'throttled'],
  [500, 'InternalServerException', 'failed'],
])('tried three times: %i %s is %s', async (status, name, outcome) => {
  expect(await post((_request, response) => response.writeHead(status, { 'x-amzn-errortype': name }).end())).toEqual({
    outcome,
    attempts: 3,
  });
});

test('delivered by the second attempt', async () => {
  let first = true;
  const { outcome, attempts } = await post((_request, response) => {
    response.writeHead(first ? 503 : 200).end();
    first = false;
  });
  expect([outcome, attempts]).toEqual(['sent', 2]);
});

test('a post without an answer is aborted, and its socket freed', { timeout: 20_000 }, async () => {
  let aborted = 0;
  const { outcome, attempts } = await post((request) => {
    request.socket.on('close', () => {
      aborted += 1;
    });
  });
  expect([outcome, attempts]).toEqual(['failed', 3]);
  await vi.waitFor(() => expect(aborted).toBe(3));
});
