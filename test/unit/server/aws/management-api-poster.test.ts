import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MessagesPush } from '../../../../protocol/index.ts';
import { createManagementApiPoster } from '../../../../server/aws/management-api-poster.ts';

const FRAME: MessagesPush = { type: 'messages', messages: [] };

let server: Server;
let failures: unknown[];

beforeEach(() => {
  failures = [];
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
});

/** Posts to a Management API that answers as told, and gives the outcome with the number of attempts. */
async function post(respond: RequestListener) {
  let attempts = 0;
  server = createServer((request, response) => {
    attempts += 1;
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const callbackUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/prod`;
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
  expect(outcome).toBe('delivered');
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

test('failed at once: a missing permission, which the operator is told', async () => {
  const { outcome, attempts } = await post((_request, response) =>
    response.writeHead(403, { 'x-amzn-errortype': 'ForbiddenException' }).end('{"message":"not authorized"}'),
  );
  expect([outcome, attempts]).toEqual(['failed', 1]);
  expect(failures).toMatchObject([{ name: 'ForbiddenException' }]);
});

test('failed, and not gone: a request that is bad for another reason', async () => {
  const { outcome } = await post((_request, response) =>
    response.writeHead(400, { 'x-amzn-errortype': 'BadRequestException' }).end('{"message":"Data is too long"}'),
  );
  expect(outcome).toBe('failed');
});

test.each([
  [429, 'LimitExceededException'],
  [500, 'InternalServerException'],
])('tried three times, then failed: %i', async (status, name) => {
  expect(await post((_request, response) => response.writeHead(status, { 'x-amzn-errortype': name }).end())).toEqual({
    outcome: 'failed',
    attempts: 3,
  });
});

test('delivered by the second attempt', async () => {
  let first = true;
  const { outcome, attempts } = await post((_request, response) => {
    response.writeHead(first ? 503 : 200).end();
    first = false;
  });
  expect([outcome, attempts]).toEqual(['delivered', 2]);
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
