import type { Push } from '../../protocol/index.ts';
import { MAX_SOCKETS } from '../concurrency.ts';
import type { AddressStates } from '../connections/address-state.ts';
import type { Directory, Mapping } from '../connections/directory.ts';
import type { Logger } from '../logger.ts';
import { divide, MAX_PART_CONNECTIONS } from '../sending/fan-out.ts';
import type { PaceClock } from '../sending/paced.ts';
import { MAX_DELIVERY_AGE_MS, type Posting, toFrames } from '../sending/posting.ts';
import { serialTime } from '../serial.ts';
import { type DeliverTask, type DeliveryTask, isDelivery, type Tasks } from '../tasks.ts';
import { runRecords, type TaskEvent, type TaskResponse } from './run-records.ts';

export interface DeliveryRunnerDependencies {
  readonly directory: Directory;
  readonly posting: Posting;
  readonly states: AddressStates;
  readonly tasks: Tasks;
  /** How fast one invocation posts. */
  readonly postsPerSecond: number;
  readonly log: Logger;
  readonly clock: PaceClock;
}

/** What the runner reads of its Lambda context. */
export interface DeadlineContext {
  getRemainingTimeInMillis(): number;
}

/** No post begins so close to the deadline, in milliseconds: an attempt takes two seconds at most, and there may be three. */
const STOP_BEFORE_MS = 4_000;

/** So long before the deadline the runner hands on what is not done, in milliseconds. */
const LEAVE_BEFORE_MS = 1_500;

/**
 * The most tasks of one delivery that follow each other. Lambda stops a function that a chain of requests invokes for the
 * 17th time.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html (read 2026-11)
 */
export const MAX_HOPS = 12;

/**
 * The longest wait between two tasks of a throttled delivery, in seconds. The first waits for one second, and each for
 * twice as long. Two or three tasks may divide a room; the others wait for more than a minute together. So `deliver` cuts off
 * no connection in the first minute because the account is throttled.
 */
const LONGEST_WAIT_SECONDS = 15;

/**
 * Runs the tasks of `deliver`. Each posts to a part of an address's connections, or divides a larger range. An invocation
 * that runs out of time, or that the API throttles, queues a task for the connections that are left, and succeeds.
 */
export function createDeliveryRunner(
  dependencies: DeliveryRunnerDependencies,
): (event: TaskEvent, context: DeadlineContext) => Promise<TaskResponse> {
  const { directory, posting, states, tasks, postsPerSecond, log, clock } = dependencies;
  const { now, random } = clock;

  async function run(task: DeliveryTask, remainingMs: number) {
    const startedAt = now();
    if (task.kind === 'deliver') await markIfLate(task);
    const { range, only, hop = 0 } = task;
    const address = task.kind === 'deliver' ? task.address : task.topic;
    const mayDivide = only === undefined && hop < MAX_HOPS;
    const limit = mayDivide ? { limit: MAX_PART_CONNECTIONS + 1 } : {};
    const found = await directory.find(address, { consistent: true, range, ...limit });
    if (mayDivide && found.length > MAX_PART_CONNECTIONS) {
      const firstIds = found.slice(0, MAX_PART_CONNECTIONS).map(({ connectionId }) => connectionId);
      await tasks.add(divide(range, firstIds).map((part) => ({ ...task, range: part, hop: hop + 1 })));
      return { reason: 'divide' };
    }
    const deadline = startedAt + remainingMs;
    const pace = {
      postsPerSecond,
      atOnce: MAX_SOCKETS,
      stopAt: deadline - STOP_BEFORE_MS,
      leaveAt: deadline - LEAVE_BEFORE_MS,
    };
    const wanted = new Set(only ?? found.map(({ connectionId }) => connectionId));
    if (task.kind === 'deliver' && task.spared !== undefined) wanted.delete(task.spared);
    const targets = found.filter(({ connectionId }) => wanted.has(connectionId));
    const { left, throttled, error } = await posting.part(targets, frameOf(task), pace, clock);
    if (left.length > 0) await handOn(task, left, { throttled, error, isStuck: left.length === targets.length });
    return { reason: task.kind, ...(throttled > 0 && { metrics: { PostsThrottled: throttled } }) };
  }

  /** Queues what is left. A task that has got nowhere because of an error comes back itself, a few times. */
  async function handOn(
    task: DeliveryTask,
    left: readonly Mapping[],
    { throttled, error, isStuck }: { throttled: number; error: unknown; isStuck: boolean },
  ): Promise<void> {
    const { hop = 0 } = task;
    const isLast = hop >= MAX_HOPS;
    if (error !== undefined && (isStuck || isLast)) throw error;
    if (isLast && throttled > 0) return posting.cutOff(left);
    if (isLast) throw new Error('The part could not be delivered in time');
    const ids = left.map(({ connectionId }) => connectionId);
    const range = { first: ids[0] ?? '', last: ids.at(-1) ?? '' };
    const isHeldUp = throttled > 0 || error !== undefined;
    const waitSeconds = Math.min(2 ** hop, LONGEST_WAIT_SECONDS);
    const delaySeconds = isHeldUp ? Math.ceil(waitSeconds * (0.5 + random() / 2)) : 0;
    await tasks.add([{ ...task, range, only: ids, hop: hop + 1, delaySeconds }]);
  }

  /** A user who is not connected now resumes from a cursor, perhaps from one behind the message. */
  async function markIfLate({ address, messages: [first] }: DeliverTask): Promise<void> {
    if (first && serialTime(first.serial) < now() - MAX_DELIVERY_AGE_MS) await states.markLate(address, first.serial);
  }

  return runRecords({ route: 'deliver', atOnce: 1, log, now }, (task, _isRetry, context: DeadlineContext) => {
    if (!isDelivery(task)) throw new Error(`unknown task ${JSON.stringify(task.kind)}`);
    return run(task, context.getRemainingTimeInMillis());
  });
}

function frameOf(task: DeliveryTask): Push {
  if (task.kind === 'announce') return task.frame;
  const [frame, more] = toFrames(task.messages);
  if (!frame || more) throw new Error('The messages of a task do not fit one frame');
  return frame;
}
