import { beforeEach, expect, test } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import { createTaskRunner } from '../../../../server/edge/run-tasks.ts';
import type { PresenceChecks } from '../../../../server/presence/presence.ts';
import type { Poster, PostOutcome } from '../../../../server/sending/posting.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const target = { connectionId: 'b1', callbackUrl: 'https://api.example/prod' };

let closing: PostOutcome;
let closed: string[];
let onClose: () => Promise<void>;
let checked: unknown[];
let queued: Task[];
let runTasks: ReturnType<typeof createTaskRunner>;

beforeEach(() => {
  closing = 'sent';
  closed = [];
  onClose = async () => undefined;
  checked = [];
  queued = [];
  const poster: Poster = {
    post: () => Promise.reject(new Error('not a matter of these tasks')),
    async close({ connectionId }) {
      closed.push(connectionId);
      await onClose();
      return closing;
    },
  };
  const presence: PresenceChecks = {
    check: async (task, isRetry) => {
      checked.push([task, isRetry]);
    },
    sweep: async (task) => {
      checked.push([task]);
    },
  };
  const tasks = { add: async (added: readonly Task[]) => void queued.push(...added) };
  const directory = createMemoryDirectory(() => NOW);
  runTasks = createTaskRunner({ directory, presence, poster, tasks, log: () => undefined, now: () => NOW });
});

const event = (...tasks: (Task | string)[]) => ({
  Records: tasks.map((task, index) => ({
    messageId: `t${index}`,
    attributes: { ApproximateReceiveCount: String(index + 1) },
    body: typeof task === 'string' ? task : JSON.stringify(task),
  })),
});

test('closes connections; one that is gone is closed', async () => {
  closing = 'gone';
  expect(await runTasks(event({ kind: 'close', ...target }))).toEqual({ batchItemFailures: [] });
  expect(closed).toEqual(['b1']);
});

test('a task that fails comes back, and does not hold up others', async () => {
  closing = 'failed';
  const check = { kind: 'presence', address: BOB, userId: 'bob' } as const;
  expect(await runTasks(event({ kind: 'close', ...target }, 'not a task', check))).toEqual({
    batchItemFailures: [{ itemIdentifier: 't0' }, { itemIdentifier: 't1' }],
  });
  expect(checked).toHaveLength(1);
});

test('passes a delivery that an older release has queued on to its own queue', async () => {
  const range = { first: '-', last: '2' };
  const message = { id: 'm1', serial: '0'.repeat(26), from: { user: 'a' }, to: { user: 'bob' }, data: 0, sentAt: 0 };
  const task: Task = { kind: 'deliver', address: BOB, messages: [message], range };
  expect(await runTasks(event(task))).toEqual({ batchItemFailures: [] });
  expect(queued).toEqual([task]);
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

test('presence is checked, and the check knows whether it is a retry', async () => {
  const check = { kind: 'presence', address: BOB, userId: 'bob' } as const;
  const sweep = { kind: 'sweep', address: BOB, due: NOW } as const;
  await runTasks(event(check, check, sweep));
  expect(checked).toEqual([[check, false], [check, true], [sweep]]);
});
