import { type AttributeValue, DynamoDBClient, QueryCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

const ROOMS_FOR_ALL = { 'user:*': ['send'], 'room:*': ['join', 'send'] };

let cloud: LocalCloud;
/** Creates a room for one test. */
let room: string;
let rooms = 0;

beforeEach(() => {
  rooms += 1;
  room = `room ${rooms}`;
});

async function start(options: Partial<LocalCloudOptions> = {}): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local', DefaultCapability: JSON.stringify(ROOMS_FOR_ALL) };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, ...options });
}

async function open(userId: string, capability?: object): Promise<WireClient> {
  const token = await cloud.token({ sub: userId, ...(capability && { capability }) });
  return connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}` } });
}

async function device(userId: string, capability?: object): Promise<WireClient> {
  const client = await open(userId, capability);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

async function member(userId: string, name = room) {
  const client = await device(userId);
  const joined = await client.ask({ action: 'join', room: name });
  expect(joined).toMatchObject({ type: 'joined', room: name, recovered: true, messages: [], more: false });
  return { client, joined };
}

const toRoom = (data: unknown, more = {}) => ({ action: 'sendMessage', messages: [{ to: { room }, data, ...more }] });
const dataOf = (frame: Record<string, unknown>) => (frame['messages'] as { data: unknown }[]).map(({ data }) => data);
const pushed = ({ frames }: WireClient) => frames.filter(({ type }) => type === 'messages').flatMap(dataOf);
const output = (name: string) => cloud.outputs['Beckon']?.[name] ?? '';

/** Returns all items of a topic, expired ones too. */
async function items(address: string): Promise<Record<string, AttributeValue>[]> {
  const { Items = [] } = await new DynamoDBClient(adminClient(cloud)).send(
    new QueryCommand({
      TableName: output('ConnectionsTableName'),
      ConsistentRead: true,
      KeyConditionExpression: 'address = :address',
      ExpressionAttributeValues: { ':address': { S: address } },
    }),
  );
  return Items;
}

/** Expires the mapping of a user's only connection. */
async function expire(userId: string): Promise<void> {
  const [{ address, connectionId } = {}] = await items(`user#${userId}`);
  if (!address || !connectionId) throw new Error(`${userId} is not connected`);
  await new DynamoDBClient(adminClient(cloud)).send(
    new UpdateItemCommand({
      TableName: output('ConnectionsTableName'),
      Key: { address, connectionId },
      UpdateExpression: 'SET expiresAt = :past',
      ExpressionAttributeValues: { ':past': { N: '1' } },
    }),
  );
}

describe('a room', () => {
  beforeAll(() => start());
  afterAll(() => cloud.close());

  test('delivers a message to all its members, the sender’s other devices too, but not to the sending device', async () => {
    const members = await Promise.all(['alice', 'alice', 'bob', 'bob', 'eve'].map((user) => member(user)));
    const outside = await device('mallory');
    const [sender, ...others] = members.map(({ client }) => client);

    const ack = await sender?.ask(toRoom({ text: 'hello' }, { id: 'm1' }));

    expect(ack).toMatchObject({
      type: 'ack',
      results: [{ id: 'm1', status: 'sent', connections: { sent: 4, gone: 0, failed: 0 }, users: [] }],
    });
    for (const other of others) {
      const push = await other.frame(({ type }) => type === 'messages');
      expect(push).toMatchObject({
        messages: [{ id: 'm1', from: { user: 'alice' }, to: { room }, data: { text: 'hello' } }],
      });
    }
    expect([sender, outside].flatMap((client) => client && pushed(client))).toEqual([]);
  });

  test.each([true, false])('refuses "echo": %s', async (echo) => {
    const { client: alice } = await member('alice');
    expect(await alice.ask(toRoom('echoed', { echo }))).toMatchObject({
      results: [
        {
          error: {
            code: 'invalid_frame',
            message: 'the message to a room must not have "echo": members get it anyway',
          },
        },
      ],
    });
  });

  test('gives a new member no earlier messages, and a returning member all missed ones', async () => {
    const { client: alice } = await member('alice');
    await alice.ask(toRoom('before'));
    const { client: bob, joined } = await member('bob');
    await alice.ask(toRoom('with bob'));
    await expect.poll(() => pushed(bob)).toEqual(['with bob']);

    bob.socket.close();
    await bob.closed;
    await alice.ask(toRoom('missed'));
    const back = await device('bob');
    const again = await back.ask({ action: 'join', room, cursor: joined['cursor'] });
    expect(dataOf(again).slice(-2)).toEqual(['with bob', 'missed']);
  });

  test('delivers many missed messages in pages, in order', async () => {
    const { client: alice, joined } = await member('alice');
    const all = Array.from({ length: 250 }, (_, index) => index);
    for (let at = 0; at < all.length; at += 50) {
      const messages = all.slice(at, at + 50).map((data) => ({ to: { room }, data }));
      expect(await alice.ask({ action: 'sendMessage', messages })).toMatchObject({ type: 'ack' });
    }
    const bob = await device('bob');
    let page = await bob.ask({ action: 'join', room, cursor: joined['cursor'] });
    const read = dataOf(page);
    while (page['more']) {
      const serials = (page['messages'] as { serial: string }[]).map(({ serial }) => serial);
      page = await bob.ask({ action: 'join', room, after: serials.at(-1) });
      read.push(...dataOf(page));
    }
    expect(read).toEqual(all);
  });

  test('gives nothing after a leave, and the missed messages after a new join', async () => {
    const { client: alice } = await member('alice');
    const { client: bob, joined } = await member('bob');
    expect(await bob.ask({ action: 'leave', room })).toMatchObject({ type: 'left', room });
    expect(await alice.ask(toRoom('without bob'))).toMatchObject({ results: [{ status: 'stored' }] });
    const again = await bob.ask({ action: 'join', room, cursor: joined['cursor'], attempt: 1 });
    expect(dataOf(again)).toEqual(['without bob']);
    expect(pushed(bob)).toEqual([]);
  });

  test('is left even if the frame follows others at once', async () => {
    const { client: bob } = await member('hasty');
    const names = [room, 'attic', 'cellar', 'garden', 'kitchen'];
    await Promise.all(names.map((name) => bob.ask({ action: 'join', room: name, attempt: 1 })));
    const left = await Promise.all(names.map((name) => bob.ask({ action: 'leave', room: name, attempt: 2 })));
    expect(left).toMatchObject(names.map((name) => ({ type: 'left', room: name })));
    const [mapping] = await items('user#hasty');
    expect(mapping?.['rooms']).toBeUndefined();
  });

  test('removes a member whose connection ends', async () => {
    const { client: bob } = await member('leaving');
    await bob.ask({ action: 'join', room: 'attic' });
    expect(await items(`room#${room}`)).toHaveLength(1);
    bob.socket.close();
    await expect
      .poll(async () => (await Promise.all([`room#${room}`, 'room#attic', 'user#leaving'].map(items))).flat())
      .toEqual([]);
  });

  test('is joined again with its cursor after a new registration', async () => {
    const { client: alice } = await member('alice');
    const { client: bob, joined } = await member('sleepy');
    await expire('sleepy');
    const refused = { type: 'error', code: 'not_registered', retryable: true };
    expect(await bob.ask({ action: 'join', room: 'attic' })).toMatchObject(refused);
    expect(await bob.ask({ action: 'leave', room })).toMatchObject(refused);
    await alice.ask(toRoom('meanwhile'));
    await bob.ask({ action: 'register', attempt: 1 });
    const again = await bob.ask({ action: 'join', room, cursor: joined['cursor'], attempt: 1 });
    expect(dataOf(again)).toContain('meanwhile');
  });

  test('takes messages of services; a retry delivers the first message again, and the ack says so', async () => {
    const { client: bob } = await member('bob');
    const Payload = JSON.stringify({ room });
    const { Payload: result, FunctionError } = await new LambdaClient(adminClient(cloud)).send(
      new InvokeCommand({ FunctionName: output('ExportNotifierName'), Payload }),
    );
    expect(FunctionError).toBeUndefined();
    expect(JSON.parse(result?.transformToString() ?? 'null')).toMatchObject({
      library: { status: 'sent', users: [] },
      invocation: { results: [{ status: 'sent', users: [] }] },
    });
    await expect.poll(() => pushed(bob)).toEqual([{ by: 'library' }, { by: 'invocation' }]);
    const { client: alice } = await member('alice');
    await alice.ask(toRoom('first', { id: 'm1' }));
    expect(await alice.ask(toRoom('changed', { id: 'm1', retry: true }))).toMatchObject({
      results: [{ id: 'm1', duplicate: true }],
    });
    await expect.poll(() => pushed(bob).slice(2)).toEqual(['first', 'first']);
  });
});

describe('without a grant of the token', () => {
  afterEach(() => cloud.close());

  test('joining, sending and reading further pages are refused', async () => {
    await start();
    const client = await device('limited', { 'room:team-*': ['join'], 'room:news': ['send'] });
    const forbidden = (operation: string, room: string) => ({
      type: 'error',
      code: 'forbidden',
      retryable: false,
      message: `the token's capability does not allow "${operation}" at "room:${room}"`,
    });
    expect(await client.ask({ action: 'join', room: 'team-a' })).toMatchObject({ type: 'joined' });
    expect(await client.ask({ action: 'join', room: 'news' })).toMatchObject(forbidden('join', 'news'));
    const after = '01000000000000000000000000';
    expect(await client.ask({ action: 'join', room: 'news', after })).toMatchObject(forbidden('join', 'news'));
    expect(await client.ask({ action: 'sendMessage', to: { room: 'news' }, data: 1 })).toMatchObject({ type: 'ack' });
    expect(await client.ask({ action: 'sendMessage', to: { room: 'team-a' }, data: 1 })).toMatchObject(
      forbidden('send', 'team-a'),
    );
    expect(await items('room#news')).toEqual([]);
  });

  test('a token without a capability allows no room, unless the installation has a default', async () => {
    await start({ parameters: { Issuer: '{endpointUrl}/_local' } });
    const client = await device('bob');
    expect(await client.ask({ action: 'join', room })).toMatchObject({ code: 'forbidden' });
    expect(await client.ask(toRoom('hi'))).toMatchObject({ results: [{ error: { code: 'forbidden' } }] });
    expect(await client.ask({ action: 'sendMessage', to: { user: 'bob' }, data: 1 })).toMatchObject({ type: 'ack' });
  });
});

describe('bad input', () => {
  beforeAll(() => start());
  afterAll(() => cloud.close());

  test.each(['#', 'a#b', 'two words', '🎈', 'user:bob', '*', 'é', '𝕏'.repeat(128)])(
    'the room %j works like any other room',
    async (name) => {
      const { client: bob } = await member('bob', name);
      const { client: alice } = await member('alice', name);
      await alice.ask({ action: 'sendMessage', to: { room: name }, data: 1 });
      const push = await bob.frame(({ type }) => type === 'messages');
      expect(push).toMatchObject({ messages: [{ to: { room: name } }] });
      expect(await bob.ask({ action: 'leave', room: name })).toMatchObject({ type: 'left', room: name });
    },
  );

  const VISIBLE = 'must consist of visible characters, and single spaces (U+0020) between them';
  test.each([
    ['empty', '', '"room" must not be empty'],
    ['1 KB', 'r'.repeat(1024), '"room" must have at most 256 characters'],
    ['with a control character', 'a\nb', `"room" ${VISIBLE}`],
    ['with a blank at its end', 'lobby ', `"room" ${VISIBLE}`],
    ['with something at its end that cannot be seen', 'lobby\u3164', `"room" ${VISIBLE}`],
    ['no text', 7, '"room" must be a string'],
    ['missing', undefined, '"room" is required'],
  ])('a room name that is %s is refused in join, leave and send', async (_, name, message) => {
    const client = await device('clumsy');
    const refused = { type: 'error', code: 'invalid_frame', retryable: false };
    expect(await client.ask({ action: 'join', room: name })).toMatchObject({ ...refused, message });
    expect(await client.ask({ action: 'leave', room: name })).toMatchObject({ ...refused, message });
    expect(await client.ask({ action: 'sendMessage', to: { room: name }, data: 1 })).toMatchObject(refused);
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });

  test.each([
    ['malformed', 'yesterday', { code: 'invalid_frame' }],
    ['from the future', '7ZZZZZZZZZ0000000000000000', { code: 'invalid_cursor' }],
  ])('a cursor that is %s is refused, and the membership stays as before', async (_, cursor, error) => {
    const { client: bob } = await member('bob');
    expect(await bob.ask({ action: 'join', room, cursor, attempt: 1 })).toMatchObject({
      type: 'error',
      ...error,
    });
    const { client: alice } = await member('alice');
    expect(await alice.ask(toRoom('still'))).toMatchObject({ results: [{ connections: { sent: 1 } }] });
  });

  test('a cursor of another log counts as a time; a cursor older than the retention gets recovered: false', async () => {
    const { client: alice, joined } = await member('alice');
    const ack = await alice.ask({ action: 'sendMessage', to: { user: 'alice' }, data: 'private' });
    const [{ serial } = {}] = ack['results'] as { serial: string }[];
    const foreign = await alice.ask({ action: 'join', room, cursor: serial, attempt: 1 });
    expect(foreign).toMatchObject({ recovered: true, messages: [] });
    await alice.ask(toRoom('kept'));
    const old = await alice.ask({ action: 'join', room, cursor: '01000000000000000000000000', attempt: 2 });
    expect(old).toMatchObject({ recovered: false, messages: [{ data: 'kept' }] });
    expect(joined).toMatchObject({ recovered: true });
  });

  test('an unregistered connection cannot join, and a late older attempt changes nothing', async () => {
    const hasty = await open('hasty');
    expect(await hasty.ask({ action: 'join', room })).toMatchObject({
      code: 'not_registered',
      retryable: true,
    });
    await hasty.ask({ action: 'register' });
    expect(await hasty.ask({ action: 'join', room, attempt: 2 })).toMatchObject({ type: 'joined' });
    expect(await hasty.ask({ action: 'join', room, attempt: 1 })).toMatchObject({ code: 'superseded' });
  });

  test('the 51st room is one too many; leaving a room without membership succeeds', async () => {
    const client = await device('sociable');
    for (let index = 0; index < 50; index += 1) {
      expect(await client.ask({ action: 'join', room: `r${index}` })).toMatchObject({ type: 'joined' });
    }
    expect(await client.ask({ action: 'join', room: 'one more' })).toMatchObject({
      type: 'error',
      code: 'too_many_rooms',
      retryable: false,
    });
    expect(await items('room#one more')).toEqual([]);
    expect(await client.ask({ action: 'leave', room: 'one more' })).toMatchObject({ type: 'left' });
    expect(await client.ask({ action: 'leave', room: 'r7' })).toMatchObject({ type: 'left' });
    expect(await client.ask({ action: 'join', room: 'one more' })).toMatchObject({ type: 'joined' });
  });
});

describe('a connection that missed a message of a room', () => {
  afterEach(() => cloud.close());

  test('gets no later one, is closed, and finds everything when it returns', async () => {
    const rule = { point: 'post', kind: 'error', probability: 1, limit: 3 };
    await start({ faults: { seed: 1, rules: [rule] } });
    const { client: bob, joined } = await member('bob');
    const { client: alice } = await member('alice');

    expect(await alice.ask(toRoom('missed'))).toMatchObject({
      results: [{ status: 'stored', connections: { sent: 0, gone: 0, failed: 1 } }],
    });
    expect(await alice.ask(toRoom('after it'))).toMatchObject({
      results: [{ status: 'stored', connections: { failed: 0 } }],
    });
    await bob.closed;
    expect(pushed(bob)).toEqual([]);
    const back = await device('bob');
    const again = await back.ask({ action: 'join', room, cursor: joined['cursor'] });
    expect(dataOf(again)).toEqual(['missed', 'after it']);
  });
});

describe('a connection that died without $disconnect', () => {
  afterEach(() => cloud.close());

  test('is removed from all its rooms by the first failed post', async () => {
    await start({ faults: { seed: 1, rules: [{ point: 'disconnect', kind: 'drop', probability: 1 }] } });
    const { client: bob } = await member('bob');
    await bob.ask({ action: 'join', room: 'attic' });
    const { client: alice } = await member('alice');
    bob.socket.close();
    await bob.closed;

    expect(await items('room#attic')).toHaveLength(1);
    await expect
      .poll(async () => {
        await alice.ask(toRoom('anybody?'));
        return (await Promise.all(['room#attic', 'user#bob'].map(items))).flat();
      })
      .toEqual([]);
    expect(await items(`room#${room}`)).toHaveLength(1);
  });
});
