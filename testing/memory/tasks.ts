import type { TaskEvent, TaskResponse } from '../../server/edge/run-records.ts';
import { isDelivery, type Task, type Tasks } from '../../server/tasks.ts';
import type { Timers } from '../runtime.ts';

/** A queue in memory. Each task runs once, in an invocation of its own. */
export interface MemoryTasks extends Tasks {
  /** Runs the tasks from now on. */
  start(runners: Runners): void;
}

type Run = (event: TaskEvent) => Promise<TaskResponse>;

interface Runners {
  readonly deliver: Run;
  readonly tasks: Run;
}

/** Tasks without a delay run at once, without a timer. */
export function createMemoryTasks({ setTimer }: Pick<Timers, 'setTimer'>): MemoryTasks {
  let runners: Runners | undefined;
  let added = 0;
  // As a queue does: what runs is a copy.
  const invoke = (queue: keyof Runners, body: string) => {
    added += 1;
    const attributes = { ApproximateReceiveCount: '1' };
    // The runner logs a task that fails, and the logger of a test server throws.
    void runners?.[queue]({ Records: [{ messageId: `task-${added}`, body, attributes }] });
  };
  return {
    start(all) {
      runners = all;
    },
    async add(tasks) {
      for (const task of tasks) {
        const body = JSON.stringify(task);
        const queue = isDelivery(task) ? 'deliver' : 'tasks';
        const delaySeconds = delayOf(task);
        if (delaySeconds > 0) setTimer(delaySeconds * 1000, () => invoke(queue, body));
        else void Promise.resolve().then(() => invoke(queue, body));
      }
    },
  };
}

function delayOf(task: Task): number {
  return 'delaySeconds' in task ? (task.delaySeconds ?? 0) : 0;
}
