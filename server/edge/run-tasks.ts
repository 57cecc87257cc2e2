import { userAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { AddressStates } from '../connections/address-state.ts';
import type { Directory } from '../connections/directory.ts';
import { createDisconnect } from '../connections/disconnect.ts';
import { describeError, type Logger } from '../logger.ts';
import type { PresenceChecks } from '../presence/presence.ts';
import type { IndexMessages } from '../search/indexing.ts';
import { isClosed, MAX_DELIVERY_AGE_MS, type Poster, type Posting } from '../sending/posting.ts';
import { serialTime } from '../serial.ts';
import type { AnnounceTask, CloseTask, DeliverTask, DisconnectTask, Task } from '../tasks.ts';

/** The part of an SQS event that the task runner reads. */
export interface TaskEvent {
  readonly Records: readonly {
    readonly messageId: string;
    readonly body: string;
    /** How often SQS has handed out the task, as text; the first time it is 1. */
    readonly attributes: { readonly ApproximateReceiveCount: string };
  }[];
}

/** The tasks that SQS must hand out again. */
export interface TaskResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export interface TaskRunnerDependencies {
  readonly directory: Directory;
  readonly posting: Posting;
  readonly states: AddressStates;
  readonly presence: PresenceChecks;
  readonly poster: Poster;
  /** Absent: search is switched off, and tasks that were queued before are dropped. */
  readonly indexMessages?: IndexMessages | undefined;
  readonly log: Logger;
  readonly now: Now;
}

/** Tasks that run at once. Few, because connections that are closed at once reconnect at once. */
const MAX_CONCURRENT_TASKS = 2;

/**
 * Runs tasks. SQS hands a failed task out again, and moves it to the dead-letter queue in the end; the others are not
 * affected.
 */
export function createTaskRunner(dependencies: TaskRunnerDependencies): (event: TaskEvent) => Promise<TaskResponse> {
  const { directory, posting, states, presence, poster, indexMessages, log, now } = dependencies;
  const disconnect = createDisconnect({ directory, poster });

  async function doTask(task: Task, isRetry: boolean): Promise<void> {
    switch (task.kind) {
      case 'deliver':
        return deliver(task);
      case 'presence':
        return presence.check(task, isRetry);
      case 'sweep':
        return presence.sweep(task);
      case 'announce':
        return announce(task);
      case 'index':
        return indexMessages?.(task.messages);
      case 'disconnect':
        return leave(task);
      case 'close':
        return close(task);
      default:
        throw new Error(`unknown task ${JSON.stringify((task satisfies never as Task).kind)}`);
    }
  }

  async function close(task: CloseTask): Promise<void> {
    if (!isClosed(await poster.close(task))) throw new Error('The connection could not be closed');
  }

  async function leave({ bye, unlessLive = false, ...connection }: DisconnectTask): Promise<void> {
    const { connectionId, userId } = connection;
    const range = { first: connectionId, last: connectionId };
    const live = unlessLive ? await directory.find(userAddress(userId), { consistent: true, range }) : [];
    if (live.length === 0) await disconnect(connection, bye);
  }

  async function announce({ topic, frame, range }: AnnounceTask): Promise<void> {
    await posting.announce(await directory.find(topic, { consistent: true, range }), frame, { isPart: true });
  }

  async function deliver({ address, messages, range, spared }: DeliverTask): Promise<void> {
    // A user who is not connected now resumes from a cursor, perhaps from one behind the message.
    const [first] = messages;
    if (first && serialTime(first.serial) < now() - MAX_DELIVERY_AGE_MS) await states.markLate(address, first.serial);
    const targets = await directory.find(address, { consistent: true, range });
    await posting.deliver(targets, messages, { spared, isPart: true });
  }

  return async ({ Records }) => {
    const failures = await mapConcurrently(Records, MAX_CONCURRENT_TASKS, async ({ messageId, body, attributes }) => {
      const startedAt = now();
      try {
        const task: Task = JSON.parse(body);
        await doTask(task, Number(attributes.ApproximateReceiveCount) > 1);
        log({ route: 'tasks', outcome: 'ok', reason: task.kind, requestId: messageId, durationMs: now() - startedAt });
        return [];
      } catch (error) {
        log({
          route: 'tasks',
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
