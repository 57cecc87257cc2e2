import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DynamoDBClient, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, expect, inject, test } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';
import { presenceAddress, userAddress } from '../../server/address.ts';
import { ACTIONS } from '../support/actions.ts';
import { adminClient } from '../support/local-cloud.ts';
import { pretendConnections } from '../support/pretended-connections.ts';
import { letMessagesWait } from '../support/waiting-messages.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { messagesIn } from '../support/wire-frames.ts';

let cloud: LocalCloud;
let removeApp: (() => void) | undefined;

afterEach(async () => {
  await cloud.close();
  removeApp?.();
  removeApp = undefined;
});

async function start(options: Partial<LocalCloudOptions> = {}): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local', DefaultCapability: '{"user:*":["send"],"room:*":["join"]}' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, ...options });
}

async function device(userId: string, claims: object = {}): Promise<WireClient> {
  const capability = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'history', 'presence'] };
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability, ...claims })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  await client.ask({ action: 'register' });
  return client;
}

/** The frames of the routes that need a registered connection. Without the option, `search` reads nothing. */
function framesOfRoutes() {
  const { register: _, search: __, ...routes } = ACTIONS;
  const names = { sub: 'somebody', user: 'bob', users: ['bob'], room: 'lobby', token: '' };
  const target = { ...names, cursor: '0'.repeat(26), id: 'again' };
  return Object.values(routes).flatMap(({ rows }) => rows.map(({ frame }) => frame(target)));
}

/** Sends to each route from a connection with an expired token, which the route then closes. */
async function outliveTokens(): Promise<void> {
  for (const [index, frame] of framesOfRoutes().entries()) {
    const client = await device(`outliving-${index}`);
    await expireToken(`outliving-${index}`, String(client.frames[0]?.['connectionId']));
    expect(await client.ask(frame)).toMatchObject({ code: 'token_expired' });
  }
  const short = await device('outliving', { expiresInSeconds: 1 });
  await expect.poll(() => short.ask({ action: 'register', attempt: 1 })).toMatchObject({ code: 'token_expired' });
}

/** Sends refused frames to the routes without a gate until they close the connection. */
async function offend(): Promise<void> {
  for (const frame of [{ action: 'fly' }, { action: 'search', conversation: { user: 'bob' }, text: 'lunch' }]) {
    const client = await device(`offending-by-${frame.action}`);
    while (client.socket.readyState === client.socket.OPEN) await Promise.race([client.ask(frame), client.closed]);
  }
}

/** Sends to each route from a connection whose newer token allows more than its first token. */
async function gainCapability(): Promise<void> {
  const client = await device('gaining', { capability: {} });
  const granted = ['send', 'history', 'presence'];
  const capability = { 'user:bob': granted, 'room:lobby': ['join', ...granted] };
  const token = await cloud.token({ sub: 'gaining', capability });
  expect(await client.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 1 })).toMatchObject({
    code: 'forbidden',
  });
  expect(await client.ask({ action: 'register', attempt: 1, token })).toMatchObject({ type: 'registered' });
  for (const frame of framesOfRoutes()) expect(await client.ask(frame)).not.toMatchObject({ type: 'error' });
}

/** Removes a connection from a room with a token that does not allow the room. */
async function loseRoom(): Promise<void> {
  const client = await device('losing');
  await client.ask({ action: 'join', room: 'lobby' });
  const token = await cloud.token({ sub: 'losing', capability: {} });
  expect(await client.ask({ action: 'register', attempt: 1, token })).toMatchObject({ type: 'registered', rooms: [] });
}

/** Connects a watched user, and asks for everyone's presence. */
async function watchNewcomer(): Promise<void> {
  const watcher = await device('watcher');
  const users = ['newcomer'];
  expect(await watcher.ask({ action: 'presence', users, watch: true })).toMatchObject({ type: 'presence' });
  expect(await watcher.ask({ action: 'presence', users: ['somebody'], watch: false })).toMatchObject({ users: [{}] });
  await device('newcomer');
  await pretendConnections(cloud, 'watching', 201, presenceAddress(userAddress('watched-by-many')));
  await device('watched-by-many');
  const asking = await device('asking');
  const reply = () => asking.ask({ action: 'presence', users });
  await expect.poll(reply, { timeout: 10_000 }).toMatchObject({ users: [{ online: true }] });
}

async function expireToken(userId: string, connectionId: string): Promise<void> {
  const command = new UpdateItemCommand({
    TableName: output('ConnectionsTableName'),
    Key: { address: { S: `user#${userId}` }, connectionId: { S: connectionId } },
    UpdateExpression: 'SET tokenExpiresAt = :past',
    ExpressionAttributeValues: { ':past': { N: '1' } },
  });
  await new DynamoDBClient(adminClient(cloud)).send(command);
}

const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';

test('the system uses every granted permission, and lacks none', { timeout: 300_000 }, async () => {
  // Every post fails, so each way of sending cuts off a connection and finds dead ones.
  await start({ faults: { seed: 1, rules: [{ point: 'post', kind: 'error', probability: 1 }] } });
  const sender = await device('sender');
  const cursor = sender.frames[0]?.['cursor'];
  expect(await sender.ask({ action: 'ping', cursor })).toMatchObject({ type: 'pong' });
  expect(await sender.ask({ action: 'join', room: 'lobby', cursor })).toMatchObject({ type: 'joined' });
  expect(await sender.ask({ action: 'leave', room: 'lobby' })).toMatchObject({ type: 'left' });
  await watchNewcomer();
  const lambda = new LambdaClient(adminClient(cloud));
  const unused = () => cloud.iamReport().unused.map(({ role, actions, resources }) => ({ role, actions, resources }));

  const reachable = ['by-sendMessage', 'by-library', 'by-invocation'];
  await Promise.all([...reachable, 'crowd'].map((user) => device(user)));
  await Promise.all(reachable.map((user) => pretendConnections(cloud, user, 1)));
  await pretendConnections(cloud, 'crowd', 200);
  await pretendConnections(cloud, 'alice', 1);
  for (const user of ['by-sendMessage', 'crowd']) {
    const message = { action: 'sendMessage', to: { user }, data: 1, id: 'again', retry: true };
    expect(await sender.ask(message)).toMatchObject({ type: 'ack' });
  }
  /** Sends as the library and as an invocation do. On a busy machine the function may time out: then it sends again. */
  const notify = async (users: { readonly user: string; readonly invocationUser: string }) => {
    const command = { FunctionName: output('ExportNotifierName'), Payload: JSON.stringify(users) };
    const failure = async () => (await lambda.send(new InvokeCommand(command))).FunctionError;
    await expect.poll(failure, { timeout: 60_000 }).toBeUndefined();
  };
  await notify({ user: 'by-library', invocationUser: 'by-invocation' });
  const conversations = [{ user: 'alice' }, { room: 'lobby' }];
  for (const conversation of conversations) {
    expect(await sender.ask({ action: 'history', conversation })).toMatchObject({ type: 'history' });
  }
  expect(await sender.ask({ action: 'unread', conversations })).toMatchObject({ type: 'unread' });
  // Only senders get receipts.
  await letMessagesWait(cloud, 'sender', 1);
  const waiting = messagesIn(await sender.ask({ action: 'ping', cursor }));
  const fromAlice = waiting.find(({ from }) => 'user' in from && from.user === 'alice');
  const marks = [{ conversation: { user: 'alice' }, read: fromAlice?.serial }];
  expect(await sender.ask({ action: 'mark', marks })).toMatchObject({ type: 'marked' });
  await outliveTokens();
  await offend();
  await gainCapability();
  await loseRoom();
  await sender.ask({ action: 'join', room: 'lobby', attempt: 1 });
  for (const event of [{ revoke: { user: 'sender' } }, { forget: { user: 'crowd' } }, { forget: { user: 'sender' } }]) {
    const manage = { FunctionName: output('ManageFunctionName'), Payload: JSON.stringify(event) };
    expect((await lambda.send(new InvokeCommand(manage))).FunctionError).toBeUndefined();
  }

  const crowds = { user: 'crowd-by-library', invocationUser: 'crowd-by-invocation' };
  // So many that `deliver` divides what is left after the first part.
  await pretendConnections(cloud, crowds.user, 201 + 501);
  await pretendConnections(cloud, crowds.invocationUser, 201);
  await notify(crowds);

  await expect.poll(unused, { timeout: 60_000 }).toEqual([]);
  expect(cloud.iamReport().denied).toEqual([]);
});

test('without a policy, the call that needs it fails, as on AWS', async () => {
  const app = mkdtempSync(join(tmpdir(), 'beckon-altered-'));
  removeApp = () => rmSync(app, { recursive: true });
  cpSync(inject('app'), app, { recursive: true });
  const file = join(app, 'Beckon.template.json');
  const template = JSON.parse(readFileSync(file, 'utf8'));
  const policy = Object.keys(template.Resources).find((id) => /^BeckonpingRoleDefaultPolicy/.test(id));
  const statements = template.Resources[policy ?? ''].Properties.PolicyDocument.Statement as { Action: unknown }[];
  template.Resources[policy ?? ''].Properties.PolicyDocument.Statement = statements.filter(
    ({ Action }) => ![Action].flat().includes('dynamodb:UpdateItem'),
  );
  writeFileSync(file, JSON.stringify(template));
  await start({ app });

  const client = await device('bob');
  expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'error', code: 'internal' });
  expect(cloud.iamReport().denied).toMatchObject([{ action: 'dynamodb:UpdateItem' }]);
  expect(JSON.stringify(cloud.log())).toContain('AccessDeniedException');
});
