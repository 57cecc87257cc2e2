import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type LambdaBench, startLambdaBench } from '../support/lambda.ts';

interface Seen {
  readonly host: string | undefined;
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly authorization: string | undefined;
  readonly socketPort: number | undefined;
  readonly body: string;
}

let cloud: Server;
let bench: LambdaBench;
let seen: Seen[] = [];

async function record(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { headers, method, url, socket } = request;
  const { host, authorization } = headers;
  seen.push({
    host,
    method,
    url,
    authorization,
    socketPort: socket.remotePort,
    body: Buffer.concat(chunks).toString(),
  });
}

/** Stands for the local cloud's port. */
beforeAll(async () => {
  cloud = createServer(async (request, response) => {
    await record(request);
    response.setHeader('content-type', 'application/x-amz-json-1.0').end('{"TableNames":[]}');
  });
  await new Promise<void>((resolve) => cloud.listen(0, '127.0.0.1', resolve));
  const { port } = cloud.address() as AddressInfo;
  bench = await startLambdaBench({ endpoint: () => ({ host: '127.0.0.1', port }) });
});

afterAll(async () => {
  await bench.close();
  cloud.closeAllConnections();
  await new Promise((resolve) => cloud.close(resolve));
});

beforeEach(() => {
  seen = [];
});

test('an SDK client without any setting reaches the local cloud, with its own host and signature', async () => {
  const name = await bench.deploy(`
    const { DynamoDBClient, ListTablesCommand } = require('@aws-sdk/client-dynamodb');
    const client = new DynamoDBClient({});
    exports.handler = async () => (await client.send(new ListTablesCommand({}))).TableNames;`);
  expect((await bench.invoke(name)).payload).toEqual([]);
  expect(seen).toEqual([
    expect.objectContaining({
      host: 'dynamodb.us-east-1.amazonaws.com',
      authorization: expect.stringContaining('Credential=function-role/'),
    }),
  ]);
});

test('an SDK client keeps its connection over requests and invocations', async () => {
  const name = await bench.deploy(`
    const { DynamoDBClient, ListTablesCommand } = require('@aws-sdk/client-dynamodb');
    const client = new DynamoDBClient({});
    exports.handler = async () => { for (let i = 0; i < 3; i++) await client.send(new ListTablesCommand({})); };`);
  await bench.invoke(name);
  await bench.invoke(name);
  expect(seen).toHaveLength(6);
  expect(new Set(seen.map(({ socketPort }) => socketPort)).size).toBe(1);
});

test('a connection that the service closed between two invocations is not used again', async () => {
  const name = await bench.deploy(`
    const { DynamoDBClient, ListTablesCommand } = require('@aws-sdk/client-dynamodb');
    const client = new DynamoDBClient({ maxAttempts: 1 });
    exports.handler = async () => (await client.send(new ListTablesCommand({}))).TableNames;`);
  for (let i = 0; i < 5; i++) {
    expect((await bench.invoke(name)).payload).toEqual([]);
    cloud.closeIdleConnections();
  }
  expect(new Set(seen.map(({ socketPort }) => socketPort)).size).toBe(5);
});

test('an endpoint that the handler builds itself, as for the Management API', async () => {
  const name = await bench.deploy({
    'index.mjs': `
      import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
      export const handler = async ({ domainName, stage }) => {
        const client = new ApiGatewayManagementApiClient({ endpoint: 'https://' + domainName + '/' + stage });
        await client.send(new PostToConnectionCommand({ ConnectionId: 'abc=', Data: 'hello' }));
      };`,
  });
  const domainName = 'a1b2c3d4e5.execute-api.us-east-1.amazonaws.com';
  expect((await bench.invoke(name, { domainName, stage: 'prod' })).functionError).toBeUndefined();
  expect(seen).toMatchObject([{ host: domainName, method: 'POST', url: '/prod/@connections/abc%3D', body: 'hello' }]);
});

test('fetch', async () => {
  const name = await bench.deploy(`
    exports.handler = async () => {
      const responses = [];
      for (let i = 0; i < 3; i++) {
        const response = await fetch('https://lambda.us-east-1.amazonaws.com/path?q=' + i, { method: 'POST', body: 'b' + i });
        responses.push(await response.json());
      }
      return responses.length;
    };`);
  expect((await bench.invoke(name)).payload).toBe(3);
  expect(seen.map(({ host, url, body }) => [host, url, body])).toEqual([
    ['lambda.us-east-1.amazonaws.com', '/path?q=0', 'b0'],
    ['lambda.us-east-1.amazonaws.com', '/path?q=1', 'b1'],
    ['lambda.us-east-1.amazonaws.com', '/path?q=2', 'b2'],
  ]);
});

test('node:https, imported as an ES module, with and without an agent of its own', async () => {
  const name = await bench.deploy({
    'index.mjs': `
      import { Agent, get } from 'node:https';
      import { connect } from 'node:tls';
      const read = (options) => new Promise((resolve, reject) =>
        get('https://sqs.us-east-1.amazonaws.com/queue', options, (r) => r.resume().on('end', () => resolve(r.statusCode))).on('error', reject));
      const raw = () => new Promise((resolve, reject) => {
        const socket = connect(443, 'sts.us-east-1.amazonaws.com', {}, () => { socket.end(); resolve(socket.authorized); });
        socket.on('error', reject);
      });
      export const handler = async () => [await read({}), await read({ agent: new Agent({ keepAlive: true }) }), await raw()];`,
  });
  expect((await bench.invoke(name)).payload).toEqual([200, 200, true]);
});

test('other hosts, and plain HTTP servers, are left alone', async () => {
  const other = createServer((_, response) => response.end('not AWS'));
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const name = await bench.deploy(`
    const tls = require('node:tls');
    exports.handler = async ({ port }) => {
      const secure = await fetch('https://127.0.0.1:' + port).then(() => 'connected', (error) => error.cause.code);
      return [secure, await (await fetch('http://127.0.0.1:' + port)).text()];
    };`);
  const { payload } = await bench.invoke(name, { port: (other.address() as AddressInfo).port });
  expect(payload).toEqual([expect.stringMatching(/^ERR_SSL/), 'not AWS']);
  expect(seen).toEqual([]);
  other.closeAllConnections();
  await new Promise((resolve) => other.close(resolve));
});

test('HTTP/2 to AWS, which the local cloud does not speak, fails by name', async () => {
  const name = await bench.deploy(`
    const http2 = require('node:http2');
    exports.handler = () => new Promise((resolve) =>
      http2.connect('https://kinesis.us-east-1.amazonaws.com').on('error', (error) => resolve(error.message)));`);
  expect((await bench.invoke(name)).payload).toBe(
    'the local cloud does not support HTTP/2 to kinesis.us-east-1.amazonaws.com',
  );
});
