import type { Now } from '../clock.ts';
import { mapConcurrently } from '../concurrency.ts';
import { describeError, type FunctionName, type Logger, type LogLine } from '../logger.ts';
import type { Task } from '../tasks.ts';

/** The part of an SQS event that the functions of the queues read. */
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

/**
 * Makes the handler of a queue. SQS hands a failed task out again, and moves it to the dead-letter queue in the end; the
 * others are not affected.
 * @param run runs one task; returns more for the log line
 */
export function runRecords<Context extends readonly unknown[]>(
  edge: {
    readonly route: FunctionName;
    /** Tasks of one event that run at once. */
    readonly atOnce: number;
    readonly log: Logger;
    readonly now: Now;
  },
  run: (task: Task, isRetry: boolean, ...context: Context) => Promise<Pick<LogLine, 'reason' | 'metrics'>>,
): (event: TaskEvent, ...context: Context) => Promise<TaskResponse> {
  const { route, atOnce, log, now } = edge;
  return async ({ Records }, ...context) => {
    const failures = await mapConcurrently(Records, atOnce, async ({ messageId, body, attributes }) => {
      const startedAt = now();
      try {
        const line = await run(JSON.parse(body), Number(attributes.ApproximateReceiveCount) > 1, ...context);
        log({ route, outcome: 'ok', requestId: messageId, durationMs: now() - startedAt, ...line });
        return [];
      } catch (error) {
        log({
          route,
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
