import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  type CreateAlarmOptions,
  type IMetric,
  MathExpression,
  type Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { MetricName } from '../server/config.ts';
import type { Handler } from './handler.ts';
import type { TaskQueue } from './task-queue.ts';

export interface AlarmsProps {
  readonly handlers: readonly Handler[];
  readonly tasks: TaskQueue;
  readonly deliveries: TaskQueue;
  /** The queue that Lambda puts failed asynchronous invocations of `send` into. */
  readonly failedSends: IQueue;
  /** Returns one of Beckon's metrics. */
  readonly metric: (name: MetricName) => Metric;
}

/** The share of posts that may fail within five minutes before the alarm goes off, in percent. */
const FAILED_POSTS_PERCENT = 5;

/** The number of failed posts within five minutes below which the alarm stays quiet: one slow client is no alarm. */
const FAILED_POSTS = 20;

/** The age of a task, in seconds, at which the alarm goes off. A task may be due after 15 minutes. */
const OLDEST_TASK_SECONDS = 20 * 60;

/** The age of a delivery, in seconds, at which the alarm goes off. */
const OLDEST_DELIVERY_SECONDS = 60;

type Quiet = Pick<CreateAlarmOptions, 'threshold' | 'alarmDescription'>;

/** Alarms on events that do not happen in a healthy installation. They notify nobody until the app adds actions to them. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, { handlers, tasks, deliveries, failedSends, metric }: AlarmsProps) {
    super(scope, id);
    this.all = [
      this.#add('DeadLetters', waitingIn(tasks.deadLetters), {
        alarmDescription: 'Beckon gave up on tasks. Read the log of "tasks", then send the tasks back to their queue.',
      }),
      this.#add('DeadDeliveries', waitingIn(deliveries.deadLetters), {
        alarmDescription:
          'Beckon gave up on deliveries to large rooms. Read the log of "deliver", then send them back to their queue.',
      }),
      this.#add('TasksWait', oldestIn(tasks), {
        alarmDescription:
          'Tasks wait long: presence is out of date, or messages are not found yet. Look for throttling or errors of "tasks".',
        threshold: OLDEST_TASK_SECONDS,
      }),
      this.#add('DeliveriesWait', oldestIn(deliveries), {
        alarmDescription:
          'Messages to large rooms are late. If the metric PostsThrottled is above 0, raise the quota of API Gateway; otherwise raise deliveryPostsPerSecond, or look for throttling or errors of "deliver".',
        threshold: OLDEST_DELIVERY_SECONDS,
      }),
      this.#add('FailedSends', waitingIn(failedSends), {
        alarmDescription:
          'Asynchronous invocations of "send" failed. The records in the queue contain the reason and the message.',
      }),
      this.#add('Errors', metric('Errors'), {
        alarmDescription: 'Beckon answered with an internal error. Search the logs of its functions for "error".',
      }),
      this.#add('FailedPosts', failedPosts(metric), {
        alarmDescription: `At least ${FAILED_POSTS_PERCENT} % of Beckon's posts fail. Beckon closes their connections, and the clients reconnect.`,
        threshold: FAILED_POSTS_PERCENT,
      }),
      ...handlers.map((handler) =>
        this.#add(handler.node.id, failures(handler), {
          alarmDescription: `Beckon's function "${handler.node.id}" fails or times out, or Lambda throttles it.`,
        }),
      ),
    ];
  }

  #add(id: string, metric: IMetric & Pick<Metric, 'createAlarm'>, quiet: Partial<Quiet>): Alarm {
    return metric.createAlarm(this, id, {
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...quiet,
    });
  }
}

function waitingIn(queue: IQueue): Metric {
  return queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) });
}

function oldestIn(queue: IQueue): Metric {
  return queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1) });
}

/** Lambda counts each refusal by `authorize` as an error. The metric `Errors` counts the real ones. */
function failures(handler: Handler): MathExpression | Metric {
  const throttles = handler.metricThrottles();
  if (handler.node.id === 'authorize') return throttles;
  return new MathExpression({
    expression: 'FILL(errors, 0) + FILL(throttles, 0)',
    usingMetrics: { errors: handler.metricErrors(), throttles },
  });
}

/** The share of posts that fail, in percent; 0 while few fail. */
function failedPosts(metric: AlarmsProps['metric']): MathExpression {
  return new MathExpression({
    expression: `IF(failed >= ${FAILED_POSTS}, 100 * failed / (failed + FILL(sent, 0)), 0)`,
    usingMetrics: { failed: metric('PostsFailed'), sent: metric('MessagesSent') },
  });
}
