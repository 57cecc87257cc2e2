import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, inject, test, vi } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

// The calls of a message, and which call waits for which, from the local cloud's call log (design, section 8).

/** The extra delay of a held answer: the log has whole milliseconds. */
const HELD_MS = 20;

let dynamoDb: AwsServer;
let cloud: LocalCloud;
let alice: WireClient;
let bob: WireClient;
/** The events that the answer to a DynamoDB operation waits for. */
let holds: Readonly<Record<string, Promise<unknown>>>;
let onAsked: (operation: string) => void;

beforeAll(async () => {
  const options = { clock: createClock(), faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };
  const engine = await createDynamoDb(options);
  holds = {};
  onAsked = () => undefined;
  dynamoDb = await startAwsServer({
    ...engine,
    async handle(request) {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const answer = await engine.handle(request);
      onAsked(operation);
      await holds[operation];
      return answer;
    },
  });
  const parameters = { Issuer: '{endpointUrl}/_local' };
  const dynamodbEndpoint = dynamoDb.client().endpoint;
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, dynamodbEndpoint });
  [alice, bob] = await Promise.all([device('alice'), device('bob')]);
  // Both users are announced: five calls for each.
  await vi.waitUntil(() => callsOf('tasks').length === 10, { timeout: 15_000 });
});

afterAll(async () => {
  await cloud.close();
  await dynamoDb.close();
});

beforeEach(() => {
  holds = {};
  onAsked = () => undefined;
});

async function device(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const callsOf = (...functions: string[]) =>
  cloud.calls().filter(({ principal }) => functions.some((name) => principal.includes(name)));
const received = (client: WireClient, data: string) => client.frame((frame) => JSON.stringify(frame).includes(data));

/** Sends to bob. Returns the calls in the order of their start. */
async function callsFor(data: string, more: Record<string, unknown> = {}) {
  const before = callsOf('sendMessage', 'tasks').length;
  const ack = await alice.ask({ action: 'sendMessage', to: { user: 'bob' }, data, echo: false, ...more });
  expect(ack).toMatchObject({ results: [{ status: 'sent', connections: { sent: 1 } }] });
  return callsOf('sendMessage', 'tasks')
    .slice(before)
    .map(({ operation, at, durationMs }) => ({
      operation,
      startedAt: Date.parse(at),
      endedAt: Date.parse(at) + durationMs,
    }))
    .toSorted((a, b) => a.startedAt - b.startedAt);
}

const names = (calls: readonly { operation: string }[]) => calls.map(({ operation }) => operation).toSorted();

test('a stored message for one device takes seven calls of DynamoDB and one post: two write the lists of conversations', async () => {
  expect(names(await callsFor('counted'))).toEqual([
    'GetItem',
    'PostToConnection',
    'PutItem',
    'Query',
    'Query',
    'UpdateItem',
    'UpdateItem',
    'UpdateItem',
  ]);
});

test('a copy for the sender’s other devices takes one write and two looks more', async () => {
  expect(names(await callsFor('copied', { echo: true }))).toEqual([
    'GetItem',
    'PostToConnection',
    'PutItem',
    'PutItem',
    'Query',
    'Query',
    'Query',
    'Query',
    'UpdateItem',
    'UpdateItem',
    'UpdateItem',
  ]);
});

test('an ephemeral message takes three calls of DynamoDB and one post', async () => {
  expect(names(await callsFor('ephemeral', { ephemeral: true }))).toEqual([
    'GetItem',
    'PostToConnection',
    'Query',
    'UpdateItem',
  ]);
});

test('a message takes two round trips: gate, look-up and block check at once, then post and append at once', async () => {
  const asked: string[] = [];
  let allAsked = () => {};
  const looked = new Promise<void>((resolve) => {
    allAsked = resolve;
  }).then(() => sleep(HELD_MS));
  onAsked = (operation) => {
    asked.push(operation);
    if (asked.length === 3) allAsked();
  };
  const posted = received(bob, 'in two').then(() => sleep(HELD_MS));
  // A call that waited for another of these answers would wait for ever.
  holds = { UpdateItem: looked, Query: looked, GetItem: looked, PutItem: posted };

  const calls = await callsFor('in two');

  expect(asked.slice(0, 3).toSorted()).toEqual(['GetItem', 'Query', 'UpdateItem']);
  expect(names(calls.slice(0, 3))).toEqual(['GetItem', 'Query', 'UpdateItem']);
  const others = calls.slice(3);
  expect(names(others)).toEqual(['PostToConnection', 'PutItem', 'Query', 'UpdateItem', 'UpdateItem']);
  const append = others.find(({ operation }) => operation === 'PutItem');
  const post = others.find(({ operation }) => operation === 'PostToConnection');
  expect(post?.startedAt).toBeLessThan(append?.endedAt ?? 0);
  // The second look, and what notes the message in both lists of conversations, must not begin before the append has succeeded.
  expect(asked[3]).toBe('PutItem');
  expect(asked.slice(4).toSorted()).toEqual(['Query', 'UpdateItem', 'UpdateItem']);
  // The log has whole milliseconds.
  for (const { operation, startedAt } of others.filter((call) => call !== append && call !== post))
    expect(startedAt, operation).toBeGreaterThanOrEqual((append?.endedAt ?? Number.POSITIVE_INFINITY) - 1);
});

test('a stored message for an offline user takes nine calls: one more read and one more write before the append', async () => {
  const before = callsOf('sendMessage').length;
  const ack = await alice.ask({ action: 'sendMessage', to: { user: 'nobody' }, data: 'waits', echo: false });
  expect(ack).toMatchObject({ results: [{ status: 'stored' }] });
  const calls = callsOf('sendMessage').slice(before);
  const writes = Array.from({ length: 4 }, () => 'UpdateItem');
  expect(names(calls)).toEqual(['GetItem', 'GetItem', 'PutItem', 'Query', 'Query', ...writes]);
  const inOrder = calls.slice(3).map(({ operation }) => operation);
  expect(inOrder.slice(0, 3)).toEqual(['GetItem', 'UpdateItem', 'PutItem']);
  expect(inOrder.slice(3).toSorted()).toEqual(['Query', 'UpdateItem', 'UpdateItem']);
});
