/** Faults between a sender and the connections of a recipient. */
import { GetFunctionConfigurationCommand, InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';
import type { Sender } from '../../server/index.ts';
import { openDevice } from '../support/device.ts';
import { adminClient } from '../support/local-cloud.ts';
import { pretendConnections } from '../support/pretended-connections.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;

afterEach(async () => {
  vi.unstubAllEnvs();
  await cloud.close();
});

async function start(options: Partial<LocalCloudOptions> = {}): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, ...options });
}

const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';

async function open(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(userId: string): Promise<WireClient> {
  const client = await open(userId);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

type Pushed = Record<string, unknown> & { readonly id: string; readonly data: unknown };

const pushed = ({ frames }: WireClient) =>
  frames.filter(({ type }) => type === 'messages').flatMap(({ messages }) => messages as Pushed[]);

describe('a connection that API Gateway wrongly says is gone', () => {
  const falseGone = (more: object) => ({ seed: 1, rules: [{ point: 'post', kind: 'false-gone', ...more }] });

  test('is closed, so its client reconnects at once and misses nothing', async () => {
    await start({ faults: falseGone({ limit: 1 }) });
    const bob = openDevice(cloud, 'bob');
    await bob.connected();
    const sender = await device('alice');
    const sendAt = Date.now();
    for (const data of [1, 2]) {
      const ack = await sender.ask({ action: 'sendMessage', to: { user: 'bob' }, data });
      expect(ack).toMatchObject({ type: 'ack' });
    }
    await expect.poll(() => bob.received, { timeout: 10_000 }).toEqual([1, 2]);
    expect(Date.now() - sendAt).toBeLessThan(10_000);
    expect(bob.gaps).toEqual([]);
    await bob.client.close();
  });

  test('if closing fails too, is told to register again, and then misses nothing', async () => {
    await start({ faults: falseGone({}) });
    const bob = await device('bob');
    const sender = await device('alice');
    const ack = await sender.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 1 });
    expect(ack).toMatchObject({ results: [{ status: 'stored', connections: { gone: 1 } }] });
    const closed = () => cloud.calls().filter(({ operation }) => operation === 'DeleteConnection');
    await expect.poll(closed).toMatchObject([{ statusCode: 410 }]);
    expect(await bob.ask({ action: 'ping' })).toMatchObject({ code: 'not_registered' });
    const again = await bob.ask({ action: 'register', attempt: 1 });
    expect(again).toMatchObject({ type: 'registered', messages: [{ data: 1 }] });
  });
});

test('every character reaches a user with more connections than one function posts to', async () => {
  await start();
  const bob = await device('bob');
  await pretendConnections(cloud, 'bob', 210);
  const sender = await device('alice');
  const data = { '\uFFFE key': 'a\uFFFF\uFFFE\u0000\u001F\u007F\uD800 \uDFFF\u{1F600}\u{10FFFF}' };
  const ack = await sender.ask({ action: 'sendMessage', to: { user: 'bob' }, data });
  expect(ack).toMatchObject({ results: [{ status: 'queued' }] });
  await expect.poll(() => pushed(bob), { timeout: 20_000 }).toMatchObject([{ data }]);
});

describe('an asynchronous invocation of "send"', () => {
  const invoke = (event: object) =>
    new LambdaClient(adminClient(cloud)).send(
      new InvokeCommand({
        FunctionName: output('SendFunctionName'),
        InvocationType: 'Event',
        Payload: JSON.stringify(event),
      }),
    );

  test('that dies after sending sends the same message again, and the client drops it', {
    timeout: 60_000,
  }, async () => {
    const rules = [{ point: 'lambda', kind: 'crash-after', limit: 1, match: { function: '*Beckonsend*' } }];
    await start({ faults: { seed: 1, rules }, timeScale: 5 });
    const raw = await device('bob');
    const bob = openDevice(cloud, 'bob');
    await bob.connected();
    const messages = [1, 2].map((data) => ({ to: { user: 'bob' }, data }));
    await invoke({ messages });
    await expect.poll(() => pushed(raw).map(({ data }) => data), { timeout: 40_000 }).toEqual([1, 2, 1, 2]);
    const ids = pushed(raw).map(({ id }) => id);
    expect(ids.slice(2)).toEqual(ids.slice(0, 2));
    expect(new Set(ids).size).toBe(2);
    await expect.poll(() => bob.received).toEqual([1, 2]);
    await bob.client.close();
  });

  test.each([
    [{ to: { user: 'bob' } }, { code: 'invalid_frame', message: '"data" is required', retryable: false }],
    [
      { messages: [{ to: { user: 'bob' }, data: 1 }, { id: 'm2' }], failIfAnyFails: true },
      {
        code: 'invalid_frame',
        message: '1 of 2 messages could not be sent: "to" is required',
        retryable: false,
        failures: [{ id: 'm2', error: { code: 'invalid_frame', message: '"to" is required', retryable: false } }],
      },
    ],
  ])('of %j, which fails each time, ends in the dead-letter queue with its id and the reason', async (event, error) => {
    await start({ timeScale: 60 });
    const { $metadata } = await invoke(event);
    const sqs = new SQSClient(adminClient(cloud));
    const command = new ReceiveMessageCommand({ QueueUrl: output('ExportFailedSendsUrl'), WaitTimeSeconds: 1 });
    const records: Record<string, Record<string, unknown>>[] = [];
    const received = async () => {
      const { Messages = [] } = await sqs.send(command);
      records.push(...Messages.map(({ Body = '' }) => JSON.parse(Body)));
      return records;
    };
    await expect.poll(received, { timeout: 20_000 }).toMatchObject([
      {
        requestContext: {
          requestId: $metadata.requestId,
          condition: 'RetriesExhausted',
          approximateInvokeCount: 3,
        },
        requestPayload: event,
        responsePayload: { errorType: 'invalid_frame' },
      },
    ]);
    expect(JSON.parse(String(records[0]?.['responsePayload']?.['errorMessage']))).toEqual(error);
    const lines = cloud.log().filter(({ message }) => message.includes('"route":"send"'));
    expect(lines.map(({ message }) => JSON.parse(message))).toMatchObject([
      { outcome: 'failed', reason: 'invalid_frame' },
      { outcome: 'failed', reason: 'invalid_frame' },
      { outcome: 'failed', reason: 'invalid_frame' },
    ]);
    expect(cloud.iamReport().denied).toEqual([]);
  });
});

describe('a sender in a process of its own', () => {
  let bob: WireClient;

  beforeEach(async () => {
    await start();
    bob = await device('bob');
  });

  /** Creates a sender with the variables of `grantSend`, and those that point SDK clients at the local cloud. */
  async function createOutside(environment: Readonly<Record<string, string>> = {}): Promise<Sender> {
    const command = new GetFunctionConfigurationCommand({ FunctionName: output('ExportNotifierName') });
    const { Environment } = await new LambdaClient(adminClient(cloud)).send(command);
    const variables = {
      ...Environment?.Variables,
      AWS_ENDPOINT_URL: cloud.endpointUrl,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      ...environment,
    };
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
    // The process keeps its clients, so this test needs another process.
    vi.resetModules();
    const { createSender } = await import('../../server/index.ts');
    return createSender({ service: 'outside' });
  }

  test('posts and queues tasks at the configured endpoint', async () => {
    const sender = await createOutside();
    expect(await sender.sendToUser('bob', 'few')).toMatchObject({ status: 'sent', connections: { sent: 1 } });
    await pretendConnections(cloud, 'bob', 210);
    expect(await sender.sendToUser('bob', 'many')).toMatchObject({ status: 'queued' });
    await expect.poll(() => pushed(bob).map(({ data }) => data), { timeout: 20_000 }).toEqual(['few', 'many']);
  });

  test.each([
    ['nothing is listening', { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://127.0.0.1:1' }],
    ['the name is unknown', { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'http://nowhere.invalid' }],
    ['it is not let in', { AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: 'STAGE' }],
  ])('that does not reach the API because %s closes no connection', async (_, environment) => {
    const entries = Object.entries(environment);
    const resolved = entries.map(([name, value]) => [name, value === 'STAGE' ? `${cloud.endpointUrl}/other` : value]);
    const sender = await createOutside(Object.fromEntries(resolved));
    const [message, options] = [{ text: 'first' }, { id: 'm1' }] as const;
    await expect(sender.sendToUser('bob', message, options)).rejects.toMatchObject({
      code: 'internal',
      maybeDelivered: true,
      cause: { name: 'Unreachable', cause: expect.any(Error) },
    });

    const healthy = await createOutside({ AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI: '' });
    const again = await healthy.sendToUser('bob', message, { ...options, retry: true });
    expect(again).toMatchObject({ duplicate: true, connections: { sent: 1 } });
    expect(await healthy.sendToUser('bob', { text: 'second' })).toMatchObject({ connections: { sent: 1 } });
    await expect.poll(() => pushed(bob).map(({ data }) => data)).toEqual([{ text: 'first' }, { text: 'second' }]);
  });
});
