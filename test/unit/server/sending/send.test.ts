import { randomBytes } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_PUSH_BYTES, type MessagesPush, problem } from '../../../../protocol/index.ts';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createDeliveryRunner } from '../../../../server/edge/run-deliveries.ts';
import { createDeliveries } from '../../../../server/sending/delivery.ts';
import { createInboxGuard } from '../../../../server/sending/inbox-guard.ts';
import { SYSTEM_CLOCK } from '../../../../server/sending/paced.ts';
import { createPosting, type Poster, type PostOutcome, Unreachable } from '../../../../server/sending/posting.ts';
import { createSend, type Origin, type Send } from '../../../../server/sending/send.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryInboxes } from '../../../../testing/memory/inboxes.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { type Deferred, deferred } from '../../../support/deferred.ts';

const NOW = 1_800_000_000_000;
const NOW_SECONDS = NOW / 1000;
const ALICE = { user: 'alice' };
const FROM_ALICE: Origin = { from: ALICE, connectionId: 'a1' };

let nowMs: number;
let directory: ReturnType<typeof createMemoryDirectory>;
let log: ReturnType<typeof createMemoryMessageLog>;
let inboxes: ReturnType<typeof createMemoryInboxes>;
let states: ReturnType<typeof createMemoryAddressStates>;
/** What one user may leave in an inbox that nobody reads. */
let most: { messages: number; bytes: number };
let posts: { connectionId: string; frame: MessagesPush }[];
let outcomes: Record<string, PostOutcome>;
let tasks: Task[];
/** What the answers to a post, and to putting tasks on the queue, wait for. */
let answered: Deferred<void> | undefined;
let queued: Deferred<void> | undefined;
let failures: unknown[];
/** What happens, in order: to the log, the directory and the connections. */
let happened: string[];
let send: Send;
let runDelivery: ReturnType<typeof createDeliveryRunner>;

beforeEach(() => {
  nowMs = NOW;
  posts = [];
  outcomes = {};
  tasks = [];
  answered = undefined;
  queued = undefined;
  failures = [];
  happened = [];
  directory = createMemoryDirectory(() => nowMs);
  log = createMemoryMessageLog(() => nowMs);
  let minted = 0;
  const mintSerial = (epochMs: number) => {
    minted += 1;
    return `${serialFloor(epochMs).slice(0, 22)}${String(minted).padStart(4, '0')}`;
  };
  const poster: Poster = {
    async post({ connectionId }, frame) {
      if (frame.type !== 'messages') throw new Error(`send pushed ${frame.type}`);
      posts.push({ connectionId, frame });
      await answered?.promise;
      return outcomes[connectionId] ?? 'sent';
    },
    close: async () => 'sent',
  };
  const add = async (added: readonly Task[]) => {
    happened.push('tasks');
    await queued?.promise;
    tasks.push(...added);
  };
  const watched = watch(directory, 'find', 'remove', 'forget');
  const posting = createPosting({ poster: watch(poster, 'post'), directory: watched, tasks: { add } });
  states = createMemoryAddressStates(() => nowMs);
  most = { messages: 100, bytes: 1024 * 1024 };
  inboxes = createMemoryInboxes(() => nowMs, 600);
  const guard = createInboxGuard({ inboxes: watch(inboxes, 'isBlocked', 'take'), states, limit: most });
  const deliveries = createDeliveries({
    directory: watched,
    log: watch(log, 'append', 'find'),
    guard,
    posting,
    tasks: { add },
    now: () => nowMs,
    mintSerial,
  });
  runDelivery = createDeliveryRunner({
    ...{ directory, posting, states, tasks: { add }, log: () => undefined },
    postsPerSecond: Number.POSITIVE_INFINITY,
    clock: { ...SYSTEM_CLOCK, now: () => nowMs },
  });
  send = createSend({
    deliveries,
    now: () => nowMs,
    retentionSeconds: 600,
    mintSerial,
    mintId: () => 'minted',
    onFailure: (error) => failures.push(error),
  });
});

/** Writes down when each of the methods begins; a strongly consistent `find` is written as `find!`. */
function watch<T extends object>(target: T, ...methods: (keyof T & string)[]): T {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name);
      if (typeof value !== 'function' || !methods.some((method) => method === name)) return value;
      return (...values: unknown[]) => {
        const [, options] = values as [unknown, { consistent?: boolean } | undefined];
        happened.push(`${String(name)}${options?.consistent ? '!' : ''}`);
        return Reflect.apply(value, object, values);
      };
    },
  });
}

/** Lets something happen between the first look at the directory and whatever comes next. */
function afterFirstLook(happens: () => Promise<void>): void {
  const { find } = directory;
  directory.find = async (address, options) => {
    const found = await find(address, options);
    directory.find = find;
    await happens();
    return found;
  };
}

async function connect(userId: string, ...connectionIds: string[]): Promise<void> {
  const common = {
    attempt: 0,
    callbackUrl: 'https://api.example/prod',
    registeredAt: 0,
    tokenExpiresAt: NOW,
    capability: {},
  };
  for (const connectionId of connectionIds) {
    const mapping = { ...common, address: userAddress(userId), userId, connectionId, expiresAt: NOW_SECONDS + 600 };
    await directory.put(mapping);
  }
}

/** Sends for alice, without copies for her other devices unless a message asks for one. */
async function sendOk(...inputs: Parameters<Send>[1][number][]) {
  const sent = await send(
    FROM_ALICE,
    inputs.map((input) => ('room' in input.to ? input : { echo: false, ...input })),
  );
  if (!sent.ok) throw new Error(sent.problem.code);
  return sent.value;
}

const connectionsPostedTo = () => posts.map(({ connectionId }) => connectionId).toSorted();
const logged = (userId: string) => log.entries.filter(({ address }) => address === userAddress(userId));

test('every device of the recipient gets the message, once, and nobody else', async () => {
  await connect('bob', 'b1', 'b2', 'b3');
  await connect('alice', 'a1');

  const [result] = await sendOk({ to: { user: 'bob' }, data: { text: 'hi' }, id: 'm1' });

  expect(connectionsPostedTo()).toEqual(['b1', 'b2', 'b3']);
  expect(posts[0]?.frame).toEqual({
    type: 'messages',
    messages: [
      { id: 'm1', serial: expect.any(String), from: ALICE, to: { user: 'bob' }, data: { text: 'hi' }, sentAt: NOW },
    ],
  });
  expect(result).toEqual({
    id: 'm1',
    serial: posts[0]?.frame.messages[0]?.serial,
    status: 'sent',
    connections: { sent: 3, gone: 0, failed: 0 },
    users: [{ user: 'bob', status: 'sent' }],
  });
});

test('the encoding of the data reaches the recipient, now and from the log', async () => {
  await connect('bob', 'b1');
  const encoding = 'gzip/base64';
  await send(FROM_ALICE, [{ to: { user: 'bob' }, data: 'H4sI', encoding }]);
  expect(posts.map(({ frame }) => frame.messages[0])).toMatchObject([{ data: 'H4sI', encoding }]);
  const { messages } = await log.read(userAddress('bob'), serialFloor(0));
  expect(messages).toMatchObject([{ data: 'H4sI', encoding }]);
});

test('a user who writes to themselves has it on all their other devices', async () => {
  await connect('alice', 'a1', 'a2');
  expect(await sendOk({ to: { user: 'alice' }, data: 1 })).toMatchObject([{ id: 'minted', connections: { sent: 1 } }]);
  expect(connectionsPostedTo()).toEqual(['a2']);
});

test('a message to nobody connected is stored; with ephemeral: true it is dropped', async () => {
  const nothing = { sent: 0, gone: 0, failed: 0 };
  expect(await sendOk({ to: { user: 'nobody' }, data: 1 })).toMatchObject([{ status: 'stored', connections: nothing }]);
  expect(await sendOk({ to: { user: 'nobody' }, data: 2, ephemeral: true })).toMatchObject([{ status: 'dropped' }]);
  expect(logged('nobody').map(({ message }) => message.data)).toEqual([1]);
});

test('each of several users gets a copy without the names of the others, and a user named twice gets one', async () => {
  await connect('bob', 'b1');
  await connect('eve', 'e1');
  const [result] = await sendOk({ to: { users: ['bob', 'eve', 'bob', 'nobody'] }, data: 1 });
  expect(posts.map(({ connectionId, frame }) => [connectionId, frame.messages.map(({ to }) => to)])).toEqual([
    ['b1', [{ user: 'bob' }]],
    ['e1', [{ user: 'eve' }]],
  ]);
  expect(result).toMatchObject({
    status: 'stored',
    connections: { sent: 2 },
    users: [
      { user: 'bob', status: 'sent' },
      { user: 'eve', status: 'sent' },
      { user: 'nobody', status: 'stored' },
    ],
  });
});

test('a connection that is gone is forgotten, and nobody else is', async () => {
  await connect('bob', 'b1', 'b2');
  await connect('alice', 'a1');
  outcomes['b1'] = 'gone';
  expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([
    { status: 'sent', connections: { sent: 1, gone: 1, failed: 0 } },
  ]);
  expect([...directory.items.values()].map(({ connectionId }) => connectionId)).toEqual(['b2', 'a1']);
});

test('a connection that is said to be gone is forgotten, then closed: it may be alive, and would hear nothing', async () => {
  await connect('bob', 'b1');
  outcomes['b1'] = 'gone';
  await sendOk({ to: { user: 'bob' }, data: 1 });
  expect(happened.indexOf('forget')).toBeLessThan(happened.indexOf('tasks'));
  expect(tasks[0]).toEqual({ kind: 'close', connectionId: 'b1', callbackUrl: 'https://api.example/prod' });
});

test('a connection that is said to be gone is not forgotten before it can find in the log what it was not posted', async () => {
  await connect('bob', 'b1');
  outcomes['b1'] = 'gone';
  const appended = deferred();
  const { append } = log;
  log.append = async (...entry) => {
    await appended.promise;
    return append(...entry);
  };
  const sending = sendOk({ to: { user: 'bob' }, data: 1 });
  await new Promise(setImmediate);
  expect(posts).toHaveLength(1);
  expect(happened).not.toContain('forget');
  appended.resolve();
  await sending;
  expect(happened).toContain('forget');
});

test('a connection that is said to be gone is forgotten, too, when the message could not be stored', async () => {
  await connect('bob', 'b1');
  outcomes['b1'] = 'gone';
  log.append = () => Promise.reject(new Error('throttled'));
  expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([{ error: { code: 'internal' } }]);
  expect(happened).toContain('forget');
});

describe('a sender that cannot reach the API', () => {
  test('cuts nobody off and acknowledges nothing; a retry delivers the message in the log', async () => {
    await connect('bob', 'b1', 'b2');
    outcomes['b1'] = new Unreachable('no route');
    outcomes['b2'] = new Unreachable('no route');
    const message = { to: { user: 'bob' }, data: 1, id: 'm1' };
    expect(await sendOk(message)).toMatchObject([{ id: 'm1', error: { code: 'internal', retryable: true } }]);
    expect(failures).toMatchObject([{ message: expect.stringContaining('cannot be reached') }]);
    expect(tasks).toEqual([]);
    expect(await directory.find(userAddress('bob'), { consistent: true })).toHaveLength(2);
    expect(logged('bob')).toHaveLength(1);

    outcomes = {};
    posts = [];
    expect(await sendOk({ ...message, retry: true })).toMatchObject([{ duplicate: true, connections: { sent: 2 } }]);
    expect(connectionsPostedTo()).toEqual(['b1', 'b2']);
  });

  test('posts to no further connection, and its retry posts to all of them', async () => {
    const ids = Array.from({ length: 120 }, (_, index) => `b${index}`);
    await connect('bob', ...ids);
    for (const id of ids) outcomes[id] = new Unreachable('no route');
    await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1' });
    expect(posts).toHaveLength(50);
  });

  test('delivers no later message of the same batch past the one that was not posted', async () => {
    await connect('bob', 'b1');
    const big = 'x'.repeat(32 * 1024 - 2);
    outcomes['b1'] = new Unreachable('no route');
    await sendOk(...['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => ({ to: { user: 'bob' }, data: big, id })));
    expect(posts.map(({ frame }) => frame.messages.map(({ id }) => id))).toEqual([['m1', 'm2', 'm3']]);
  });

  test('says so of a message with ephemeral: true', async () => {
    await connect('bob', 'b1');
    outcomes['b1'] = new Unreachable('no route');
    expect(await sendOk({ to: { user: 'bob' }, data: 1, ephemeral: true })).toMatchObject([
      { error: { code: 'internal' } },
    ]);
  });
});

test('a connection that missed a message is removed before it is closed, and gets nothing later', async () => {
  await connect('bob', 'b1', 'b2');
  outcomes['b1'] = 'failed';
  const result = { status: 'sent', connections: { sent: 1, gone: 0, failed: 1 } };
  expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([result]);
  expect(happened.indexOf('remove')).toBeLessThan(happened.indexOf('tasks'));
  expect(tasks).toEqual([{ kind: 'close', connectionId: 'b1', callbackUrl: 'https://api.example/prod' }]);

  posts = [];
  await sendOk({ to: { user: 'bob' }, data: 2 });
  expect(connectionsPostedTo()).toEqual(['b2']);
});

test('a connection that missed a message gets none of the next one, where an old answer would still show it', async () => {
  await connect('bob', 'b1');
  const { find } = directory;
  const before = await find(userAddress('bob'), { consistent: true });
  directory.find = async (address, options) => (options.consistent ? find(address, options) : before);
  outcomes['b1'] = 'failed';
  await sendOk({ to: { user: 'bob' }, data: 1 });
  outcomes['b1'] = 'sent';
  posts = [];
  expect(await sendOk({ to: { user: 'bob' }, data: 2 })).toMatchObject([{ status: 'stored' }]);
  expect(posts).toEqual([]);
});

describe('the way of a message', () => {
  test('is two looks, the block beside the first, one append and one post, the second look after the append', async () => {
    await connect('bob', 'b1');
    await sendOk({ to: { user: 'bob' }, data: 1 });
    expect(happened.toSorted()).toEqual(['append', 'find!', 'find!', 'isBlocked', 'post']);
    expect(happened.slice(0, 2).toSorted()).toEqual(['find!', 'isBlocked']);
    expect(happened.lastIndexOf('find!')).toBeGreaterThan(happened.indexOf('append'));
  });

  test('does not wait for the sender’s admission before the look, nor for the append before the post', async () => {
    await connect('bob', 'b1');
    const admitted = deferred<Awaited<Parameters<Send>[2]>>();
    const appended = deferred();
    const { append } = log;
    log.append = async (...entry) => {
      await appended.promise;
      return append(...entry);
    };
    const sending = send(
      FROM_ALICE,
      [{ to: { user: 'bob' }, data: 1, echo: false }],
      admitted.promise as Parameters<Send>[2],
    );
    await new Promise(setImmediate);
    expect(happened).toEqual(['find!', 'isBlocked']);
    admitted.resolve(undefined);
    await new Promise(setImmediate);
    expect(happened.toSorted()).toEqual(['append', 'find!', 'isBlocked', 'post']);
    appended.resolve();
    expect(await sending).toMatchObject({ ok: true });
  });

  test('of one with ephemeral: true is one look and one post', async () => {
    await connect('bob', 'b1');
    await sendOk({ to: { user: 'bob' }, data: 1, ephemeral: true });
    expect(happened).toEqual(['find!', 'isBlocked', 'post']);
  });

  test('reaches a device that registered after the first look', async () => {
    await connect('bob', 'b1');
    afterFirstLook(() => connect('bob', 'b2'));
    expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([{ connections: { sent: 2 } }]);
    expect(connectionsPostedTo()).toEqual(['b1', 'b2']);
  });

  test('of one with ephemeral: true does not lead to a device that registered after the first look', async () => {
    afterFirstLook(() => connect('bob', 'b2'));
    await sendOk({ to: { user: 'bob' }, data: 'kept' }, { to: { user: 'bob' }, data: 'typing', ephemeral: true });
    expect(posts.map(({ frame }) => frame.messages.map(({ data }) => data))).toEqual([['kept']]);
  });

  test('that could not be stored is not acknowledged, and its sender may try again', async () => {
    await connect('bob', 'b1');
    log.append = () => Promise.reject(new Error('throttled'));
    expect(await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1' })).toEqual([
      { id: 'm1', error: expect.objectContaining({ code: 'internal', retryable: true }) },
    ]);
    expect(failures).toMatchObject([{ message: 'throttled' }]);
  });

  test('of several to one user ends at the first that could not be stored: none behind it may overtake it', async () => {
    const { append } = log;
    log.append = (address, message, expiresAt) =>
      message.id === 'm2' ? Promise.reject(new Error('throttled')) : append(address, message, expiresAt);
    const messages = ['m1', 'm2', 'm3'].map((id) => ({ to: { user: 'bob' }, data: id, id }));
    expect(await sendOk(...messages)).toMatchObject(messages.map(({ id }) => ({ id, error: { code: 'internal' } })));
    log.append = append;
    await sendOk(...messages.map((message) => ({ ...message, retry: true })));
    expect(logged('bob').map(({ message }) => message.id)).toEqual(['m1', 'm2', 'm3']);
  });

  test('is kept for the retention, or for less where it asks for less', async () => {
    await sendOk({ to: { user: 'x' }, data: 1 }, { to: { user: 'x' }, data: 2, ttlSeconds: 60 });
    await sendOk({ to: { user: 'x' }, data: 3, ttlSeconds: 9999 });
    expect(logged('x').map(({ expiresAt }) => expiresAt - NOW_SECONDS)).toEqual([600, 60, 600]);
  });
});

describe('a retry', () => {
  test('of a message that was accepted delivers the first again, and stores no second', async () => {
    await connect('bob', 'b1');
    const [first] = await sendOk({ to: { user: 'bob' }, data: 'first', id: 'm1' });
    nowMs += 30_000;
    happened.length = 0;
    const [again] = await sendOk({ to: { user: 'bob' }, data: 'other', id: 'm1', retry: true });
    expect(again).toEqual({ ...first, duplicate: true });
    // Not even the same again: the first time to live stands, too.
    expect(happened).not.toContain('append');
    expect(logged('bob')).toHaveLength(1);
    expect(posts.map(({ frame }) => frame.messages[0]?.data)).toEqual(['first', 'first']);
  });

  test('of one that never arrived sends it', async () => {
    const [result] = await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1', retry: true });
    expect(result).toMatchObject({ status: 'stored' });
    expect(result).not.toHaveProperty('duplicate');
  });

  test('of many looks once for each of their recipients', async () => {
    const messages = Array.from({ length: 50 }, (_, index) => ({ to: { user: 'bob' }, data: index, id: `m${index}` }));
    await sendOk(...messages.slice(0, 20));
    happened.length = 0;
    const results = await sendOk(...messages.map((message) => ({ ...message, retry: true })));
    expect(results.filter((result) => 'duplicate' in result)).toHaveLength(20);
    expect(logged('bob').map(({ message }) => message.data)).toEqual(messages.map(({ data }) => data));
    // One look at the log, and two at the directory.
    expect(happened.filter((what) => what.startsWith('find'))).toHaveLength(3);
  });

  test('of one older than half the overlap is appended again: a device that misses the post must find it on resume', async () => {
    await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1' });
    nowMs += 61_000;
    await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1', retry: true });
    expect(logged('bob')).toHaveLength(2);
  });

  test('that another one overtakes while it is slow leaves the log in order, whatever each of them has appended', async () => {
    const messages = ['m1', 'm2', 'm3'].map((id) => ({ to: { user: 'bob' }, data: id, id, retry: true }));
    const { find } = directory;
    directory.find = async (address, options) => {
      directory.find = find;
      // Begins later, where the clock is ahead, and gets as far as the first message.
      nowMs += 2_000;
      await sendOk(...messages.slice(0, 1));
      nowMs -= 2_000;
      return find(address, options);
    };
    const results = await sendOk(...messages);
    const { messages: read } = await log.read(userAddress('bob'), '');
    expect(read.map(({ id }) => id)).toEqual(['m1', 'm2', 'm3']);
    expect(results.map((result) => 'serial' in result && result.serial)).toEqual(read.map(({ serial }) => serial));
  });

  test('finds nobody else’s message under the same id', async () => {
    await send({ from: { user: 'eve' } }, [{ to: { user: 'bob' }, data: 'of eve', id: 'm1' }]);
    await sendOk({ to: { user: 'bob' }, data: 'of alice', id: 'm1', retry: true });
    expect(logged('bob').map(({ message }) => message.data)).toEqual(['of eve', 'of alice']);
  });
});

describe('the notes beside a message', () => {
  const notes = () => log.entries.map(({ address, pair, retried }) => ({ address, pair, retried }));

  test('name the two users, at the recipient and not with the sender’s own copy', async () => {
    await sendOk({ to: { users: ['bob', 'eve'] }, data: 1, echo: true }, { to: { user: 'alice' }, data: 2 });
    expect(notes().toSorted((a, b) => (a.address < b.address ? -1 : 1))).toEqual([
      { address: 'user#alice', pair: undefined },
      { address: 'user#alice', pair: '["alice","alice"]' },
      { address: 'user#bob', pair: '["alice","bob"]' },
      { address: 'user#eve', pair: '["alice","eve"]' },
    ]);
  });

  test('name the pair of the user and a service, and none for a room', async () => {
    await send({ from: { service: 'alice' } }, [{ to: { user: 'bob' }, data: 1 }]);
    await sendOk({ to: { room: 'lobby' }, data: 2 });
    expect(notes().map(({ pair }) => pair)).toEqual(['["bob",{"service":"alice"}]', undefined]);
  });

  test('say that it was sent again, if it was', async () => {
    await sendOk({ to: { user: 'bob' }, data: 1, id: 'm1', retry: true }, { to: { user: 'bob' }, data: 2, id: 'm2' });
    expect(notes().map(({ retried }) => retried)).toEqual([true, undefined]);
  });

  test('say so too if it waited so long that its retry may have come first', async () => {
    for (const waitedMs of [0, 100, 101]) {
      await send({ ...FROM_ALICE, receivedAt: NOW - waitedMs }, [{ to: { user: 'bob' }, data: 0, echo: false }]);
    }
    expect(notes().map(({ retried }) => retried)).toEqual([undefined, undefined, true]);
    expect(happened.filter((what) => what === 'find')).toEqual([]);
  });
});

test('a receipt is asked for of users, by users and services', async () => {
  await sendOk(
    { to: { user: 'bob' }, data: 1, receipt: true },
    { to: { user: 'bob' }, data: 2, receipt: false },
    { to: { room: 'lobby' }, data: 3, receipt: true },
  );
  await send({ from: { service: 'alice' } }, [{ to: { user: 'bob' }, data: 4, receipt: true }]);
  const asked = log.entries.flatMap(({ message }) => (message.receipt ? [message.data] : []));
  expect(asked).toEqual([1, 4]);
  expect(log.entries).toHaveLength(4);
});

describe('an echo', () => {
  test('reaches the sender’s other devices, is kept for them, and never comes back to the sending connection', async () => {
    await connect('alice', 'a1', 'a2');
    await connect('bob', 'b1');
    const sent = await send(FROM_ALICE, [{ to: { user: 'bob' }, data: 1 }]);
    const [result] = sent.ok ? sent.value : [];
    expect(connectionsPostedTo()).toEqual(['a2', 'b1']);
    expect(posts.find(({ connectionId }) => connectionId === 'a2')?.frame.messages).toMatchObject([
      { from: ALICE, to: { user: 'bob' } },
    ]);
    expect(logged('alice')).toHaveLength(1);
    expect(result).toMatchObject({ connections: { sent: 1 }, users: [{ user: 'bob' }] });
  });

  test('keeps its place among what its sender writes to themselves', async () => {
    await connect('alice', 'a1', 'a2');
    await sendOk(
      { to: { user: 'alice' }, data: 1 },
      { to: { user: 'bob' }, data: 2, echo: true },
      { to: { user: 'alice' }, data: 3 },
    );
    const postedTo = (id: string) =>
      posts
        .filter(({ connectionId }) => connectionId === id)
        .map(({ frame }) => frame.messages.map(({ data }) => data));
    expect(postedTo('a2')).toEqual([[1, 2, 3]]);
    expect(postedTo('a1')).toEqual([]);
  });

  test('of a message to oneself is the message itself', async () => {
    await connect('alice', 'a1', 'a2');
    await sendOk({ to: { user: 'alice' }, data: 1, echo: true });
    expect(connectionsPostedTo()).toEqual(['a2']);
    expect(logged('alice')).toHaveLength(1);
  });
});

describe('an acknowledgement waits', () => {
  /** Whether sending has ended, once everything that can go on has done so. */
  async function hasEnded(sending: Promise<unknown>): Promise<boolean> {
    let ended = false;
    void sending.finally(() => {
      ended = true;
    });
    await new Promise(setImmediate);
    return ended;
  }

  test('until the task that closes a connection is queued: Lambda freezes a handler that has answered', async () => {
    await connect('bob', 'b1');
    outcomes['b1'] = 'failed';
    queued = deferred();
    const sending = sendOk({ to: { user: 'bob' }, data: 1 });
    expect(await hasEnded(sending)).toBe(false);
    queued.resolve();
    expect(await sending).toMatchObject([{ connections: { failed: 1 } }]);
  });

  test('for every post, also where the message could not be stored', async () => {
    await connect('bob', 'b1');
    log.append = () => Promise.reject(new Error('throttled'));
    answered = deferred();
    const sending = sendOk({ to: { user: 'bob' }, data: 1 });
    expect(await hasEnded(sending)).toBe(false);
    answered.resolve();
    expect(await sending).toMatchObject([{ error: { code: 'internal' } }]);
  });
});

describe('a user with more connections than one function posts to', () => {
  test('gets the message from the queue also when most of them have come since the first look', async () => {
    await connect('bob', 'b');
    afterFirstLook(() => connect('bob', ...Array.from({ length: 200 }, (_, index) => `b${index}`)));
    expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([{ status: 'sent' }]);
    expect(connectionsPostedTo()).toEqual(['b']);
    expect(tasks).toHaveLength(2);
  });

  test('gets the message in parts, from the queue, after it has been stored', async () => {
    await connect('bob', ...Array.from({ length: 201 }, (_, index) => `b${index}`));
    expect(await sendOk({ to: { user: 'bob' }, data: 1 })).toMatchObject([{ status: 'queued' }]);
    expect(posts).toEqual([]);
    expect(tasks).toHaveLength(2);
    expect(happened).toEqual(['find!', 'isBlocked', 'append', 'tasks']);
    const covered = await Promise.all(
      tasks.map(
        (task) => task.kind === 'deliver' && directory.find(task.address, { consistent: true, range: task.range }),
      ),
    );
    expect(covered.flatMap((found) => found || [])).toHaveLength(201);
  });
});

describe('several messages', () => {
  test('to one user travel in one frame, in their order', async () => {
    await connect('bob', 'b1');
    await sendOk({ to: { user: 'bob' }, data: 1 }, { to: { user: 'bob' }, data: 2 }, { to: { user: 'bob' }, data: 3 });
    expect(posts).toHaveLength(1);
    expect(posts[0]?.frame.messages.map(({ data }) => data)).toEqual([1, 2, 3]);
    const serials = posts[0]?.frame.messages.map(({ serial }) => serial) ?? [];
    expect(serials).toEqual(serials.toSorted());
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
    for (const result of results) expect(result).toMatchObject({ connections: { sent: 1, failed: 1 } });
  });
});

test('a sender whom the gate refuses sends nothing', async () => {
  await connect('bob', 'b1');
  const refused = { ok: false, problem: problem('not_registered') } as const;
  const sent = await send(FROM_ALICE, [{ to: { user: 'bob' }, data: 1 }], Promise.resolve(refused));
  expect(sent).toMatchObject({ ok: false, problem: { code: 'not_registered' } });
  expect(posts).toEqual([]);
});

describe('a message that the capability does not allow', () => {
  const admitted = (capability: Capability) => Promise.resolve({ ok: true, value: { capability } } as const);

  test('is refused, each message by itself', async () => {
    await connect('bob', 'b1');
    const sent = await send(
      FROM_ALICE,
      [
        { to: { user: 'bob' }, data: 1, id: 'allowed', echo: false },
        { to: { users: ['bob', 'eve'] }, data: 2, id: 'not to eve', echo: false },
        { to: { room: 'lobby' }, data: 3, id: 'not to rooms' },
      ],
      admitted({ 'user:b*': ['send'], 'user:*': ['presence'], 'room:*': ['join'] }),
    );
    expect(sent).toMatchObject({
      value: [
        { id: 'allowed', status: 'sent' },
        { error: { code: 'forbidden', message: 'the token\'s capability does not allow "send" at "user:eve"' } },
        { error: { code: 'forbidden', message: 'the token\'s capability does not allow "send" at "room:lobby"' } },
      ],
    });
    expect(posts.flatMap(({ frame }) => frame.messages.map(({ id }) => id))).toEqual(['allowed']);
    expect(log.entries).toHaveLength(1);
  });

  test('does not keep anybody from their own copy', async () => {
    await connect('alice', 'a2');
    await send(FROM_ALICE, [{ to: { user: 'bob' }, data: 1, echo: true }], admitted({ 'user:bob': ['send'] }));
    expect(connectionsPostedTo()).toEqual(['a2']);
  });
});

describe('to a room', () => {
  const inLobby = async (...connectionIds: string[]) => {
    const common = { attempt: 0, callbackUrl: 'https://api.example/prod', registeredAt: 0, tokenExpiresAt: NOW };
    const address = roomAddress('lobby');
    for (const connectionId of connectionIds) {
      const userId = connectionId.slice(0, 1);
      const expiresAt = NOW_SECONDS + 600;
      await directory.put({ ...common, address, userId, connectionId, expiresAt, capability: {} });
    }
  };
  const toLobby = { to: { room: 'lobby' } };
  const dataAt = (id: string) =>
    posts
      .filter(({ connectionId }) => connectionId === id)
      .flatMap(({ frame }) => frame.messages.map(({ data }) => data));

  test('a message reaches everybody in it but the connection that sends it, and is kept once', async () => {
    await inLobby('a1', 'a2', 'b1');
    const [result] = await sendOk({ ...toLobby, data: 1 });
    expect(connectionsPostedTo()).toEqual(['a2', 'b1']);
    expect(posts[0]?.frame.messages).toMatchObject([{ ...toLobby, from: ALICE }]);
    expect(result).toMatchObject({ status: 'sent', connections: { sent: 2 }, users: [] });
    expect(log.entries.map(({ address }) => address)).toEqual([roomAddress('lobby')]);
  });

  test('the connection that sends does not get it, the sender’s other connections do, and nothing is kept with the sender', async () => {
    await inLobby('a1', 'a2', 'b1');
    await connect('alice', 'a1', 'a2');
    await sendOk({ ...toLobby, data: 1 });
    expect(connectionsPostedTo()).toEqual(['a2', 'b1']);
    expect(log.entries).toHaveLength(1);
  });

  test('several messages keep their order', async () => {
    await inLobby('a1', 'b1');
    const results = await sendOk({ ...toLobby, data: 1 }, { ...toLobby, data: 2 }, { ...toLobby, data: 3 });
    expect(dataAt('b1')).toEqual([1, 2, 3]);
    expect(results.map((result) => 'connections' in result && result.connections.sent)).toEqual([1, 1, 1]);
  });

  test('goes from anyone with the capability, in the room or not', async () => {
    await inLobby('b1');
    expect(await sendOk({ ...toLobby, data: 1 })).toMatchObject([{ status: 'sent' }]);
  });

  test('with nobody in it is stored, or dropped where it is not to be kept', async () => {
    await inLobby('a1');
    expect(await sendOk({ ...toLobby, data: 1 })).toMatchObject([{ status: 'stored', users: [] }]);
    expect(await sendOk({ ...toLobby, data: 2, ephemeral: true })).toMatchObject([{ status: 'dropped', users: [] }]);
    expect(log.entries).toHaveLength(1);
  });

  test('that is not kept reaches those who are in it, in one look and without an append', async () => {
    await inLobby('a1', 'b1');
    expect(await sendOk({ ...toLobby, data: 1, ephemeral: true })).toMatchObject([{ status: 'sent' }]);
    expect(happened).toEqual(['find!', 'post']);
  });

  test('sent again finds the first in the log of the room', async () => {
    await inLobby('b1');
    await sendOk({ ...toLobby, data: 'first', id: 'm1' });
    expect(await sendOk({ ...toLobby, data: 'other', id: 'm1', retry: true })).toMatchObject([{ duplicate: true }]);
    expect(dataAt('b1')).toEqual(['first', 'first']);
    expect(log.entries).toHaveLength(1);
  });

  test('a connection that is gone leaves all its rooms, and its user', async () => {
    await connect('b', 'b1');
    const attic = roomAddress('attic');
    const rooms = { kind: 'rooms', addresses: [roomAddress('lobby'), attic] } as const;
    await directory.addSubscriptions(userAddress('b'), 'b1', rooms, 50);
    await inLobby('b1', 'c1');
    for (const item of directory.items.values())
      if (item.connectionId === 'b1') await directory.put({ ...item, address: attic });
    outcomes['b1'] = 'gone';
    expect(await sendOk({ ...toLobby, data: 1 })).toMatchObject([{ connections: { sent: 1, gone: 1 } }]);
    expect([...directory.items.values()].map(({ connectionId }) => connectionId)).toEqual(['c1']);
  });

  test('a connection that missed a message gets none of this room any more, and is closed', async () => {
    await inLobby('b1', 'c1');
    outcomes['b1'] = 'failed';
    await sendOk({ ...toLobby, data: 1 });
    delete outcomes['b1'];
    await sendOk({ ...toLobby, data: 2 });
    expect(dataAt('b1')).toEqual([1]);
    expect(dataAt('c1')).toEqual([1, 2]);
    expect(tasks).toMatchObject([{ kind: 'close', connectionId: 'b1' }]);
  });

  test('of 5,000 connections goes through the queue, to each of them once, and not to the one that sends', async () => {
    const ids = Array.from({ length: 5000 }, () => `${randomBytes(11).toString('base64url')}=`);
    await inLobby('a1', ...ids);
    expect(await sendOk({ ...toLobby, data: 1 }, { ...toLobby, data: 2 })).toMatchObject([
      { status: 'queued', users: [] },
      { status: 'queued', users: [] },
    ]);
    expect(posts).toEqual([]);
    const attributes = { ApproximateReceiveCount: '1' };
    const context = { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY };
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      const Records = [{ messageId: 't', attributes, body: JSON.stringify(task) }];
      expect(await runDelivery({ Records }, context)).toEqual({ batchItemFailures: [] });
    }
    expect(connectionsPostedTo()).toEqual(ids.toSorted());
    expect(dataAt(ids[0] ?? '')).toEqual([1, 2]);
  });
});

describe('a message that a recipient does not accept', () => {
  const toBob = { to: { user: 'bob' }, data: 1 };
  const NOT_ACCEPTED = { error: problem('not_accepted') };
  const stored = { status: 'stored' };
  const FULL = { messages: 3, bytes: 1024 * 1024 };
  const fromService = (...inputs: Parameters<Send>[1][number][]) => send({ from: { service: 'billing' } }, inputs);

  describe('because they have blocked the sender', () => {
    beforeEach(() => inboxes.block({ recipient: 'bob', sender: 'alice' }));

    test.each([true, false])('is neither posted nor kept, whether it is ephemeral (%s) or not', async (ephemeral) => {
      await connect('bob', 'b1');
      expect(await sendOk({ ...toBob, id: 'm1', ephemeral })).toEqual([{ id: 'm1', ...NOT_ACCEPTED }]);
      expect(posts).toEqual([]);
      expect(log.entries).toEqual([]);
      expect(happened).toEqual(['find!', 'isBlocked']);
    });

    test('looks the same where they are not connected', async () => {
      expect(await sendOk({ ...toBob, id: 'm1' })).toEqual([{ id: 'm1', ...NOT_ACCEPTED }]);
      expect(happened).toEqual(['find!', 'isBlocked']);
    });

    test('is accepted once the block is taken back', async () => {
      await inboxes.unblock({ recipient: 'bob', sender: 'alice' });
      expect(await sendOk(toBob)).toMatchObject([stored]);
    });

    test('concerns only the two users, and only one direction', async () => {
      expect(await send({ from: { user: 'bob' } }, [{ to: { user: 'alice' }, data: 1 }])).toMatchObject({
        value: [stored],
      });
      expect(await send({ from: { user: 'carol' } }, [toBob])).toMatchObject({ value: [stored] });
      expect(await sendOk({ to: { room: 'lobby' }, data: 1 })).toMatchObject([stored]);
      expect(await fromService(toBob)).toMatchObject({ value: [stored] });
    });

    test('makes no copy for the sender’s other devices, unless somebody accepts it', async () => {
      await connect('alice', 'a1', 'a2');
      await sendOk({ ...toBob, id: 'm1', echo: true });
      expect(posts).toEqual([]);
      expect(log.entries).toEqual([]);
      expect(await sendOk({ to: { users: ['bob', 'carol'] }, data: 2, id: 'm2', echo: true })).toEqual([
        expect.objectContaining({
          id: 'm2',
          ...stored,
          users: [
            { user: 'bob', status: 'not_accepted' },
            { user: 'carol', status: 'stored' },
          ],
        }),
      ]);
      expect(log.entries.map(({ address }) => address).toSorted()).toEqual(['user#alice', 'user#carol']);
      expect(connectionsPostedTo()).toEqual(['a2']);
    });

    test('does not change the status: that is the worst of those who accept it', async () => {
      await connect('carol', 'c1');
      const several = { to: { users: ['bob', 'carol'] }, data: 1 };
      expect(await sendOk(several)).toMatchObject([{ status: 'sent', connections: { sent: 1 } }]);
      await inboxes.block({ recipient: 'carol', sender: 'alice' });
      expect(await sendOk(several)).toMatchObject([NOT_ACCEPTED]);
    });

    test('is acknowledged again if it was accepted before', async () => {
      await inboxes.unblock({ recipient: 'bob', sender: 'alice' });
      await sendOk({ ...toBob, id: 'm1' });
      await inboxes.block({ recipient: 'bob', sender: 'alice' });
      expect(await sendOk({ ...toBob, id: 'm1', retry: true })).toMatchObject([{ ...stored, duplicate: true }]);
      expect(await sendOk({ ...toBob, id: 'm2', retry: true })).toMatchObject([NOT_ACCEPTED]);
    });

    test('is none to oneself', async () => {
      expect(await sendOk({ to: { user: 'alice' }, data: 1 })).toMatchObject([stored]);
      expect(happened).not.toContain('isBlocked');
    });
  });

  describe('because the sender has left enough in an inbox that nobody reads', () => {
    const fill = async () => {
      for (let sent = 0; sent < 3; sent += 1)
        expect(await sendOk({ ...toBob, id: `m${sent}` })).toMatchObject([stored]);
    };
    beforeEach(() => {
      Object.assign(most, FULL);
    });

    test('is refused as if they were blocked', async () => {
      await fill();
      expect(await sendOk({ ...toBob, id: 'm3' })).toEqual([{ id: 'm3', ...NOT_ACCEPTED }]);
      expect(logged('bob')).toHaveLength(3);
    });

    test('is counted once, before the append', async () => {
      await sendOk(toBob);
      expect(happened).toEqual(['find!', 'isBlocked', 'take', 'append', 'find!']);
    });

    test('by its bytes as well', async () => {
      Object.assign(most, { bytes: 500 });
      expect(await sendOk({ ...toBob, data: 'x'.repeat(300) })).toMatchObject([stored]);
      expect(await sendOk({ ...toBob, data: 'x'.repeat(300) })).toMatchObject([NOT_ACCEPTED]);
      expect(await sendOk(toBob)).toMatchObject([NOT_ACCEPTED]);
    });

    test('concerns no other sender, service or room, and no message with ephemeral: true', async () => {
      await fill();
      expect(await send({ from: { user: 'carol' } }, [toBob])).toMatchObject({ value: [stored] });
      expect(await fromService(toBob)).toMatchObject({ value: [stored] });
      expect(await sendOk({ to: { room: 'bob' }, data: 1 })).toMatchObject([stored]);
      expect(await sendOk({ ...toBob, ephemeral: true })).toMatchObject([{ status: 'dropped' }]);
    });

    test('is accepted while the recipient is connected, and counts for nothing', async () => {
      await fill();
      await connect('bob', 'b1');
      happened = [];
      expect(await sendOk(toBob)).toMatchObject([{ status: 'sent' }]);
      expect(happened).not.toContain('take');
    });

    test('is accepted again as soon as the recipient has acknowledged something more', async () => {
      await fill();
      await states.acknowledge(userAddress('bob'), serialFloor(NOW));
      await fill();
      expect(await sendOk(toBob)).toMatchObject([NOT_ACCEPTED]);
      await states.acknowledge(userAddress('bob'), serialFloor(NOW - 1));
      expect(await sendOk(toBob)).toMatchObject([NOT_ACCEPTED]);
    });

    test('is none that was accepted before', async () => {
      await fill();
      expect(await sendOk({ ...toBob, id: 'm1', retry: true })).toMatchObject([{ ...stored, duplicate: true }]);
      expect(await sendOk({ ...toBob, id: 'm9', retry: true })).toMatchObject([NOT_ACCEPTED]);
    });

    test('of several in one frame is every one from the first that does not fit', async () => {
      await sendOk(toBob);
      const results = await sendOk(...['a', 'b', 'c', 'd'].map((id) => ({ ...toBob, id })));
      expect(results).toMatchObject([stored, stored, NOT_ACCEPTED, NOT_ACCEPTED]);
      expect(logged('bob').map(({ message }) => message.id)).toEqual(['minted', 'a', 'b']);
    });

    test('to several recipients names the one whose inbox is full', async () => {
      await fill();
      expect(await sendOk({ to: { users: ['bob', 'carol'] }, data: 1 })).toMatchObject([
        { status: 'stored', users: [{ status: 'not_accepted' }, { status: 'stored' }] },
      ]);
    });

    test('is not acknowledged if that could not be found out', async () => {
      inboxes.take = () => Promise.reject(new Error('throttled'));
      expect(await sendOk({ ...toBob, id: 'm1' })).toMatchObject([{ error: { code: 'internal' } }]);
      expect(log.entries).toEqual([]);
    });
  });
});

test('a receipt is asked for only if the message is kept', async () => {
  await connect('bob', 'b1');
  await sendOk(
    { to: { user: 'bob' }, data: 1, receipt: true },
    { to: { user: 'bob' }, data: 2, receipt: true, ephemeral: true },
  );
  const messages = posts.flatMap(({ frame }) => frame.messages);
  expect(messages.map(({ receipt }) => receipt)).toEqual([true, undefined]);
});
