import { beforeEach, expect, test } from 'vitest';
import type { Message } from '../../../../protocol/index.ts';
import { presenceAddress, type Topic, userAddress } from '../../../../server/address.ts';
import type { AddressStates } from '../../../../server/connections/address-state.ts';
import { createTaskRunner } from '../../../../server/edge/run-tasks.ts';
import type { PresenceChecks } from '../../../../server/presence/presence.ts';
import { createPosting, type Poster, type PostOutcome, Unreachable } from '../../../../server/sending/posting.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const target = { connectionId: 'b1', callbackUrl: 'https://api.example/prod' };

let states: AddressStates;
let closing: PostOutcome;
let postOutcome: PostOutcome;
let closed: string[];
let onClose: () => Promise<void>;
let posted: string[];
let checked: unknown[];
let postsUnderWay: number;
let mostPostsUnderWay: number;
let directory: ReturnType<typeof createMemoryDirectory>;
let runTasks: ReturnType<typeof createTaskRunner>;

beforeEach(() => {
  closing = 'sent';
  postOutcome = 'sent';
  closed = [];
  onClose = async () => undefined;
  posted = [];
  checked = [];
  postsUnderWay = 0;
  mostPostsUnderWay = 0;
  states = createMemoryAddressStates(() => NOW);
  directory = createMemoryDirectory(() => NOW);
  const poster: Poster = {
    async post({ connectionId }) {
      postsUnderWay += 1;
      mostPostsUnderWay = Math.max(mostPostsUnderWay, postsUnderWay);
      await new Promise(setImmediate);
      postsUnderWay -= 1;
      posted.push(connectionId);
      return postOutcome;
    },
    async close({ connectionId }) {
      closed.push(connectionId);
      await onClose();
      return closing;
    },
  };
  const posting = createPosting({ poster, directory, tasks: { add: async () => undefined } });
  const presence: PresenceChecks = {
    check: async (task, isRetry) => {
      checked.push([task, isRetry]);
    },
    sweep: async (task) => {
      checked.push([task]);
    },
  };
  runTasks = createTaskRunner({ directory, posting, states, presence, poster, log: () => undefined, now: () => NOW });
});

const event = (...tasks: (Task | string)[]) => ({
  Records: tasks.map((task, index) => ({
    messageId: `t${index}`,
    attributes: { ApproximateReceiveCount: String(index + 1) },
    body: typeof task === 'string' ? task : JSON.stringify(task),
  })),
});

function deliver(secondsAgo: number, range = { first: ' ', last: '~' }): Task {
  const serial = serialFloor(NOW - secondsAgo * 1000);
  const message: Message = { id: 'm1', serial, from: { user: 'a' }, to: { user: 'bob' }, data: 0, sentAt: 0 };
  return { kind: 'deliver', address: BOB, messages: [message], range };
}

async function connect(address: Topic, ...connectionIds: string[]): Promise<void> {
  const common = {
    address,
    userId: 'bob',
    attempt: 0,
    registeredAt: 0,
    tokenExpiresAt: NOW,
    capability: {},
    expiresAt: NOW,
  };
  for (const connectionId of connectionIds) await directory.put({ ...common, ...target, connectionId });
}

test('closes connections; one that is gone is closed', async () => {
  closing = 'gone';
  expect(await runTasks(event({ kind: 'close', ...target }))).toEqual({ batchItemFailures: [] });
  expect(closed).toEqual(['b1']);
});

test('a task that fails comes back, and does not hold up others', async () => {
  closing = 'failed';
  await connect(BOB, 'b1');
  expect(await runTasks(event({ kind: 'close', ...target }, 'not a task', deliver(0)))).toEqual({
    batchItemFailures: [{ itemIdentifier: 't0' }, { itemIdentifier: 't1' }],
  });
  expect(posted).toEqual(['b1']);
});

test('a task comes back if the API is out of reach', async () => {
  closing = new Unreachable(undefined);
  postOutcome = new Unreachable(undefined);
  await connect(BOB, 'b1');
  await connect(presenceAddress(BOB), 'b1');
  const frame = { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: NOW }] } as const;
  const announce = { kind: 'announce', topic: presenceAddress(BOB), frame, range: { first: ' ', last: '~' } } as const;
  const { batchItemFailures } = await runTasks(event({ kind: 'close', ...target }, deliver(0), announce));
  expect(batchItemFailures).toHaveLength(3);
  expect(await directory.find(BOB, { consistent: true })).toHaveLength(1);
});

test('delivers to a range of connections, concurrently but not all at once', async () => {
  const ids = Array.from({ length: 300 }, (_, index) => `b${String(index).padStart(3, '0')}`);
  await connect(BOB, ...ids, 'c1');
  await runTasks(event(deliver(0, { first: 'b', last: 'bz' })));
  expect(posted.toSorted()).toEqual(ids);
  expect(mostPostsUnderWay).toBe(50);
});

test('a delivery reads the current connections after it has left its mark', async () => {
  const looks: object[] = [];
  const { find } = directory;
  directory.find = async (address, options) => {
    looks.push({ consistent: options.consistent, ...(await states.read(BOB)) });
    return find(address, options);
  };
  await runTasks(event(deliver(61)));
  expect(looks).toEqual([{ consistent: true, late: { serial: serialFloor(NOW - 61_000), markedAt: NOW } }]);
});

test('closes two connections at a time: all of them would reconnect at once', async () => {
  let underWay = 0;
  let mostUnderWay = 0;
  onClose = async () => {
    underWay += 1;
    mostUnderWay = Math.max(mostUnderWay, underWay);
    await new Promise(setImmediate);
    underWay -= 1;
  };
  await runTasks(event(...Array.from({ length: 10 }, () => ({ kind: 'close' as const, ...target }))));
  expect(closed).toHaveLength(10);
  expect(mostUnderWay).toBe(2);
});

test('a delivery later than half the overlap widens the resumes that would look behind it', async () => {
  await runTasks(event(deliver(59)));
  expect(await states.read(BOB)).toEqual({});
  await runTasks(event(deliver(61)));
  expect(await states.read(BOB)).toEqual({ late: { serial: serialFloor(NOW - 61_000), markedAt: NOW } });
});

test('presence is checked, and the check knows whether it is a retry', async () => {
  const check = { kind: 'presence', address: BOB, userId: 'bob' } as const;
  const sweep = { kind: 'sweep', address: BOB, due: NOW } as const;
  await runTasks(event(check, check, sweep));
  expect(checked).toEqual([[check, false], [check, true], [sweep]]);
});

test('a range of watchers is told', async () => {
  const topic = presenceAddress(BOB);
  await connect(topic, 'a1', 'b1', 'b2');
  await connect(BOB, 'b3');
  const frame = { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: NOW }] } as const;
  await runTasks(event({ kind: 'announce', topic, frame, range: { first: 'b', last: 'c' } }));
  expect(posted.toSorted()).toEqual(['b1', 'b2']);
});
