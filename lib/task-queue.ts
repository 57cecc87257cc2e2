import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { DestinationConfig, IDestination } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acceptFinding } from './accept-finding.ts';
import { HANDLER_TIMEOUT, type Handler } from './handler.ts';

/** The properties that all queues of Beckon share. */
function queueProps(encryptionKey: IKey | undefined): QueueProps {
  return {
    enforceSSL: true,
    ...(encryptionKey
      ? { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }
      : { encryption: QueueEncryption.SQS_MANAGED }),
  };
}

/** The longest retention that SQS has: a person has to look at these messages. */
const LONGEST_RETENTION = Duration.days(14);

/** The queue that gets Lambda's records of asynchronous invocations that failed in each attempt. */
export class FailedInvocations extends Queue implements IDestination {
  constructor(scope: Construct, id: string, encryptionKey?: IKey) {
    super(scope, id, { ...queueProps(encryptionKey), retentionPeriod: LONGEST_RETENTION });
    acceptFinding(this.node.findChild('Resource'), {
      rule: 'AwsSolutions-SQS3',
      reason: 'Failures end here. Nothing takes messages from the queue.',
    });
  }

  /**
   * Grants nothing: the CDK's own destination adds permissions that nothing uses. Allow the function to send to the queue.
   */
  bind(): DestinationConfig {
    return { destination: this.queueArn };
  }
}

export interface TaskQueueProps {
  /** The id of the dead-letter queue in the queue's scope. */
  readonly deadLettersId: string;
  readonly encryptionKey: IKey | undefined;
}

/** How a function takes tasks from its queue. */
export interface WorkerOptions {
  /** Tasks of one invocation. */
  readonly batchSize: number;
  /** Invocations at once, from 2 to 1,000. */
  readonly maxConcurrency: number;
}

/** A queue of tasks for one function, with a dead-letter queue. */
export class TaskQueue extends Queue {
  readonly deadLetters: Queue;

  constructor(scope: Construct, id: string, { deadLettersId, encryptionKey }: TaskQueueProps) {
    const common = queueProps(encryptionKey);
    const deadLetters = new Queue(scope, deadLettersId, { ...common, retentionPeriod: LONGEST_RETENTION });
    super(scope, id, {
      ...common,
      // AWS recommends six times the function's timeout.
      visibilityTimeout: Duration.seconds(HANDLER_TIMEOUT.toSeconds() * 6),
      deadLetterQueue: { queue: deadLetters, maxReceiveCount: 5 },
    });
    this.deadLetters = deadLetters;
  }

  /** Makes `worker` process the tasks. Allow it to poll the queue. */
  addWorker(worker: Handler, options: WorkerOptions): void {
    worker.addEventSourceMapping(this.node.id, {
      eventSourceArn: this.queueArn,
      reportBatchItemFailures: true,
      ...options,
    });
  }
}
