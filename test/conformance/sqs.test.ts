import {
  ChangeMessageVisibilityBatchCommand,
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  PurgeQueueCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createFaults } from '../../local/faults.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { arnOf, type SqsBench, startSqsBench } from '../support/sqs.ts';

const clock = createManualClock();
let bench: SqsBench;

beforeAll(async () => {
  bench = await startSqsBench({ clock });
});

afterAll(async () => {
  await bench.close();
});

describe('sending and receiving', () => {
  test('a message is received with its body, id and receipt handle, and is gone once it is deleted', async () => {
    const QueueUrl = await bench.queue();
    const id = await bench.send(QueueUrl, 'hello');
    const [message] = await bench.receive(QueueUrl);
    expect(message).toMatchObject({ MessageId: id, Body: 'hello', MD5OfBody: '5d41402abc4b2a76b9719d911017c592' });
    await bench.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: message?.ReceiptHandle }));
    clock.advance(60_000);
    expect(await bench.receive(QueueUrl)).toEqual([]);
  });

  test('the URL of a queue is of the form of AWS', async () => {
    const QueueUrl = await bench.queue({ QueueName: 'tasks' });
    expect(QueueUrl).toBe('https://sqs.us-east-1.amazonaws.com/000000000000/tasks');
    expect(await bench.client.send(new GetQueueUrlCommand({ QueueName: 'tasks' }))).toMatchObject({ QueueUrl });
    await bench.send('http://127.0.0.1:1/000000000000/tasks', 'by another host');
    expect(await bench.receive(QueueUrl)).toHaveLength(1);
  });

  test('system attributes come when they are asked for', async () => {
    const QueueUrl = await bench.queue();
    await bench.send(QueueUrl, 'x');
    const sentAt = clock.now();
    clock.advance(5_000);
    const [plain] = await bench.receive(QueueUrl, { VisibilityTimeout: 0 });
    expect(plain).not.toHaveProperty('Attributes');
    const [all] = await bench.receive(QueueUrl, { MessageSystemAttributeNames: ['All'], VisibilityTimeout: 0 });
    expect(all?.Attributes).toEqual({
      SenderId: '000000000000',
      SentTimestamp: String(sentAt),
      ApproximateReceiveCount: '2',
      ApproximateFirstReceiveTimestamp: String(sentAt + 5_000),
    });
    const [one] = await bench.receive(QueueUrl, { MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    expect(one?.Attributes).toEqual({ ApproximateReceiveCount: '3' });
  });

  test('message attributes, their digest, and the choice among them', async () => {
    const QueueUrl = await bench.queue();
    const MessageAttributes = {
      'trace.id': { DataType: 'String', StringValue: 'abc' },
      'trace.count': { DataType: 'Number', StringValue: '3' },
      blob: { DataType: 'Binary', BinaryValue: Buffer.of(1, 2, 3) },
    };
    const sent = await bench.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageAttributes }));
    const [all] = await bench.receive(QueueUrl, { MessageAttributeNames: ['All'], VisibilityTimeout: 0 });
    expect(all?.MessageAttributes).toMatchObject({
      'trace.id': { DataType: 'String', StringValue: 'abc' },
      'trace.count': { DataType: 'Number', StringValue: '3' },
    });
    expect([...(all?.MessageAttributes?.['blob']?.BinaryValue ?? [])]).toEqual([1, 2, 3]);
    expect(all?.MD5OfMessageAttributes).toBe(sent.MD5OfMessageAttributes);
    const [some] = await bench.receive(QueueUrl, { MessageAttributeNames: ['trace.*'] });
    expect(Object.keys(some?.MessageAttributes ?? {}).sort()).toEqual(['trace.count', 'trace.id']);
  });

  test('at most ten at a time, in about the order of sending', async () => {
    const QueueUrl = await bench.queue();
    for (let i = 0; i < 12; i++) await bench.send(QueueUrl, String(i));
    const first = await bench.receive(QueueUrl);
    expect(first.map(({ Body }) => Body)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(await bench.receive(QueueUrl)).toHaveLength(2);
    await expect(bench.receive(QueueUrl, { MaxNumberOfMessages: 11 })).rejects.toMatchObject({
      name: 'InvalidParameterValue',
    });
  });

  test('no two receivers get the same message', async () => {
    const QueueUrl = await bench.queue();
    for (let i = 0; i < 20; i++) await bench.send(QueueUrl, String(i));
    const received = await Promise.all([1, 2, 3, 4].map(() => bench.receive(QueueUrl, { MaxNumberOfMessages: 5 })));
    expect(new Set(received.flat().map(({ Body }) => Body)).size).toBe(20);
  });
});

describe('visibility', () => {
  test('a received message is hidden for the visibility timeout, then comes back under a new receipt', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: 10 });
    await bench.send(QueueUrl, 'x');
    const [first] = await bench.receive(QueueUrl);
    clock.advance(9_999);
    expect(await bench.receive(QueueUrl)).toEqual([]);
    clock.advance(1);
    const [second] = await bench.receive(QueueUrl);
    expect(second?.MessageId).toBe(first?.MessageId);
    expect(second?.ReceiptHandle).not.toBe(first?.ReceiptHandle);
  });

  test('an older receipt deletes nothing', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: 10 });
    await bench.send(QueueUrl, 'x');
    const [first] = await bench.receive(QueueUrl);
    clock.advance(10_000);
    await bench.receive(QueueUrl);
    await bench.client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle: first?.ReceiptHandle }));
    clock.advance(10_000);
    expect(await bench.receive(QueueUrl)).toHaveLength(1);
  });

  test('ChangeMessageVisibility prolongs it, and 0 ends it', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: 10 });
    await bench.send(QueueUrl, 'x');
    const [{ ReceiptHandle } = {}] = await bench.receive(QueueUrl);
    await bench.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 60 }));
    clock.advance(59_000);
    expect(await bench.receive(QueueUrl)).toEqual([]);
    await bench.client.send(new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 0 }));
    expect(await bench.receive(QueueUrl)).toHaveLength(1);
  });

  test('ChangeMessageVisibility of a message that is not in flight is refused', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: 10 });
    await bench.send(QueueUrl, 'x');
    const [{ ReceiptHandle } = {}] = await bench.receive(QueueUrl);
    clock.advance(10_000);
    const change = new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout: 60 });
    await expect(bench.client.send(change)).rejects.toMatchObject({ name: 'MessageNotInflight' });
  });

  test('DelaySeconds of the queue, and of a message', async () => {
    const QueueUrl = await bench.queue({ DelaySeconds: 5 });
    await bench.send(QueueUrl, 'as the queue');
    await bench.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'longer', DelaySeconds: 900 }));
    expect(await bench.receive(QueueUrl)).toEqual([]);
    clock.advance(5_000);
    expect((await bench.receive(QueueUrl)).map(({ Body }) => Body)).toEqual(['as the queue']);
    clock.advance(895_000);
    const bodies = (await bench.receive(QueueUrl)).map(({ Body }) => Body);
    expect(bodies.sort()).toEqual(['as the queue', 'longer']);
  });

  test('a message is dropped after the retention period', async () => {
    const QueueUrl = await bench.queue({ MessageRetentionPeriod: 60 });
    await bench.send(QueueUrl, 'old');
    clock.advance(60_000);
    expect(await bench.receive(QueueUrl)).toEqual([]);
    expect(await attributesOf(QueueUrl)).toMatchObject({ ApproximateNumberOfMessages: '0' });
  });
});

describe('long polling', () => {
  test('waits for a message', async () => {
    const QueueUrl = await bench.queue();
    const receiving = bench.receive(QueueUrl, { WaitTimeSeconds: 20 });
    await bench.send(QueueUrl, 'at last');
    expect(await receiving).toMatchObject([{ Body: 'at last' }]);
  });

  test('waits for one that becomes visible', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: 10, ReceiveMessageWaitTimeSeconds: 20 });
    await bench.send(QueueUrl, 'again');
    await bench.receive(QueueUrl);
    const receiving = bench.receive(QueueUrl);
    expect(await passing(receiving)).toHaveLength(1);
  });

  test('ends empty when the time is over', async () => {
    const QueueUrl = await bench.queue();
    const receiving = bench.receive(QueueUrl, { WaitTimeSeconds: 20 });
    expect(await passing(receiving)).toEqual([]);
  });

  test('a message goes to one of the waiting receivers', async () => {
    const QueueUrl = await bench.queue();
    const receiving = [1, 2].map(() => bench.receive(QueueUrl, { WaitTimeSeconds: 20 }));
    await bench.send(QueueUrl, 'one');
    await bench.send(QueueUrl, 'two');
    const bodies = (await Promise.all(receiving)).flat().map(({ Body }) => Body);
    expect(bodies.sort()).toEqual(['one', 'two']);
  });
});

describe('batches', () => {
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ Id: `m${i}`, MessageBody: `body ${i}` }));

  test('ten messages at once', async () => {
    const QueueUrl = await bench.queue();
    const { Successful, Failed } = await bench.client.send(
      new SendMessageBatchCommand({ QueueUrl, Entries: entries(10) }),
    );
    expect(Successful?.map(({ Id }) => Id)).toEqual(entries(10).map(({ Id }) => Id));
    expect(Failed).toEqual([]);
    const received = await bench.receive(QueueUrl);
    expect(received).toHaveLength(10);
    const receipts = received.map(({ MessageId: Id, ReceiptHandle }) => ({ Id, ReceiptHandle }));
    const change = receipts.map((receipt) => ({ ...receipt, VisibilityTimeout: 0 }));
    await bench.client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries: change }));
    await bench.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries: receipts }));
    expect(await bench.receive(QueueUrl)).toEqual([]);
  });

  test.each([
    ['none', [], 'EmptyBatchRequest'],
    ['eleven', entries(11), 'TooManyEntriesInBatchRequest'],
    ['the same id twice', [...entries(1), ...entries(1)], 'BatchEntryIdsNotDistinct'],
    ['a malformed id', [{ Id: 'a b', MessageBody: 'x' }], 'InvalidBatchEntryId'],
    [
      'more than 1 MiB together',
      [1, 2].map((i) => ({ Id: `m${i}`, MessageBody: 'x'.repeat(600 * 1024) })),
      'BatchRequestTooLong',
    ],
  ])('%s is refused', async (_, Entries, name) => {
    const QueueUrl = await bench.queue();
    await expect(bench.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }))).rejects.toMatchObject({ name });
    expect(await bench.receive(QueueUrl)).toEqual([]);
  });

  test('an entry that fails leaves the others alone', async () => {
    const QueueUrl = await bench.queue();
    const Entries = [...entries(1), { Id: 'bad', MessageBody: 'null \u0000 character' }];
    const answer = await bench.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    expect(answer.Successful).toMatchObject([{ Id: 'm0' }]);
    expect(answer.Failed).toMatchObject([{ Id: 'bad', SenderFault: true, Code: 'InvalidMessageContents' }]);
  });
});

describe('dead-letter queues', () => {
  test('a message that was received maxReceiveCount times moves, with its id and where it came from', async () => {
    const deadUrl = await bench.queue();
    const QueueUrl = await bench.queue({
      VisibilityTimeout: 1,
      RedrivePolicy: { deadLetterTargetArn: arnOf(deadUrl), maxReceiveCount: 2 },
    });
    const id = await bench.send(QueueUrl, 'poison');
    for (let i = 0; i < 2; i++) {
      expect(await bench.receive(QueueUrl)).toHaveLength(1);
      clock.advance(1_000);
    }
    expect(await bench.receive(QueueUrl)).toEqual([]);
    expect(await attributesOf(QueueUrl)).toMatchObject({ ApproximateNumberOfMessages: '0' });
    const [dead] = await bench.receive(deadUrl, { MessageSystemAttributeNames: ['All'] });
    expect(dead).toMatchObject({
      MessageId: id,
      Body: 'poison',
      Attributes: { ApproximateReceiveCount: '3', DeadLetterQueueSourceArn: arnOf(QueueUrl) },
    });
  });

  test('a dead-letter queue that does not exist is refused when the queue is made', async () => {
    const RedrivePolicy = { deadLetterTargetArn: arnOf('/nowhere'), maxReceiveCount: 2 };
    await expect(bench.queue({ RedrivePolicy })).rejects.toThrow(/RedrivePolicy: the template has no queue .*nowhere/);
  });
});

describe('attributes of a queue', () => {
  test('GetQueueAttributes tells its settings and about how many messages it has', async () => {
    const QueueUrl = await bench.queue({ VisibilityTimeout: '45', DelaySeconds: 0 });
    for (const body of ['1', '2', '3']) await bench.send(QueueUrl, body);
    await bench.client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'later', DelaySeconds: 60 }));
    await bench.receive(QueueUrl, { MaxNumberOfMessages: 1 });
    expect(await attributesOf(QueueUrl)).toMatchObject({
      QueueArn: arnOf(QueueUrl),
      VisibilityTimeout: '45',
      DelaySeconds: '0',
      MaximumMessageSize: '1048576',
      MessageRetentionPeriod: '345600',
      ReceiveMessageWaitTimeSeconds: '0',
      ApproximateNumberOfMessages: '2',
      ApproximateNumberOfMessagesNotVisible: '1',
      ApproximateNumberOfMessagesDelayed: '1',
    });
  });

  test.each(['Unknown', 'constructor', '__proto__'])('there is none called %s', async (name) => {
    const QueueUrl = await bench.queue();
    const AttributeNames = [name as 'All'];
    await expect(bench.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames }))).rejects.toMatchObject({
      name: 'InvalidAttributeName',
      message: `Unknown Attribute ${name}.`,
    });
  });

  test('PurgeQueue empties it, at most once a minute', async () => {
    const QueueUrl = await bench.queue();
    await bench.send(QueueUrl, '1');
    await bench.send(QueueUrl, '2');
    await bench.receive(QueueUrl, { MaxNumberOfMessages: 1 });
    const purge = () => bench.client.send(new PurgeQueueCommand({ QueueUrl }));
    await purge();
    await expect(purge()).rejects.toMatchObject({ name: 'PurgeQueueInProgress' });
    clock.advance(60_000);
    expect(await bench.receive(QueueUrl)).toEqual([]);
    await purge();
  });
});

describe('refusals', () => {
  test('a queue that does not exist', async () => {
    await expect(bench.send('https://sqs.us-east-1.amazonaws.com/000000000000/nobody', 'x')).rejects.toMatchObject({
      name: 'QueueDoesNotExist',
    });
  });

  test('a message over the size of the queue, counting its attributes', async () => {
    const QueueUrl = await bench.queue({ MaximumMessageSize: 1024 });
    const MessageAttributes = { a: { DataType: 'String', StringValue: 'x' } };
    const send = (MessageBody: string) =>
      bench.client.send(new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes }));
    await send('x'.repeat(1024 - 8));
    await expect(send('x'.repeat(1024 - 7))).rejects.toMatchObject({
      name: 'InvalidParameterValue',
      message: 'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.',
    });
  });

  test('a receipt handle that is none', async () => {
    const QueueUrl = await bench.queue();
    const deletion = new DeleteMessageCommand({ QueueUrl, ReceiptHandle: 'nonsense' });
    await expect(bench.client.send(deletion)).rejects.toMatchObject({ name: 'ReceiptHandleIsInvalid' });
  });

  test('parameters and operations that are not emulated, by name', async () => {
    const QueueUrl = await bench.queue();
    const fair = new SendMessageCommand({ QueueUrl, MessageBody: 'x', MessageGroupId: 'g' });
    await expect(bench.client.send(fair)).rejects.toThrow('SendMessage: the parameter MessageGroupId is not supported');
    await expect(bench.client.send(new CreateQueueCommand({ QueueName: 'q' }))).rejects.toThrow(
      'CreateQueue is not supported locally',
    );
  });

  test('an empty body', async () => {
    const QueueUrl = await bench.queue();
    await expect(bench.send(QueueUrl, '')).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  });

  test('two queues of one name, and the name of a FIFO queue', async () => {
    await bench.queue({ QueueName: 'twin' });
    await expect(bench.queue({ QueueName: 'twin' })).rejects.toThrow('the template has two queues of the name twin');
    await expect(bench.queue({ QueueName: 'a.fifo' })).rejects.toThrow('is the name of a FIFO queue');
  });
});

test('IAM is asked for each operation, with the queue', async () => {
  const asked: string[] = [];
  const guarded = await startSqsBench({
    authorize: (principal, action, arn) => asked.push(`${principal.kind} ${action} ${arn}`),
  });
  const QueueUrl = await guarded.queue();
  await guarded.client.send(new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '1', MessageBody: 'x' }] }));
  await guarded.receive(QueueUrl);
  expect(asked).toEqual([`admin sqs:SendMessage ${arnOf(QueueUrl)}`, `admin sqs:ReceiveMessage ${arnOf(QueueUrl)}`]);
  await guarded.close();
});

describe('faults', () => {
  async function startFaulty(kind: string) {
    const rule = { point: 'sqs', kind, limit: 1, ...(kind === 'late' && { minDelayMs: 5_000, maxDelayMs: 5_000 }) };
    const faultClock = createManualClock();
    const faults = createFaults({ seed: 1, rules: [rule] }, { clock: faultClock, log: () => undefined });
    return { faultClock, faulty: await startSqsBench({ clock: faultClock, faults }) };
  }

  test('duplicate: a message is delivered twice', async () => {
    const { faulty } = await startFaulty('duplicate');
    const url = await faulty.queue();
    const id = await faulty.send(url, 'x');
    const received = [await faulty.receive(url), await faulty.receive(url), await faulty.receive(url)];
    expect(received.map((messages) => messages.map(({ MessageId }) => MessageId))).toEqual([[id], [id], []]);
    await faulty.close();
  });

  test('late: a message can be received later', async () => {
    const { faulty, faultClock } = await startFaulty('late');
    const url = await faulty.queue();
    await faulty.send(url, 'x');
    expect(await faulty.receive(url)).toEqual([]);
    faultClock.advance(5_000);
    expect(await faulty.receive(url)).toHaveLength(1);
    await faulty.close();
  });
});

async function attributesOf(QueueUrl: string): Promise<Record<string, string>> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] });
  return (await bench.client.send(command)).Attributes ?? {};
}

/** Lets time pass until something has come to its end. */
async function passing<T>(pending: Promise<T>): Promise<T> {
  let isPending = true;
  const end = () => {
    isPending = false;
  };
  pending.then(end, end);
  while (isPending) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return pending;
}
