import type { TaskEvent, TaskResponse } from '../../server/edge/run-tasks.ts';
import type { Task, Tasks } from '../../server/tasks.ts';
import type { Timers } from '../runtime.ts';

/** A queue in memory. Each task runs once, in an invocation of its own. */
export interface MemoryTasks extends Tasks {
  /** Runs the tasks from now on. */
  start(run: (event: TaskEvent) => Promise<TaskResponse>): void;
}

/** Tasks without a delay run at once, without a timer. */
export function createMemoryTasks({ setTimer }: Pick<Timers, 'setTimer'>): MemoryTasks {
  let runner: ((event: TaskEvent) => Promise<TaskResponse>) | undefined;
  let added = 0;
  // As a queue does: what runs is a copy.
  const invoke = (body: string) => {
    added += 1;
    const attributes = { ApproximateReceiveCount: '1' };
    // The runner logs a task that fails, and the logger of a test server throws.
    void runner?.({ Records: [{ messageId: `task-${added}`, body, attributes }] });
  };
  return {
    start(run) {
      runner = run;
    },
    async add(tasks) {
      for (const task of tasks) {
        const body = JSON.stringify(task);
        const delaySeconds = delayOf(task);
        if (delaySeconds > 0) setTimer(delaySeconds * 1000, () => invoke(body));
        else void Promise.resolve().then(() => invoke(body));
      }
    },
  };
}

function delayOf(task: Task): number {
  return 'delaySeconds' in task ? (task.delaySeconds ?? 0) : 0;
}
