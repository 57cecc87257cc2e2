import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as v from 'valibot';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { BeckonError, createSender, type LogLine, type Sender, type SenderOptions } from '../../../server/index.ts';

// A sender as a guest in somebody's function, with DynamoDB as far as a test says.

const ENVIRONMENT = {
  BECKON_CONNECTIONS_TABLE: 'connections',
  BECKON_MESSAGES_TABLE: 'messages',
  BECKON_TASKS_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/1/tasks',
  BECKON_RETENTION_SECONDS: '60',
  BECKON_CALLBACK_URL: 'https://api.invalid/prod',
};

/** The operations that have been asked for, and who has signed the requests. */
let asked: string[] = [];
let keys: (string | undefined)[] = [];
let answer: (operation: string, response: ServerResponse) => void;

const server = createServer((request, response) => {
  const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
  asked.push(operation);
  keys.push(/Credential=(\w+)\//.exec(request.headers.authorization ?? '')?.[1]);
  answer(operation, response);
});
const refuse = (response: ServerResponse) =>
  response.writeHead(400).end(JSON.stringify({ __type: 'com.amazonaws#AccessDeniedException', message: 'not you' }));
const DENIED = { name: 'AccessDeniedException', message: 'not you' };

let client: NonNullable<SenderOptions['client']>;
let stdout: ReturnType<typeof vi.spyOn>;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  client = { region: 'us-east-1', endpoint, credentials: { accessKeyId: 'guest', secretAccessKey: 'secret' } };
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
  keys = [];
  answer = (_, response) => refuse(response);
  for (const [name, value] of Object.entries(ENVIRONMENT)) vi.stubEnv(name, value);
  stdout = vi.spyOn(process.stdout, 'write');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The recipient can be looked up, and nothing else can be done. */
const refuseWrites = (operation: string, response: ServerResponse) =>
  /^(Query|GetItem)$/.test(operation) ? response.end('{"Items":[],"Count":0}') : refuse(response);

const CALLS: readonly (readonly [string, (sender: Sender) => Promise<unknown>])[] = [
  ['sendToUser', (sender) => sender.sendToUser('bob', 1)],
  ['sendToUsers', (sender) => sender.sendToUsers(['bob', 'carol'], 1)],
  ['sendToRoom', (sender) => sender.sendToRoom('lobby', 1)],
  ['send', (sender) => sender.send([{ to: { user: 'bob' }, data: 1 }])],
  ['block', (sender) => sender.block('bob', 'mallory')],
  ['unblock', (sender) => sender.unblock('bob', 'mallory')],
  ['blocked', (sender) => sender.blocked('bob')],
];

describe('an error of the AWS SDK', () => {
  test.each(CALLS)('in %s becomes a BeckonError with the original as its cause', async (_, call) => {
    const error = await call(createSender({ client })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BeckonError);
    expect(error).toMatchObject({ code: 'internal', retryable: true, maybeDelivered: false, cause: DENIED });
    expect(stdout).not.toHaveBeenCalled();
  });

  test('after the recipient was looked up says that the message may have been sent', async () => {
    answer = refuseWrites;
    const sender = createSender({ client });
    const internal = { code: 'internal', retryable: true, maybeDelivered: true, cause: DENIED };
    await expect(sender.sendToUser('bob', 1)).rejects.toMatchObject(internal);
    const [failure, wrong] = await sender.send([
      { to: { user: 'bob' }, data: 1, id: 'm1' },
      { to: { user: '' }, data: 2, id: 'm2' },
    ]);
    expect(failure).toMatchObject({ id: 'm1', error: internal });
    expect(wrong).toMatchObject({ id: 'm2', error: { code: 'invalid_frame', retryable: false } });
    for (const result of [failure, wrong]) expect(result).toMatchObject({ error: expect.any(BeckonError) });
    expect(stdout).not.toHaveBeenCalled();
  });

  test('goes to the logger, if there is one', async () => {
    answer = refuseWrites;
    const lines: LogLine[] = [];
    const sender = createSender({ client, logger: (line) => lines.push(line) });
    await expect(sender.sendToUser('bob', 1)).rejects.toThrow(BeckonError);
    expect(lines).toMatchObject([{ route: 'send', outcome: 'failed', error: DENIED }]);
    expect(stdout).not.toHaveBeenCalled();
  });
});

test('"client" sets endpoint and credentials', async () => {
  await expect(createSender({ client }).blocked('bob')).rejects.toThrow(BeckonError);
  const other = { ...client, credentials: async () => ({ accessKeyId: 'assumed', secretAccessKey: 'secret' }) };
  await expect(createSender({ client: other }).blocked('bob')).rejects.toThrow(BeckonError);
  expect(keys).toEqual(['guest', 'assumed']);
});

test('invalid data is a TypeError, and makes no call', async () => {
  const sent = createSender<unknown>({ client }).sendToUser('bob', { open: () => {} });
  await expect(sent).rejects.toThrow(new TypeError('The data must be JSON or bytes. Found at "data.open": Function'));
  expect(asked).toEqual([]);
});

test('data that the schema rejects is a TypeError, and makes no call', async () => {
  const schema = v.object({ title: v.string() });
  const sender = createSender({ client, schema });
  const wrong = { title: 7 } as never;
  const told = /^The data does not match the schema. Found at "data\.title": .*string/;
  for (const sent of [sender.sendToUser('bob', wrong), sender.sendToRoom('lobby', wrong)]) {
    await expect(sent).rejects.toThrow(TypeError);
    await expect(sent).rejects.toThrow(told);
  }
  expect(asked).toEqual([]);
  const [failure] = await sender.send([{ to: { user: 'bob' }, data: wrong, id: 'm1' }]);
  expect(failure).toMatchObject({ id: 'm1', error: { code: 'invalid_frame', message: expect.stringMatching(told) } });
  answer = refuseWrites;
  await expect(sender.sendToUser('bob', { title: 'Sales' })).rejects.toMatchObject({ code: 'internal' });
});

describe('a signal', () => {
  test.each(CALLS)('that has aborted makes %s do nothing', async (_, call) => {
    const reason = new Error('stopping');
    await expect(call(createSender({ client, signal: AbortSignal.abort(reason) }))).rejects.toBe(reason);
    expect(asked).toEqual([]);
  });

  test.each(['the sender', 'the call'] as const)('of %s ends what is under way', async (of) => {
    const controller = new AbortController();
    const reached = new Promise<void>((resolve) => {
      answer = () => resolve();
    });
    const { signal } = controller;
    const sender = createSender({ client, ...(of === 'the sender' && { signal }) });
    const sent = sender.sendToUser('bob', 1, of === 'the call' ? { signal } : {});
    await reached;
    controller.abort(null);
    await expect(sent).rejects.toBe(null);
    const next = sender.blocked('bob');
    answer = (_operation, response) => refuse(response);
    await expect(next).rejects.toEqual(of === 'the sender' ? null : expect.any(BeckonError));
  });

  test('serves any number of calls at once', async () => {
    const warned = vi.spyOn(process, 'emitWarning');
    const { signal } = new AbortController();
    const sender = createSender({ client, signal });
    const calls = Array.from({ length: 20 }, () => sender.sendToUser('bob', 1, { signal }));
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
    expect(warned).not.toHaveBeenCalled();
  });

  test('of a call ends a call of several messages, too', async () => {
    const sent = createSender({ client }).send([{ to: { user: 'bob' }, data: 1 }], { signal: AbortSignal.abort(1) });
    await expect(sent).rejects.toBe(1);
  });
});

test.each<[string, unknown, string]>([
  [
    'an unknown option',
    { region: 'x' },
    'createSender has no option "region"; it has service, schema, logger, client, signal',
  ],
  ['no object', 'reports', 'createSender takes an object with service, schema, logger, client, signal; got string'],
  ['a service that is no name', { service: ' x' }, 'service must be a name: at most 256'],
  [
    'a logger that is no function',
    { logger: console },
    'logger must be a function, such as (line) => console.warn(line); got object',
  ],
  [
    'a client of the SDK',
    { client: { middlewareStack: {} } },
    'client has no option "middlewareStack"; it has region, credentials, endpoint',
  ],
  [
    'an endpoint that is no URL',
    { client: { endpoint: 'localhost' } },
    'client.endpoint must be a URL, such as http://127.0.0.1:4600; got localhost',
  ],
  [
    'a signal that is none',
    { signal: 5 },
    'signal must be an AbortSignal, such as AbortSignal.timeout(2_000); got number',
  ],
])('%s is a TypeError that says what there is', (_, options, told) => {
  expect(() => createSender(options as SenderOptions)).toThrow(TypeError);
  expect(() => createSender(options as SenderOptions)).toThrow(told);
});

test('an invalid signal of a call is a TypeError as well', async () => {
  const sent = createSender({ client }).sendToUser('bob', 1, { signal: {} as AbortSignal });
  await expect(sent).rejects.toThrow(/^signal must be an AbortSignal/);
  expect(asked).toEqual([]);
});

test('without grantSend, the error names the missing variable, and what sets it', () => {
  vi.stubEnv('BECKON_TASKS_QUEUE_URL', '');
  expect(() => createSender()).toThrow(/BECKON_TASKS_QUEUE_URL is not set\. Beckon\.grantSend\(fn\)/);
});

test.each([
  ['the option', { service: '' }, 'reports'],
  ['the environment', {}, ''],
])('an empty name in %s is refused', (_, options, functionName) => {
  vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', functionName);
  expect(() => createSender(options)).toThrow(TypeError);
});
