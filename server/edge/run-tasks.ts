import { userAddress } from '../address.ts';
import type { Now } from '../clock.ts';
import type { Directory } from '../connections/directory.ts';
import { createDisconnect } from '../connections/disconnect.ts';
import type { Logger } from '../logger.ts';
import type { PresenceChecks } from '../presence/presence.ts';
import type { IndexMessages } from '../search/indexing.ts';
import { isClosed, type Poster } from '../sending/posting.ts';
import type { CloseTask, DisconnectTask, Task, Tasks } from '../tasks.ts';
import { runRecords, type TaskEvent, type TaskResponse } from './run-records.ts';

export interface TaskRunnerDependencies {
  readonly directory: Directory;
  readonly presence: PresenceChecks;
  readonly poster: Poster;
  readonly tasks: Tasks;
  /** Absent: search is switched off, and tasks that were queued before are dropped. */
  readonly indexMessages?: IndexMessages | undefined;
  readonly log: Logger;
  readonly now: Now;
}

/** Tasks that run at once. Few, because connections that are closed at once reconnect at once. */
const MAX_CONCURRENT_TASKS = 2;

/** Runs all tasks but those of `deliver`. */
export function createTaskRunner(dependencies: TaskRunnerDependencies): (event: TaskEvent) => Promise<TaskResponse> {
  const { directory, presence, poster, tasks, indexMessages, log, now } = dependencies;
  const disconnect = createDisconnect({ directory, poster });

  async function doTask(task: Task, isRetry: boolean): Promise<void> {
    switch (task.kind) {
      case 'deliver':
      case 'announce':
        // A sender of an older release has queued it here.
        return tasks.add([task]);
      case 'presence':
        return presence.check(task, isRetry);
      case 'sweep':
        return presence.sweep(task);
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

  return runRecords({ route: 'tasks', atOnce: MAX_CONCURRENT_TASKS, log, now }, async (task, isRetry) => {
    await doTask(task, isRetry);
    return { reason: task.kind };
  });
}
