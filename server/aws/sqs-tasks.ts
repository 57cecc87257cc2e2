import { SendMessageBatchCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { Task, Tasks } from '../tasks.ts';

/**
 * What one batch may hold.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (read 2026-11)
 */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1024 * 1024;

/** Tasks in an SQS queue. */
export function createSqsTasks({ client, queueUrl }: { client: SQSClient; queueUrl: string }): Tasks {
  async function addBatch(bodies: readonly string[]): Promise<void> {
    const Entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
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

function toBatches(tasks: readonly Task[]): readonly string[][] {
  const batches: string[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const body = JSON.stringify(task);
    const bodyBytes = Buffer.byteLength(body);
    if (bytes + bodyBytes > MAX_BATCH_BYTES || batches.at(-1)?.length === MAX_BATCH_ENTRIES) {
      batches.push([]);
      bytes = 0;
    }
    batches.at(-1)?.push(body);
    bytes += bodyBytes;
  }
  return batches;
}
