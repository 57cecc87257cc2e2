import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, ListTablesCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Beckon } from '../../lib/beckon.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { eventually } from '../support/eventually.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});
afterAll(() => cloud.close());

const EVERYTHING = {
  'user:*': ['send', 'history'],
  'room:*': ['join', 'send', 'history'],
  'service:*': ['history'],
};

async function device(sub: string, capability: object = EVERYTHING, of = cloud): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await of.token({ sub, capability })}` };
  const client = await connectWire(of.websocketUrl, { headers });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

async function send(client: WireClient, to: object, data: unknown, more = {}): Promise<string> {
  const ack = await client.ask({ action: 'sendMessage', messages: [{ to, data, ...more }] });
  const [result] = ack['results'] as { readonly serial: string }[];
  if (!result?.serial) throw new Error(JSON.stringify(ack));
  return result.serial;
}

async function serve(user: string, service: string, data: unknown): Promise<void> {
  const FunctionName = cloud.outputs['Beckon']?.['SendFunctionName'] ?? '';
  const Payload = JSON.stringify({ to: { user }, data, service });
  const { FunctionError } = await new LambdaClient(adminClient(cloud)).send(
    new InvokeCommand({ FunctionName, Payload }),
  );
  expect(FunctionError).toBeUndefined();
}

interface Listed {
  readonly conversation: object;
  readonly last?: { readonly data: unknown };
  readonly unread: { readonly count: number };
}

async function list(client: WireClient, more = {}): Promise<{ all: Listed[]; next?: string }> {
  const reply = await client.ask({ action: 'conversations', ...more });
  expect(reply).toMatchObject({ type: 'conversations' });
  const next = reply['next'] as string | undefined;
  return { all: reply['conversations'] as Listed[], ...(next !== undefined && { next }) };
}

const short = ({ all }: { all: readonly Listed[] }) =>
  all.map(({ conversation, last, unread }) => [...Object.values(conversation), last?.data, unread.count]);

test('lists users, services and rooms, the newest activity first, with last message, unread count and markers', async () => {
  const [ann, ben, cat] = await Promise.all([device('ann'), device('ben'), device('cat')]);
  expect(await list(ann)).toEqual({ all: [] });
  await send(ben, { user: 'ann' }, 'b1');
  const second = await send(ben, { user: 'ann' }, 'b2');
  await serve('ann', 'billing', 'invoice');
  await ann.ask({ action: 'join', room: 'hall' });
  await send(cat, { room: 'hall' }, 'in the hall');
  await send(ann, { user: 'cat' }, 'from ann', { echo: false });
  await send(ben, { user: 'ann' }, 'typing', { ephemeral: true });
  await eventually(async () => short(await list(ann))).toEqual([
    ['cat', 'from ann', 0],
    ['hall', 'in the hall', 1],
    ['billing', 'invoice', 1],
    ['ben', 'b2', 2],
  ]);
  await eventually(async () => short(await list(cat))).toEqual([['ann', 'from ann', 1]]);
  expect(await ann.ask({ action: 'unread' })).toMatchObject({ total: { count: 4, more: false }, conversations: [] });

  await ann.ask({ action: 'mark', marks: [{ conversation: { user: 'ben' }, read: second }] });
  expect(await ann.ask({ action: 'unread' })).toMatchObject({ total: { count: 2 } });
  expect((await list(ann)).all[3]).toMatchObject({ unread: { count: 0, more: false }, read: second, peer: {} });
  expect((await list(ben)).all).toMatchObject([{ conversation: { user: 'ann' }, peer: { read: second } }]);

  // A page ends before the next; a message moves its conversation to the top.
  const first = await list(ann, { limit: 2 });
  await send(ben, { user: 'ann' }, 'b3');
  const rest = await list(ann, { limit: 2, before: first.next });
  expect([...short(first), ...short(rest)].map(([name]) => name)).toEqual(['cat', 'hall', 'billing']);
  expect(rest.next).toBeUndefined();
  await eventually(async () => short(await list(ann, { limit: 1 }))).toEqual([['ben', 'b3', 1]]);
  expect(cloud.iamReport().denied).toEqual([]);
});

test('a page loses no conversation of one message to several users', async () => {
  const dora = await device('dora');
  const users = ['d1', 'd2', 'd3'];
  await send(dora, { users }, 'to all', { echo: false });
  const seen: unknown[] = [];
  for (let more: object = {}; ; ) {
    const { all, next } = await list(dora, { limit: 1, ...more });
    seen.push(...all.map(({ conversation }) => conversation));
    if (next === undefined) break;
    more = { before: next };
  }
  expect(seen).toHaveLength(3);
  expect(seen).toEqual(expect.arrayContaining(users.map((user) => ({ user }))));
});

test('leaves out what the token does not allow to read', async () => {
  const [eve, fay] = await Promise.all([device('eve'), device('fay')]);
  await send(fay, { user: 'eve' }, 'secret');
  await send(eve, { user: 'gus' }, 'open', { echo: false });
  const narrow = await device('eve', { 'user:gus': ['history'] });
  await eventually(async () => short(await list(narrow))).toEqual([['gus', 'open', 0]]);
  expect(await narrow.ask({ action: 'unread' })).toMatchObject({ total: { count: 0 } });
  expect((await list(eve)).all).toHaveLength(2);
});

test('a conversation with markers alone, or of refused messages, is not listed, and a room stays after one leaves it', async () => {
  const [hal, ida] = await Promise.all([device('hal'), device('ida')]);
  const serial = await send(hal, { room: 'loft' }, 'x');
  await ida.ask({ action: 'mark', marks: [{ conversation: { user: 'nobody' }, read: serial }] });
  await ida.ask({ action: 'block', user: 'hal', blocked: true });
  await hal.ask({ action: 'sendMessage', to: { user: 'ida' }, data: 'no' });
  await ida.ask({ action: 'join', room: 'loft' });
  await ida.ask({ action: 'leave', room: 'loft' });
  expect(short(await list(ida))).toEqual([['loft', 'x', 1]]);
  expect(await list(hal)).toEqual({ all: [] });
});

test('with `conversations: false` nothing is written, and the list and the total are refused', {
  timeout: 60_000,
}, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'beckon-unlisted-'));
  const app = new App({ outdir: join(directory, 'cdk.out') });
  const stack = new Stack(app, 'Mine', { env: { account: LOCAL_ACCOUNT, region: LOCAL_REGION } });
  const issuer = new CfnParameter(stack, 'Issuer').valueAsString;
  new Beckon(stack, 'Beckon', { issuer, audience: 'beckon', conversations: false });
  app.synth();
  const off = await startLocalCloud({ app: app.outdir, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  try {
    const jon = await device('jon', EVERYTHING, off);
    await send(jon, { user: 'kim' }, 'hi');
    await jon.ask({ action: 'join', room: 'attic' });
    for (const action of ['conversations', 'unread'])
      expect(await jon.ask({ action })).toMatchObject({
        type: 'error',
        code: 'conversations_disabled',
        retryable: false,
      });
    expect(await jon.ask({ action: 'unread', conversations: [{ user: 'kim' }] })).toMatchObject({ type: 'unread' });
    const dynamoDb = new DynamoDBClient(adminClient(off));
    const { TableNames = [] } = await dynamoDb.send(new ListTablesCommand({}));
    const scans = await Promise.all(TableNames.map((TableName) => dynamoDb.send(new ScanCommand({ TableName }))));
    const items = scans.flatMap(({ Items = [] }) => Items);
    expect(items.length).toBeGreaterThan(1);
    expect(items.filter(({ address }) => address?.S?.startsWith('marker#'))).toEqual([]);
    expect(off.iamReport().denied).toEqual([]);
  } finally {
    await off.close();
    rmSync(directory, { recursive: true });
  }
});
