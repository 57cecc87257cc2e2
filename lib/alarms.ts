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

export interface AlarmsProps {
  readonly handlers: readonly Handler[];
  readonly deadLetters: IQueue;
  /** Where asynchronous invocations of `send` end that failed. */
  readonly failedSends: IQueue;
  /** One of Beckon's metrics. */
  readonly metric: (name: MetricName) => Metric;
}

/** How many posts of five minutes may fail before it is an alarm, in percent of the messages delivered. */
const FAILED_POSTS_PERCENT = 5;

/** The least number of failed posts in five minutes that is an alarm: one slow client is none. */
const FAILED_POSTS = 20;

type Quiet = Pick<CreateAlarmOptions, 'threshold' | 'alarmDescription'>;

/** Alarms on what never happens while all is well. They tell nobody until actions are added to them. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, { handlers, deadLetters, failedSends, metric }: AlarmsProps) {
    super(scope, id);
    this.all = [
      this.#add('DeadLetters', waitingIn(deadLetters), {
        alarmDescription:
          'Tasks of Beckon could not be done. Look at the log of "tasks", then send them back to their queue.',
      }),
      this.#add('FailedSends', waitingIn(failedSends), {
        alarmDescription:
          'Asynchronous invocations of "send" failed. The records in the queue say why, and what was to be sent.',
      }),
      this.#add('Errors', metric('Errors'), {
        alarmDescription: 'Beckon answered with an internal error. Look for "error" in the logs of its functions.',
      }),
      this.#add('FailedPosts', failedPosts(metric), {
        alarmDescription: `At least ${FAILED_POSTS_PERCENT} % of Beckon's posts fail: their connections are closed, and come back.`,
        threshold: FAILED_POSTS_PERCENT,
      }),
      ...handlers.map((handler) =>
        this.#add(handler.node.id, failures(handler), {
          alarmDescription: `Beckon's function "${handler.node.id}" fails, takes too long, or is throttled by Lambda.`,
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

/** A refusal by `authorize` is an error for Lambda; its real ones are counted in `Errors`. */
function failures(handler: Handler): MathExpression | Metric {
  const throttles = handler.metricThrottles();
  if (handler.node.id === 'authorize') return throttles;
  return new MathExpression({
    expression: 'FILL(errors, 0) + FILL(throttles, 0)',
    usingMetrics: { errors: handler.metricErrors(), throttles },
  });
}

/** In percent of the messages; 0 while there are few. */
function failedPosts(metric: AlarmsProps['metric']): MathExpression {
  return new MathExpression({
    expression: `IF(failed >= ${FAILED_POSTS}, 100 * failed / (failed + FILL(delivered, 0)), 0)`,
    usingMetrics: { failed: metric('PostsFailed'), delivered: metric('MessagesDelivered') },
  });
}
