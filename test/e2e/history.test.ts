import { type AttributeValue, DynamoDBClient, PutItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { adminClient } from '../support/local-cloud.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

type Frame = Record<string, unknown>;
interface Said {
  readonly id: string;
  readonly serial: string;
  readonly data: unknown;
}

let cloud: LocalCloud;
let dynamoDb: DynamoDBClient;

beforeAll(async () => {
  cloud = await startLocalCloud({
    app: inject('app'),
    port: 0,
    parameters: { Issuer: '{endpointUrl}/_local' },
  });
  dynamoDb = new DynamoDBClient(adminClient(cloud));
});

afterAll(() => cloud.close());

const EVERYTHING = { 'user:*': ['send', 'history'], 'room:*': ['send', 'history'] };

async function device(userId: string, capability: object = EVERYTHING): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const said = (reply: Frame) => reply['messages'] as Said[];
const dataOf = (reply: Frame) => said(reply).map(({ data }) => data);

async function send(client: WireClient, to: object, data: unknown, more = {}): Promise<Said> {
  const ack = await client.ask({ action: 'sendMessage', messages: [{ to, data, ...more }] });
  const [result] = ack['results'] as Said[];
  if (!result?.serial) throw new Error(JSON.stringify(ack));
  return result;
}

const history = (client: WireClient, conversation: object, more = {}) =>
  client.ask({ action: 'history', conversation, ...more });

describe('history', () => {
  test('with a user shows both directions to both users, in order, page by page, and to no other user', async () => {
    const [ann, ben, eve] = await Promise.all([device('ann'), device('ben'), device('eve')]);
    for (const text of ['1', '2', '3']) {
      await send(ann, { user: 'ben' }, `ann ${text}`, { echo: true });
      await send(ben, { user: 'ann' }, `ben ${text}`);
    }
    await send(eve, { user: 'ben' }, 'from eve');
    const all = ['ann 1', 'ben 1', 'ann 2', 'ben 2', 'ann 3', 'ben 3'];

    const newest = await history(ann, { user: 'ben' }, { limit: 4 });
    expect(newest).toMatchObject({ type: 'history', conversation: { user: 'ben' }, next: said(newest)[0]?.serial });
    const older = await history(ann, { user: 'ben' }, { limit: 4, before: newest['next'] });
    expect([...dataOf(older), ...dataOf(newest)]).toEqual(all);
    expect(older['next']).toBeUndefined();
    expect(dataOf(await history(ben, { user: 'ann' }))).toEqual(all);
    const after = await history(ben, { user: 'ann' }, { after: said(older)[0]?.serial, limit: 2 });
    expect(dataOf(after)).toEqual(['ben 1', 'ann 2']);
    expect(after['next']).toBe(said(newest)[0]?.serial);
    expect(dataOf(await history(eve, { user: 'ann' }))).toEqual([]);
  });

  test('of a room shows its messages, also to users who were absent', async () => {
    const sender = await device('room-sender');
    await send(sender, { room: 'garden' }, 'hello, garden');
    await send(sender, { room: 'other' }, 'elsewhere');
    const reader = await device('room-reader');
    expect(await history(reader, { room: 'garden' })).toMatchObject({
      type: 'history',
      conversation: { room: 'garden' },
      messages: [{ from: { user: 'room-sender' }, to: { room: 'garden' }, data: 'hello, garden' }],
    });
  });

  test('shows a retried message once, and no ephemeral message', async () => {
    const [one, two] = await Promise.all([device('again-1'), device('again-2')]);
    const first = await send(one, { user: 'again-2' }, 'said twice', { id: 'twice' });
    await append('again-2', 'again-1', 'twice', 'said twice', { retried: { BOOL: true } });
    await send(one, { user: 'again-2' }, 'typing…', { ephemeral: true });
    await send(one, { user: 'again-2' }, 'last');
    expect((await rows('user#again-2')).length).toBe(3);
    for (const limit of [1, 50]) {
      const seen: string[] = [];
      for (let before: unknown = 'none'; before !== undefined; ) {
        const page = await history(two, { user: 'again-1' }, { limit, ...(before !== 'none' && { before }) });
        seen.unshift(...said(page).map(({ serial }) => serial));
        before = page['next'];
      }
      expect(seen).toHaveLength(2);
      expect(seen[0]).toBe(first.serial);
    }
  });

  test.each(['a user', 'a room'])('a message to %s with a retry after a minute appears and counts once', async (to) => {
    const [from, me] = to === 'a user' ? ['ago-1', 'ago-2'] : ['ago-3', 'ago-4'];
    const [sender, reader] = await Promise.all([device(from), device(me)]);
    const conversation = to === 'a user' ? { user: from } : { room: 'ago' };
    const address = to === 'a user' ? { user: me } : { room: 'ago' };
    const body = { S: JSON.stringify({ to: address, data: 'said twice', sentAt: 0 }) };
    const ofRoom = to === 'a room' ? { address: { S: 'room#ago' }, body } : {};
    const first = await append(me, from, 'twice', 'said twice', ofRoom, 150);
    const second = await send(sender, address, 'said twice', { id: 'twice', retry: true });
    expect(second.serial > first).toBe(true);
    expect((await rows(to === 'a user' ? `user#${me}` : 'room#ago')).length).toBe(2);
    const unread = async () => {
      const seen = cloud.calls().length;
      const reply = await reader.ask({ action: 'unread', conversations: [conversation] });
      const calls = cloud.calls().slice(seen);
      const queries = calls.filter(({ principal, operation }) => /unread/.test(principal) && operation === 'Query');
      return [(reply['conversations'] as Frame[])[0]?.['count'], queries.length];
    };

    expect(said(await history(reader, conversation)).map(({ serial }) => serial)).toEqual([first]);
    // One query to count, one for the retried messages, one for their first copies.
    expect(await unread()).toEqual([1, 3]);
    await reader.ask({ action: 'mark', marks: [{ conversation, read: first }] });
    expect(await unread()).toEqual([0, 3]);
    await reader.ask({ action: 'mark', marks: [{ conversation, read: second.serial }] });
    expect(await unread()).toEqual([0, 1]);
  });

  test('never shows an expired message, although its item is still there', async () => {
    const reader = await device('expiry-reader');
    await append('expiry-reader', 'expiry-sender', 'old', 'old', { expiresAt: { N: String(nowSeconds() - 1) } });
    await append('expiry-reader', 'expiry-sender', 'new', 'new');
    expect(dataOf(await history(reader, { user: 'expiry-sender' }))).toEqual(['new']);
  });

  test('needs one end and a valid position; a position of another log is harmless', async () => {
    const client = await device('cursors');
    const { serial } = await send(client, { user: 'x' }, 1);
    expect(await history(client, { user: 'x' }, { before: serial, after: serial })).toMatchObject({
      type: 'error',
      code: 'invalid_frame',
      message: '"before" and "after" exclude each other: send one of them',
    });
    for (const before of ['', 'x', `${serial}0`, serial.toLowerCase(), 7, '8ZZZZZZZZZZZZZZZZZZZZZZZZZ']) {
      expect(await history(client, { user: 'x' }, { before })).toMatchObject({ code: 'invalid_frame' });
    }
    expect(await history(client, { user: 'y' }, { after: serial })).toMatchObject({ type: 'history', messages: [] });
    expect(await history(client, { user: 'x' }, { limit: 101 })).toMatchObject({
      code: 'invalid_frame',
      message: '"limit" must be at most 100',
    });
  });
});

describe('markers', () => {
  test('move only forward, send receipts to the sender, and appear in the history', async () => {
    const [sender, phone, reader] = await Promise.all([device('marked'), device('marked'), device('marker')]);
    const one = await send(sender, { user: 'marker' }, 'one', { receipt: true });
    const push = await reader.frame(({ type }) => type === 'messages');
    expect(said(push)[0]).toMatchObject({ receipt: true });
    const two = await send(sender, { user: 'marker' }, 'two');
    expect(said(await history(reader, { user: 'marked' }))[1]).not.toHaveProperty('receipt');

    const conversation = { user: 'marked' };
    const marks = [{ conversation, received: two.serial, read: one.serial }];
    expect(await reader.ask({ action: 'mark', marks })).toEqual({ type: 'marked', id: expect.any(String) });
    const receipt = { type: 'receipt', from: { user: 'marker' }, received: two.serial, read: one.serial };
    for (const of of [sender, phone]) expect(await of.frame(({ type }) => type === 'receipt')).toEqual(receipt);

    await reader.ask({ action: 'mark', marks: [{ conversation, received: one.serial }] });
    expect(await history(sender, { user: 'marker' })).toMatchObject({
      peer: { received: two.serial, read: one.serial },
    });
    expect(await history(reader, conversation)).toMatchObject({ read: one.serial, peer: {} });
  });

  test('in a room are private to the user', async () => {
    const [one, other] = await Promise.all([device('own-1'), device('own-2')]);
    const { serial } = await send(one, { room: 'own' }, 1);
    await other.ask({ action: 'mark', marks: [{ conversation: { room: 'own' }, read: serial }] });
    expect(await history(other, { room: 'own' })).toMatchObject({ read: serial });
    const reply = await history(one, { room: 'own' });
    expect(reply).not.toHaveProperty('read');
    expect(reply).not.toHaveProperty('peer');
    expect(one.frames.map(({ type }) => type)).not.toContain('receipt');
  });

  test('that show what was read reach the user’s other connections, and nobody else', async () => {
    const [phone, laptop, narrow, sender] = await Promise.all([
      device('reader'),
      device('reader'),
      device('reader', { 'room:other': ['join'] }),
      device('read-sender'),
    ]);
    const { serial } = await send(sender, { user: 'reader' }, 'one');
    const { serial: later } = await send(sender, { room: 'read-room' }, 'two');
    const conversation = { user: 'read-sender' };
    const room = { room: 'read-room' };
    const isMarker = ({ type }: Frame) => type === 'marker';
    await phone.ask({ action: 'mark', marks: [{ conversation, read: serial }] });
    // It moves nothing, so it pushes nothing.
    await phone.ask({ action: 'mark', marks: [{ conversation, read: serial }] });
    await phone.ask({ action: 'mark', marks: [{ conversation: room, read: later }] });
    const isOfRoom = (frame: Frame) => isMarker(frame) && JSON.stringify(frame['conversation']).includes('read-room');
    for (const other of [laptop, narrow]) {
      await other.frame(isOfRoom);
      expect(other.frames.filter(isMarker)).toEqual([
        { type: 'marker', conversation, read: serial },
        { type: 'marker', conversation: room, read: later },
      ]);
    }
    await sender.frame(({ type }) => type === 'receipt');
    // Answered after every push before it.
    await Promise.all([phone, sender].map((each) => each.ask({ action: 'ping' })));
    for (const each of [phone, sender]) expect(each.frames.filter(isMarker)).toEqual([]);
  });

  test('refuses an empty mark, and a position in the future', async () => {
    const client = await device('mark-wrong');
    const conversation = { user: 'x' };
    const mark = (more: object) => client.ask({ action: 'mark', marks: [{ conversation, ...more }] });
    expect(await mark({})).toMatchObject({ code: 'invalid_frame' });
    expect(await mark({ read: '7ZZZZZZZZZZZZZZZZZZZZZZZZZ' })).toMatchObject({ code: 'invalid_cursor' });
    expect(await mark({ seen: '01ARZ3NDEKTSV4RRFFQ69G5FAV' })).toMatchObject({
      message: 'unknown field "marks.0.seen"',
    });
    expect(await client.ask({ action: 'mark', marks: [] })).toMatchObject({ code: 'invalid_frame' });
  });
});

describe('unread', () => {
  test('counts the messages of others after the marker, for many conversations, without a scan', async () => {
    const [me, peer] = await Promise.all([device('unread-me'), device('unread-peer')]);
    const first = await send(peer, { user: 'unread-me' }, 1);
    for (const data of [2, 3]) await send(peer, { user: 'unread-me' }, data);
    await send(me, { user: 'unread-peer' }, 'mine');
    const batch = (from: number) =>
      Array.from({ length: 50 }, (_, index) => ({ to: { room: 'busy' }, data: from + index }));
    for (const from of [0, 50]) await peer.ask({ action: 'sendMessage', messages: batch(from) });
    await send(peer, { room: 'busy' }, 'one more');
    await me.ask({ action: 'mark', marks: [{ conversation: { user: 'unread-peer' }, read: first.serial }] });

    const conversations = [
      { user: 'unread-peer' },
      { room: 'busy' },
      // One frame for each unit below the user budget's instalment, which would be one more write.
      ...Array.from({ length: 38 }, (_, index) => ({ user: `nobody-${index}` })),
    ];
    const seen = cloud.calls().length;
    const reply = await me.ask({ action: 'unread', conversations });

    expect((reply['conversations'] as Frame[]).slice(0, 3)).toEqual([
      { conversation: { user: 'unread-peer' }, count: 2, more: false, read: first.serial },
      { conversation: { room: 'busy' }, count: 100, more: true },
      { conversation: { user: 'nobody-0' }, count: 0, more: false },
    ]);
    const operations = cloud
      .calls()
      .slice(seen)
      .filter(({ principal }) => /unread/.test(principal))
      .map(({ operation }) => operation);
    expect(operations.toSorted()).toEqual(['BatchGetItem', ...Array(40).fill('Query'), 'UpdateItem']);
  });

  test('counts the messages of a conversation with oneself as read', async () => {
    const me = await device('unread-self');
    await send(me, { user: 'unread-self' }, 'note');
    expect(await me.ask({ action: 'unread', conversations: [{ user: 'unread-self' }] })).toMatchObject({
      conversations: [{ count: 0, more: false }],
    });
  });
});

describe('a token without the capability', () => {
  const conversation = { room: 'secret' };
  test.each([
    ['history', { action: 'history', conversation }],
    ['mark', { action: 'mark', marks: [{ conversation, read: '01ARZ3NDEKTSV4RRFFQ69G5FAV' }] }],
    ['unread', { action: 'unread', conversations: [{ user: 'bob' }, conversation] }],
  ])('is refused %s', async (_, frame) => {
    const client = await device('curious', { 'room:*': ['join', 'send', 'presence'], 'user:*': ['history'] });
    expect(await client.ask(frame)).toMatchObject({
      type: 'error',
      code: 'forbidden',
      message: 'the token\'s capability does not allow "history" at "room:secret"',
    });
  });
});

function nowSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

/** Puts a message into a user's log as `sendMessage` did `ago` seconds ago. Returns its serial. */
async function append(
  to: string,
  from: string,
  id: string,
  data: unknown,
  more: Record<string, AttributeValue> = {},
  ago = 0,
): Promise<string> {
  const time = Date.now() - ago * 1000;
  const serial = ulid(time);
  const Item = {
    address: { S: `user#${to}` },
    serial: { S: serial },
    id: { S: id },
    from: { S: JSON.stringify({ user: from }) },
    body: { S: JSON.stringify({ to: { user: to }, data, sentAt: time }) },
    expiresAt: { N: String(nowSeconds() + 600) },
    conversation: { S: JSON.stringify([from, to].toSorted()) },
    ...more,
  };
  await dynamoDb.send(new PutItemCommand({ TableName: cloud.outputs['Beckon']?.['MessagesTableName'], Item }));
  return serial;
}

async function rows(address: string) {
  const { Items = [] } = await dynamoDb.send(
    new QueryCommand({
      TableName: cloud.outputs['Beckon']?.['MessagesTableName'],
      KeyConditionExpression: 'address = :a',
      ExpressionAttributeValues: { ':a': { S: address } },
    }),
  );
  return Items;
}
