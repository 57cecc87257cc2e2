import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { DestinationConfig, IDestination } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acceptFinding } from './accept-finding.ts';
import { HANDLER_TIMEOUT, type Handler } from './handler.ts';

/** How Beckon's queues are kept. */
function queueProps(encryptionKey: IKey | undefined): QueueProps {
  return {
    enforceSSL: true,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
  };
}

/** As long as SQS keeps anything: what is in the queue has to be looked at. */
const LONGEST_RETENTION = Duration.days(14);

/** Where the asynchronous invocations of a function end that failed in each attempt: Lambda's records of them. */
export class FailedInvocations extends Queue implements IDestination {
  constructor(scope: Construct, id: string, encryptionKey?: IKey) {
    super(scope, id, { ...queueProps(encryptionKey), retentionPeriod: LONGEST_RETENTION });
    acceptFinding(this.node.findChild('Resource'), {
      rule: 'AwsSolutions-SQS3',
      reason: 'It is where failures end. Nothing takes messages from it.',
    });
  }

  /** The function needs the permission to send to it; the CDK's own destination would add some that nothing uses. */
  bind(): DestinationConfig {
    return { destination: this.queueArn };
  }
}

/** The queue of tasks for `tasks`, with the one beside it where those end that could not be done. */
export class TaskQueue extends Queue {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, encryptionKey?: IKey) {
    const common = queueProps(encryptionKey);
    const deadLetters = new Queue(scope, 'DeadLetters', { ...common, retentionPeriod: LONGEST_RETENTION });
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
