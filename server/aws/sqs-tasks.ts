import { SendMessageBatchCommand, type SendMessageBatchRequestEntry, type SQSClient } from '@aws-sdk/client-sqs';
import { isDelivery, type Task, type Tasks } from '../tasks.ts';

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

/** Tasks in SQS queues: one for those of `deliver`, one for all others. */
export function createSqsTasks({
  client,
  queueUrl,
  deliveriesQueueUrl = queueUrl,
}: {
  client: SQSClient;
  queueUrl: string;
  /** @default `queueUrl`: `tasks` passes deliveries on */
  deliveriesQueueUrl?: string | undefined;
}): Tasks {
  async function addBatch(QueueUrl: string, entries: readonly BatchEntry[]): Promise<void> {
    const Entries = entries.map((entry, index) => ({ Id: String(index), ...entry }));
    const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    const [failure] = Failed;
    if (failure) throw new Error(`The queue refused a task: ${failure.Code} ${failure.Message ?? ''}`);
  }

  return {
    async add(tasks) {
      // Waits for all of them: Lambda freezes what a handler leaves under way.
      const byQueue = [
        [deliveriesQueueUrl, tasks.filter(isDelivery)],
        [queueUrl, tasks.filter((task) => !isDelivery(task))],
      ] as const;
      const added = await Promise.allSettled(
        byQueue.flatMap(([url, ofQueue]) => toBatches(ofQueue).map((batch) => addBatch(url, batch))),
      );
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
