import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { HANDLER_TIMEOUT, type Handler } from './handler.ts';

/** The queue of tasks for `work`, with the one beside it where those end that could not be done. */
export class TaskQueue extends Queue {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, encryptionKey?: IKey) {
    const common = {
      enforceSSL: true,
      ...(encryptionKey
        ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
        : { encryption: QueueEncryption.SQS_MANAGED }),
    };
    const deadLetters = new Queue(scope, 'DeadLetters', { ...common, retentionPeriod: Duration.days(14) });
    super(scope, id, {
      ...common,
      // AWS's advice: six times the function's timeout.
      visibilityTimeout: Duration.seconds(HANDLER_TIMEOUT.toSeconds() * 6),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
    });
    this.deadLetters = deadLetters;
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
