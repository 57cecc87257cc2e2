import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import type { Task, Tasks } from '../tasks.ts';

/**
 * What one batch may hold.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (read 2026-11)
 */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1024 * 1024;

/** Tasks in an SQS queue. */
export function createSqsTasks({ client, queueUrl }: { client: SQSClient; queueUrl: string }): Tasks {
  async function addBatch(entries: readonly Entry[]): Promise<void> {
    const Entries = entries.map((entry, index) => ({ Id: String(index), ...entry }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    const [failure] = Failed;
    if (failure) throw new Error(`The queue refused a task: ${failure.Code} ${failure.Message ?? ''}`);
  }

  return {
    async add(tasks) {
      await Promise.all(toBatches(tasks).map(addBatch));
    },
  };
}

type Entry = Pick<SendMessageBatchRequestEntry, 'MessageBody' | 'DelaySeconds'>;

function toBatches(tasks: readonly Task[]): readonly Entry[][] {
  const batches: Entry[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const MessageBody = JSON.stringify(task);
    const bodyBytes = Buffer.byteLength(MessageBody);
    if (bytes + bodyBytes > MAX_BATCH_BYTES || batches.at(-1)?.length === MAX_BATCH_ENTRIES) {
      batches.push([]);
      bytes = 0;
    }
    const DelaySeconds = 'delaySeconds' in task ? task.delaySeconds : undefined;
    batches.at(-1)?.push({ MessageBody, ...(DelaySeconds !== undefined && { DelaySeconds }) });
    bytes += bodyBytes;
  }
  return batches;
}
