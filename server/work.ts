import { userAddress } from './address.ts';
import type { AddressStates } from './address-state.ts';
import type { Now } from './clock.ts';
import { mapConcurrently } from './concurrency.ts';
import { type Delivery, MAX_DELIVERY_AGE_MS, type Poster } from './delivery.ts';
import type { Directory } from './directory.ts';
import { createDisconnect } from './disconnect.ts';
import type { IndexMessages } from './indexing.ts';
import { describeError, type Logger } from './logger.ts';
import { serialTime } from './serial.ts';
import type { DeliverTask, DisconnectTask, Task } from './tasks.ts';

/** The part of an SQS event that `work` reads. */
export interface TaskEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/** The tasks that must be done again. */
export interface TaskResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface WorkDependencies {
  readonly directory: Directory;
  readonly delivery: Delivery;
  readonly states: AddressStates;
  readonly poster: Poster;
  /** Absent: search is switched off, and what was queued before that is let go. */
  readonly indexMessages?: IndexMessages | undefined;
  readonly log: Logger;
  readonly now: Now;
}

/** Tasks done at once: few, because closing many connections at once would bring them all back at once. */
const MAX_CONCURRENT_TASKS = 2;

/** Does tasks. One that fails comes back, and in the end goes to the dead-letter queue; the others are not affected. */
export function createWork(dependencies: WorkDependencies): (event: TaskEvent) => Promise<TaskResponse> {
  const { directory, delivery, states, poster, indexMessages, log, now } = dependencies;
  const disconnect = createDisconnect({ directory, poster });

  async function doTask(task: Task): Promise<void> {
    if (task.kind === 'deliver') return deliver(task);
    if (task.kind === 'disconnect') return leave(task);
    if (task.kind === 'index') return indexMessages?.(task.messages);
    // A connection that is gone is as closed as one can be.
    if ((await poster.close(task)) === 'failed') throw new Error('The connection could not be closed');
  }

  async function leave({ bye, unlessLive = false, ...connection }: DisconnectTask): Promise<void> {
    const { connectionId, userId } = connection;
    const range = { first: connectionId, last: connectionId };
    const live = unlessLive ? await directory.find(userAddress(userId), { consistent: true, range }) : [];
    if (live.length === 0) await disconnect(connection, bye);
  }

  async function deliver({ address, messages, range, spared }: DeliverTask): Promise<void> {
    // Whoever is not connected now, and has a cursor from before, would look behind it when they resume.
    const [first] = messages;
    if (first && serialTime(first.serial) < now() - MAX_DELIVERY_AGE_MS) await states.markLate(address, first.serial);
    const targets = await directory.find(address, { consistent: true, range });
    await delivery.deliver(targets, messages, spared);
  }

  return async ({ Records }) => {
    const failures = await mapConcurrently(Records, MAX_CONCURRENT_TASKS, async ({ messageId, body }) => {
      const startedAt = now();
      try {
        const task: Task = JSON.parse(body);
        await doTask(task);
        log({ route: 'work', outcome: 'ok', reason: task.kind, requestId: messageId, durationMs: now() - startedAt });
        return [];
      } catch (error) {
        log({
          route: 'work',
          outcome: 'failed',
          requestId: messageId,
          error: describeError(error),
          metrics: { TasksFailed: 1 },
        });
        return [{ itemIdentifier: messageId }];
      }
    });
    return { batchItemFailures: failures.flat() };
  };
}
