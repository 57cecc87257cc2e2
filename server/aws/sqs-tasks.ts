import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import type { Task, Tasks } from '../tasks.ts';

/**
 * The limits of one batch.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html (read 2026-11)
 */
const MAX_BATCH_ENTRIES = 10;
const MAX_BATCH_BYTES = 1024 * 1024;

/**
 * The characters that SQS refuses and that `JSON.stringify` does not escape. It escapes the others itself: control
 * characters and lone surrogates.
 * @see https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html (read 2026-11)
 */
const REFUSED_CHARACTERS = /[\uFFFE\uFFFF]/g;

/** Tasks in an SQS queue. */
export function createSqsTasks({ client, queueUrl }: { client: SQSClient; queueUrl: string }): Tasks {
  async function addBatch(entries: readonly BatchEntry[]): Promise<void> {
    const Entries = entries.map((entry, index) => ({ Id: String(index), ...entry }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl: queueUrl, Entries }));
    const [failure] = Failed;
    if (failure) throw new Error(`The queue refused a task: ${failure.Code} ${failure.Message ?? ''}`);
  }

  return {
    async add(tasks) {
      // Waits for all of them: Lambda freezes what a handler leaves under way.
      const added = await Promise.allSettled(toBatches(tasks).map(addBatch));
      const refused = added.find((outcome) => outcome.status === 'rejected');
      if (refused) throw refused.reason;
    },
  };
}

type BatchEntry = Pick<SendMessageBatchRequestEntry, 'MessageBody' | 'DelaySeconds'>;

function toBatches(tasks: readonly Task[]): readonly BatchEntry[][] {
  const batches: BatchEntry[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    const MessageBody = toBody(task);
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

/** The task as JSON that SQS accepts, whatever a client has sent. */
function toBody(task: Task): string {
  return JSON.stringify(task).replace(REFUSED_CHARACTERS, (character) =>
    character === '\uFFFE' ? '\\uFFFE' : '\\uFFFF',
  );
}
