import type { SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { createSqsTasks } from '../../../../server/aws/sqs-tasks.ts';
import type { Task } from '../../../../server/tasks.ts';

/** A queue that refuses the messages whose text contains `refused`, and the batches that it was sent. */
function createQueue(refused?: string) {
  const batches: string[][] = [];
  const client = {
    async send({ input: { Entries = [] } }: SendMessageBatchCommand) {
      batches.push(Entries.map(({ MessageBody = '' }) => MessageBody));
      const failed = Entries.filter(({ MessageBody }) => refused !== undefined && MessageBody?.includes(refused));
      return { Failed: failed.map(({ Id }) => ({ Id, Code: 'InternalError', SenderFault: false })) };
    },
  } as unknown as SQSClient;
  return { tasks: createSqsTasks({ client, queueUrl: 'https://queue' }), batches };
}

const close = (connectionId: string): Task => ({ kind: 'close', connectionId, callbackUrl: 'https://api' });

test('tasks go into batches of ten, each of them once', async () => {
  const { tasks, batches } = createQueue();
  const all = Array.from({ length: 25 }, (_, index) => close(`c${index}`));
  await tasks.add(all);
  expect(batches.map(({ length }) => length)).toEqual([10, 10, 5]);
  expect(batches.flat().map((body) => JSON.parse(body))).toEqual(all);
});

test('a batch has at most a mebibyte', async () => {
  const { tasks, batches } = createQueue();
  await tasks.add(Array.from({ length: 10 }, () => close('x'.repeat(300 * 1024))));
  expect(batches.map(({ length }) => length)).toEqual([3, 3, 3, 1]);
});

test('a task that the queue refuses is not taken for added', async () => {
  const { tasks } = createQueue('c13');
  const all = Array.from({ length: 25 }, (_, index) => close(`c${index}`));
  await expect(tasks.add(all)).rejects.toThrow('The queue refused a task: InternalError');
});
