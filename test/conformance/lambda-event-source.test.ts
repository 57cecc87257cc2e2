import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AwsError, type Principal, type Resource } from '../../local/service.ts';
import { provision, resource } from '../support/aws-server.ts';
import { eventually } from '../support/eventually.ts';
import { type LambdaBench, ROLE, startLambdaBench } from '../support/lambda.ts';
import { createManualClock, type ManualClock } from '../support/manual-clock.ts';
import { arnOf, type SqsBench, startSqsBench } from '../support/sqs.ts';

let clock: ManualClock;
let sqs: SqsBench;
let bench: LambdaBench;
let asked: { readonly principal: Principal; readonly action: string; readonly arn: string }[];
let denied: string | undefined;

beforeEach(async () => {
  clock = createManualClock();
  asked = [];
  denied = undefined;
  sqs = await startSqsBench({ clock });
  bench = await startLambdaBench({
    clock,
    queues: sqs.sqs.queues,
    authorize: (principal, action, arn) => {
      asked.push({ principal, action, arn });
      if (action === denied) throw new AwsError('AccessDeniedException', 'no', 403);
    },
  });
});

afterEach(async () => {
  await bench.close();
  await sqs.close();
});

/** Prints the bodies of each batch, and does as they say: `fail`, or `wait`. */
const WORKER = `
  exports.handler = async (event) => {
    const bodies = event.Records.map((record) => record.body);
    console.log(bodies.join(' '));
    if (bodies.includes('fail')) throw new Error('as told');
    if (bodies.includes('wait')) await new Promise((resolve) => setTimeout(resolve, 200));
  };`;

/** Prints the bodies of each batch, and never ends the first one. */
const HANGS_ONCE = `
  exports.handler = async (event) => {
    console.log(event.Records.map((record) => record.body).join(' '));
    if (event.Records[0].attributes.ApproximateReceiveCount === '1') await new Promise(() => setInterval(() => {}, 1000));
    return { batchItemFailures: [] };
  };`;

const PARTIAL = 'ReportBatchItemFailures';

const REPORTS = `
  exports.handler = async (event) => {
    console.log(event.Records.map((record) => record.body).join(' '));
    const failed = event.Records.filter((record) => record.body.startsWith('fail'));
    return { batchItemFailures: failed.map((record) => ({ itemIdentifier: record.messageId })) };
  };`;

async function map(code: string, mapping: Resource['properties'] = {}, queue: Resource['properties'] = {}) {
  const name = await bench.deploy(code);
  const url = await sqs.queue({ VisibilityTimeout: 30, ...queue });
  await connect(name, url, mapping);
  return { name, url };
}

async function connect(FunctionName: string, url: string, mapping: Resource['properties'] = {}): Promise<void> {
  await provision(
    bench.lambda,
    resource('AWS::Lambda::EventSourceMapping', { FunctionName, EventSourceArn: arnOf(url), ...mapping }),
  );
}

function printed(name: string): string[] {
  return bench.log.filter(({ source, level }) => source === name && level === 'info').map(({ message }) => message);
}

/** The largest number of invocations at the same time, by the log. */
function mostAtOnce(name: string): number {
  let running = 0;
  let most = 0;
  for (const { source, message } of bench.log) {
    if (source !== name) continue;
    if (message.startsWith('START')) running += 1;
    if (message.startsWith('END')) running -= 1;
    most = Math.max(most, running);
  }
  return most;
}

const counts = (url: string) => sqs.sqs.queues.find(arnOf(url))?.counts();
const EMPTY = { visible: 0, inFlight: 0, delayed: 0 };

async function sendBatch(QueueUrl: string, bodies: readonly string[]): Promise<void> {
  const Entries = bodies.map((MessageBody, i) => ({ Id: `m${i}`, MessageBody }));
  await sqs.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
}

test('a message is handed to the function, in an event that has every field of AWS, and is deleted', async () => {
  const { name, url } = await map('exports.handler = async (event) => console.log(JSON.stringify(event));');
  const MessageAttributes = {
    kind: { DataType: 'String', StringValue: 'task' },
    blob: { DataType: 'Binary', BinaryValue: Buffer.from('hi') },
  };
  const { MessageId } = await sqs.client.send(
    new SendMessageCommand({ QueueUrl: url, MessageBody: 'hello', MessageAttributes }),
  );
  await eventually(() => printed(name)).toHaveLength(1);
  expect(JSON.parse(printed(name)[0] ?? '')).toEqual({
    Records: [
      {
        messageId: MessageId,
        receiptHandle: expect.any(String),
        body: 'hello',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: String(clock.now()),
          SenderId: '000000000000',
          ApproximateFirstReceiveTimestamp: String(clock.now()),
        },
        messageAttributes: {
          kind: { stringValue: 'task', stringListValues: [], binaryListValues: [], dataType: 'String' },
          blob: { binaryValue: 'aGk=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
        },
        md5OfMessageAttributes: expect.stringMatching(/^[0-9a-f]{32}$/),
        md5OfBody: '5d41402abc4b2a76b9719d911017c592',
        eventSource: 'aws:sqs',
        eventSourceARN: arnOf(url),
        awsRegion: 'us-east-1',
      },
    ],
  });
  await eventually(() => counts(url)).toEqual(EMPTY);
});

test("it acts as the function's role", async () => {
  const { url } = await map(WORKER);
  await sqs.send(url, 'x');
  await eventually(() => counts(url)).toEqual(EMPTY);
  const arn = arnOf(url);
  const principal = { kind: 'role', roleArn: ROLE, sessionName: expect.any(String) };
  for (const action of ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes']) {
    expect(asked).toContainEqual({ principal, action, arn });
  }
});

describe('batches', () => {
  test('messages that are sent together arrive together, at most BatchSize', async () => {
    const { name, url } = await map(WORKER, { BatchSize: 3 });
    await sendBatch(url, ['a', 'b', 'c', 'd']);
    await eventually(() => counts(url)).toEqual(EMPTY);
    const sizes = printed(name).map((line) => line.split(' ').length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(3);
    expect(printed(name).join(' ').split(' ').sort()).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a batching window collects what comes in it', async () => {
    const { name, url } = await map(WORKER, { BatchSize: 100, MaximumBatchingWindowInSeconds: 10 });
    await sqs.send(url, 'a');
    await eventually(() => counts(url)?.inFlight).toBe(1);
    clock.advance(9_000);
    await sqs.send(url, 'b');
    await eventually(() => counts(url)?.inFlight).toBe(2);
    expect(printed(name)).toEqual([]);
    clock.advance(10_000);
    await eventually(() => printed(name)).toEqual(['a b']);
  });

  test('a full batch does not wait for its window', async () => {
    const { name, url } = await map(WORKER, { BatchSize: 2, MaximumBatchingWindowInSeconds: 300 });
    await sendBatch(url, ['a', 'b']);
    await eventually(() => printed(name)).toEqual(['a b']);
  });

  test('a batch of more than 6 MB comes as several events', async () => {
    const { name, url } = await map('exports.handler = async (event) => console.log(event.Records.length);', {
      BatchSize: 10,
      MaximumBatchingWindowInSeconds: 300,
    });
    for (let i = 0; i < 10; i++) await sqs.send(url, 'x'.repeat(1000 * 1000));
    await eventually(() => counts(url)).toEqual(EMPTY);
    expect(
      printed(name)
        .map(Number)
        .reduce((sum, size) => sum + size),
    ).toBe(10);
    expect(printed(name).length).toBeGreaterThan(1);
  });

  test('MaximumConcurrency limits how many are processed at the same time', async () => {
    const { name, url } = await map(WORKER, { BatchSize: 1, ScalingConfig: { MaximumConcurrency: 2 } });
    await sendBatch(url, ['wait', 'wait', 'wait', 'wait', 'wait']);
    await eventually(() => counts(url)).toEqual(EMPTY);
    expect(printed(name)).toHaveLength(5);
    expect(mostAtOnce(name)).toBe(2);
  });
});

describe('failures', () => {
  test('when the function fails, the whole batch comes back after the visibility timeout', async () => {
    const { name, url } = await map(WORKER, { BatchSize: 2, MaximumBatchingWindowInSeconds: 1 });
    await sendBatch(url, ['fail', 'a']);
    await eventually(() => bench.log.some(({ message }) => message.startsWith('2 messages'))).toBe(true);
    expect(counts(url)).toMatchObject({ inFlight: 2 });
    clock.advance(30_000);
    await eventually(() => printed(name).length).toBeGreaterThan(1);
  });

  // https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
  test('a function that times out returns the whole batch, also with ReportBatchItemFailures', async () => {
    const name = await bench.deploy(HANGS_ONCE, { Timeout: 3 });
    const url = await sqs.queue({ VisibilityTimeout: 30 });
    const mapping = { BatchSize: 3, MaximumBatchingWindowInSeconds: 300, FunctionResponseTypes: [PARTIAL] };
    await connect(name, url, mapping);
    await sendBatch(url, ['a', 'hang', 'b']);
    await eventually(() => printed(name)).toEqual(['a hang b']);
    clock.advance(3_000);
    await eventually(() => bench.log.map(({ message }) => message)).toContain(
      `3 messages return to ${arnOf(url)}: Sandbox.Timedout`,
    );
    expect(counts(url)).toMatchObject({ inFlight: 3 });
    clock.advance(26_000);
    expect(counts(url)).toMatchObject({ inFlight: 3 });
    clock.advance(1_000);
    await eventually(() => printed(name).length).toBeGreaterThan(1);
    expect(printed(name).slice(1).join(' ').split(' ').sort()).toEqual(['a', 'b', 'hang']);
  });

  test('with ReportBatchItemFailures, only the messages it names come back', async () => {
    const { name, url } = await map(REPORTS, {
      BatchSize: 3,
      MaximumBatchingWindowInSeconds: 300,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
    });
    await sendBatch(url, ['a', 'fail', 'b']);
    await eventually(() => counts(url)).toEqual({ visible: 0, inFlight: 1, delayed: 0 });
    expect(printed(name)).toEqual(['a fail b']);
  });

  test('without it, the answer is not looked at', async () => {
    const { url } = await map(REPORTS);
    await sendBatch(url, ['a', 'fail']);
    await eventually(() => counts(url)).toEqual(EMPTY);
  });

  test.each([
    ['an unknown id', '{ batchItemFailures: [{ itemIdentifier: "nobody" }] }'],
    ['an empty id', '{ batchItemFailures: [{ itemIdentifier: "" }] }'],
    ['a mistyped key', '{ batchItemFailures: [{ id: event.Records[0].messageId }] }'],
    ['no list', '{ batchItemFailures: "none" }'],
  ])('an answer with %s fails the whole batch', async (_, answer) => {
    const FunctionResponseTypes = ['ReportBatchItemFailures'];
    const { url } = await map(`exports.handler = async (event) => (${answer});`, { FunctionResponseTypes });
    await sqs.send(url, 'x');
    await eventually(() => bench.log.map(({ message }) => message)).toContain(
      `1 messages return to ${arnOf(url)}: the answer is no list of batchItemFailures`,
    );
    expect(counts(url)).toMatchObject({ inFlight: 1 });
  });

  test.each(['null', 'undefined', '{}', '{ batchItemFailures: [] }', '{ batchItemFailures: null }'])(
    'the answer %s is a success',
    async (answer) => {
      const FunctionResponseTypes = ['ReportBatchItemFailures'];
      const { url } = await map(`exports.handler = async () => (${answer});`, { FunctionResponseTypes });
      await sqs.send(url, 'x');
      await eventually(() => counts(url)).toEqual(EMPTY);
    },
  );

  test('what fails again and again ends in the dead-letter queue', async () => {
    const deadUrl = await sqs.queue();
    const { name, url } = await map(
      WORKER,
      {},
      {
        RedrivePolicy: { deadLetterTargetArn: arnOf(deadUrl), maxReceiveCount: 2 },
      },
    );
    await sqs.send(url, 'fail');
    for (const attempt of [1, 2]) {
      await eventually(() => printed(name)).toHaveLength(attempt);
      await eventually(() => counts(url)?.inFlight).toBe(1);
      clock.advance(30_000);
    }
    await eventually(() => counts(deadUrl)?.visible).toBe(1);
    expect(printed(name)).toHaveLength(2);
  });
});

// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, "Backoff strategy for failed invocations"
describe('backing off', () => {
  const FULL = 'the function is throttled; Lambda tries the batch again in 1 s';
  const messages = () => bench.log.map(({ message }) => message);

  test('a throttled batch is tried again until the messages become visible, without another receipt', async () => {
    await bench.close();
    bench = await startLambdaBench({ clock, queues: sqs.sqs.queues, accountConcurrency: 1 });
    const busy = await bench.deploy('exports.handler = () => new Promise((resolve) => setTimeout(resolve, 300));');
    const printsCount =
      'exports.handler = async (event) => console.log(event.Records[0].attributes.ApproximateReceiveCount);';
    const { name, url } = await map(printsCount);
    const invoked = bench.invoke(busy);
    await eventually(messages).toContainEqual(expect.stringMatching(/^START/));
    await sqs.send(url, 'x');
    await eventually(messages).toContain(FULL);
    await invoked;
    expect(printed(name)).toEqual([]);
    clock.advance(1_000);
    await eventually(() => printed(name)).toEqual(['1']);
    await eventually(() => counts(url)).toEqual(EMPTY);
  });

  test('then the batch returns to the queue', async () => {
    const name = await bench.deploy(WORKER, { ReservedConcurrentExecutions: 0 });
    const url = await sqs.queue({ VisibilityTimeout: 30 });
    await connect(name, url);
    await sqs.send(url, 'x');
    const attempts = () => messages().filter((message) => message.startsWith('the function is throttled;')).length;
    for (const [index, delayMs] of [1_000, 2_000, 4_000, 8_000].entries()) {
      await eventually(attempts).toBe(index + 1);
      clock.advance(delayMs);
    }
    await eventually(messages).toContain(`1 messages return to ${arnOf(url)}: the function is throttled`);
    expect(counts(url)).toMatchObject({ inFlight: 1 });
  });

  test.each([
    ['fewer batches at a time after errors', [], 2],
    ['as many as before with ReportBatchItemFailures', [PARTIAL], 3],
  ])('%s', async (_, FunctionResponseTypes, atOnce) => {
    const { name, url } = await map(WORKER, { BatchSize: 1, FunctionResponseTypes });
    for (const attempt of [1, 2, 3]) {
      await sqs.send(url, 'fail');
      await eventually(() => counts(url)?.inFlight).toBe(attempt);
      await eventually(() => messages().filter((message) => message.startsWith('1 messages'))).toHaveLength(attempt);
    }
    await sendBatch(url, ['wait', 'wait', 'wait']);
    await eventually(() => printed(name)).toHaveLength(6);
    await eventually(() => counts(url)).toEqual({ visible: 0, inFlight: 3, delayed: 0 });
    expect(mostAtOnce(name)).toBe(atOnce);
  });
});

describe('refusals at the deployment of the template', () => {
  test.each(['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'])(
    'a role that may not %s',
    async (action) => {
      denied = action;
      await expect(map(WORKER)).rejects.toThrow(
        new RegExp(
          `^Thing \\(AWS::Lambda::EventSourceMapping\\) in Stack: the role of .* must be allowed ${action} on`,
        ),
      );
    },
  );

  test('a queue whose visibility timeout is less than the timeout of the function', async () => {
    await expect(map(WORKER, {}, { VisibilityTimeout: 2 })).rejects.toThrow(
      "the queue's visibility timeout of 2 seconds is less than the function's timeout of 30 seconds",
    );
  });

  test('another source than a queue, by its name', async () => {
    const EventSourceArn = 'arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/1';
    await expect(map(WORKER, { EventSourceArn })).rejects.toThrow(/EventSourceArn: only SQS queues are supported/);
  });

  test('a queue that is not there', async () => {
    await expect(map(WORKER, { EventSourceArn: arnOf('/nowhere') })).rejects.toThrow(
      /the template has no queue .*nowhere/,
    );
  });

  test('a large batch without a window', async () => {
    await expect(map(WORKER, { BatchSize: 11 })).rejects.toThrow(/BatchSize: more than 10 need/);
  });
});

test('a mapping that is not enabled does nothing', async () => {
  const { name, url } = await map(WORKER, { Enabled: false });
  await sqs.send(url, 'x');
  const other = await map(WORKER);
  await sqs.send(other.url, 'y');
  await eventually(() => printed(other.name)).toEqual(['y']);
  expect(printed(name)).toEqual([]);
  expect(counts(url)).toMatchObject({ visible: 1 });
});
