import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_PUSH_BYTES, type MessagesPush, problem } from '../../../protocol/index.ts';
import { userAddress } from '../../../server/address.ts';
import { createDelivery, type Poster, type PostOutcome } from '../../../server/delivery.ts';
import { createSend, type Send } from '../../../server/send.ts';
import { createMemoryDirectory } from '../../support/memory-directory.ts';

const NOW = 1_800_000_000_000;
const ALICE = { user: 'alice' };

let directory: ReturnType<typeof createMemoryDirectory>;
let posts: { connectionId: string; frame: MessagesPush }[];
let outcomes: Record<string, PostOutcome>;
let send: Send;

beforeEach(() => {
  posts = [];
  outcomes = {};
  directory = createMemoryDirectory(() => NOW);
  const poster: Poster = {
    async post({ connectionId }, frame) {
      posts.push({ connectionId, frame });
      return outcomes[connectionId] ?? 'delivered';
    },
  };
  let minted = 0;
  send = createSend({
    directory,
    delivery: createDelivery({ poster, directory }),
    now: () => NOW,
    mintSerial: () => {
      minted += 1;
      return `S${minted}`;
    },
    mintId: () => 'minted',
  });
});

async function connect(userId: string, ...connectionIds: string[]): Promise<void> {
  const common = { callbackUrl: 'https://api.example/prod', registeredAt: 0, tokenExpiresAt: NOW, expiresAt: NOW };
  for (const connectionId of connectionIds) {
    await directory.put({ ...common, address: userAddress(userId), userId, connectionId });
  }
}

async function sendOk(...inputs: Parameters<Send>[1][number][]) {
  const sent = await send(ALICE, inputs);
  if (!sent.ok) throw new Error(sent.problem.code);
  return sent.value;
}

test('every device of the recipient gets the message, once, and nobody else', async () => {
  await connect('bob', 'b1', 'b2', 'b3');
  await connect('alice', 'a1');

  const [result] = await sendOk({ to: { user: 'bob' }, data: { text: 'hi' }, id: 'm1' });

  expect(posts.map(({ connectionId }) => connectionId).toSorted()).toEqual(['b1', 'b2', 'b3']);
  expect(posts[0]?.frame).toEqual({
    type: 'messages',
    messages: [{ id: 'm1', serial: 'S1', from: ALICE, to: { user: 'bob' }, data: { text: 'hi' }, sentAt: NOW }],
  });
  expect(result).toEqual({
    id: 'm1',
    serial: 'S1',
    status: 'delivered',
    connections: { delivered: 3, gone: 0, failed: 0 },
    users: [{ user: 'bob', status: 'delivered' }],
  });
});

test('a user who writes to themselves has it on all their devices', async () => {
  await connect('alice', 'a1', 'a2');
  expect(await sendOk({ to: { user: 'alice' }, data: 1 })).toMatchObject([
    { id: 'minted', connections: { delivered: 2 } },
  ]);
});

test('a message to nobody who is connected is dropped, and says so', async () => {
  expect(await sendOk({ to: { user: 'nobody' }, data: 1 })).toMatchObject([
    { status: 'dropped', connections: { delivered: 0, gone: 0, failed: 0 } },
  ]);
});

test('of several users each gets their own copy, without the names of the others, and a user named twice gets one', async () => {
  await connect('bob', 'b1');
  await connect('eve', 'e1');
  const [result] = await sendOk({ to: { users: ['bob', 'eve', 'bob', 'nobody'] }, data: 1 });
  expect(posts.map(({ connectionId, frame }) => [connectionId, frame.messages.map(({ to }) => to.user)])).toEqual([
    ['b1', ['bob']],
    ['e1', ['eve']],
  ]);
  expect(result).toMatchObject({
    status: 'dropped',
    connections: { delivered: 2 },
    users: [
      { user: 'bob', status: 'delivered' },
      { user: 'eve', status: 'delivered' },
      { user: 'nobody', status: 'dropped' },
    ],
  });
});

test('a connection that is gone is forgotten, and nobody else is', async () => {
  await connect('bob', 'b1', 'b2');
  await connect('alice', 'a1');
  outcomes['b1'] = 'gone';
  expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([
    { status: 'delivered', connections: { delivered: 1, gone: 1, failed: 0 } },
  ]);
  expect([...directory.items.values()].map(({ connectionId }) => connectionId)).toEqual(['b2', 'a1']);
});

test('a post that failed is counted, and its connection kept', async () => {
  await connect('bob', 'b1');
  outcomes['b1'] = 'failed';
  expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([
    { status: 'dropped', connections: { failed: 1 } },
  ]);
  expect(directory.items.size).toBe(1);
});

describe('several messages', () => {
  test('to one user travel in one frame, in their order', async () => {
    await connect('bob', 'b1');
    await sendOk({ to: { user: 'bob' }, data: 1 }, { to: { user: 'bob' }, data: 2 }, { to: { user: 'bob' }, data: 3 });
    expect(posts).toHaveLength(1);
    expect(posts[0]?.frame.messages.map(({ data, serial }) => [data, serial])).toEqual([
      [1, 'S1'],
      [2, 'S2'],
      [3, 'S3'],
    ]);
  });

  test('that exceed a push are split, posted one after the other, and none follows one that did not arrive', async () => {
    await connect('bob', 'b1', 'b2');
    outcomes['b2'] = 'failed';
    const data = 'x'.repeat(30_000);
    const results = await sendOk(...Array.from({ length: 10 }, () => ({ to: { user: 'bob' }, data })));
    const sizes = posts.map(({ frame }) => Buffer.byteLength(JSON.stringify(frame)));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_PUSH_BYTES);
    expect(
      posts.filter(({ connectionId }) => connectionId === 'b1').flatMap(({ frame }) => frame.messages),
    ).toHaveLength(10);
    expect(posts.filter(({ connectionId }) => connectionId === 'b2')).toHaveLength(1);
    for (const result of results) expect(result).toMatchObject({ connections: { delivered: 1, failed: 1 } });
  });

  test('are judged one by one: data that is too large stops no other', async () => {
    await connect('bob', 'b1');
    const results = await sendOk(
      { to: { user: 'bob' }, data: 'x'.repeat(32 * 1024), id: 'big' },
      { to: { user: 'bob' }, data: 1 },
    );
    expect(results).toMatchObject([{ id: 'big', error: { code: 'message_too_large' } }, { status: 'delivered' }]);
    expect(results[0]).toMatchObject({
      error: { message: 'data takes 32770 bytes as JSON; at most 32768 are allowed' },
    });
  });
});

test('a sender who is not admitted sends nothing', async () => {
  await connect('bob', 'b1');
  const sent = await send(ALICE, [{ to: { user: 'bob' }, data: 1 }], Promise.resolve(problem('not_registered')));
  expect(sent).toMatchObject({ ok: false, problem: { code: 'not_registered' } });
  expect(posts).toEqual([]);
});
