import { Duration } from 'aws-cdk-lib';
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { HANDLER_TIMEOUT, type Handler } from './handler.ts';

const QUEUE = { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true };

/** The queue of tasks for `work`, with the one beside it where those end that could not be done. */
export class TaskQueue extends Queue {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string) {
    const deadLetters = new Queue(scope, 'DeadLetters', { ...QUEUE, retentionPeriod: Duration.days(14) });
    super(scope, id, {
      ...QUEUE,
      // AWS's advice: six times the function's timeout.
      visibilityTimeout: Duration.seconds(HANDLER_TIMEOUT.toSeconds() * 6),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
    });
    this.deadLetters = deadLetters;
    deadLetters
      .metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) })
      .createAlarm(scope, 'DeadLettersAlarm', {
        alarmDescription:
          'Tasks of Beckon could not be done. Look at the log of "work", then send them back to their queue.',
        threshold: 1,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
  }

  /** Has `worker` do the tasks, a few batches at a time. It needs the permission to poll. */
  addWorker(worker: Handler): void {
    worker.addEventSourceMapping('Tasks', {
      eventSourceArn: this.queueArn,
      batchSize: 10,
      reportBatchItemFailures: true,
      maxConcurrency: 10,
    });
  }
}
