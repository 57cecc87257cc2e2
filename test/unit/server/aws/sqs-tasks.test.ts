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

test('deliveries go to a queue of their own, if there is one', async () => {
  const urls: unknown[] = [];
  const client = {
    async send({ input: { QueueUrl, Entries = [] } }: SendMessageBatchCommand) {
      urls.push([QueueUrl, Entries.length]);
      return {};
    },
  } as unknown as SQSClient;
  const range = { first: ' ', last: '~' };
  const deliver: Task = { kind: 'deliver', address: 'user#bob', messages: [], range };
  await createSqsTasks({ client, queueUrl: 'tasks', deliveriesQueueUrl: 'deliveries' }).add([close('c1'), deliver]);
  await createSqsTasks({ client, queueUrl: 'tasks' }).add([deliver]);
  expect(urls).toEqual([
    ['deliveries', 1],
    ['tasks', 1],
    ['tasks', 1],
  ]);
});

/** What SQS takes: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html */
const ACCEPTED = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]+$/u;

test('every character is carried in a form that SQS accepts', async () => {
  const { tasks, batches } = createQueue();
  const codeUnits = Array.from({ length: 0x10000 }, (_, code) => String.fromCharCode(code));
  // Each by itself: side by side, half characters would become whole ones.
  const text = `${codeUnits.join(' ')} \u{1FFFE} \u{1FFFF} \u{10FFFF} \\\uFFFF \\uFFFF`;
  const all = [close(text), { ...close('c1'), [text]: text }];
  await tasks.add(all);
  for (const body of batches.flat()) expect(ACCEPTED.test(body)).toBe(true);
  expect(batches.flat().map((body) => JSON.parse(body))).toEqual(all);
});

test('the bytes of a batch are counted as they are sent', async () => {
  const { tasks, batches } = createQueue();
  await tasks.add(Array.from({ length: 10 }, () => close('\uFFFF'.repeat(60 * 1024))));
  expect(batches.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
});

test('a batch has at most a mebibyte', async () => {
  const { tasks, batches } = createQueue();
  await tasks.add(Array.from({ length: 10 }, () => close('x'.repeat(300 * 1024))));
  expect(batches.map(({ length }) => length)).toEqual([3, 3, 3, 1]);
});

test('a task that the queue refuses does not count as added', async () => {
  const { tasks } = createQueue('c13');
  const all = Array.from({ length: 25 }, (_, index) => close(`c${index}`));
  await expect(tasks.add(all)).rejects.toThrow('The queue refused a task: InternalError');
});

test('waits for the other batches when one is refused', async () => {
  let isDone = false;
  let batches = 0;
  const client = {
    async send() {
      batches += 1;
      if (batches === 1) throw new Error('refused');
      await new Promise(setImmediate);
      isDone = true;
      return {};
    },
  } as unknown as SQSClient;
  const tasks = createSqsTasks({ client, queueUrl: 'https://queue' });
  await expect(tasks.add(Array.from({ length: 11 }, (_, index) => close(`c${index}`)))).rejects.toThrow('refused');
  expect(isDone).toBe(true);
});
