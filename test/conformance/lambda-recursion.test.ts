/**
 * Recursive loop detection and the trace of each invocation. Sources:
 * https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html (the count, the dead-letter queues, RecursiveLoop),
 * https://aws.amazon.com/blogs/compute/detecting-and-stopping-recursive-loops-in-aws-lambda-functions/ (the exception),
 * https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader (the header),
 * boto/boto3#3899 (a delay queue whose chain stops at 16).
 */
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { ReceiveMessageCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NO_FAULTS } from '../../local/faults.ts';
import type { Resource } from '../../local/service.ts';
import { createSqs, type SqsService } from '../../local/sqs/index.ts';
import { provision, resource } from '../support/aws-server.ts';
import { eventually } from '../support/eventually.ts';
import { type LambdaBench, startLambdaBench } from '../support/lambda.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { arnOf } from '../support/sqs.ts';

const TRACE = /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01];Lineage=[0-9a-f]{8}:\d+$/;

const clock = createManualClock();
let sqs: SqsService;
let bench: LambdaBench;
let client: SQSClient;
let queues = 0;

beforeAll(async () => {
  sqs = await createSqs({ clock, faults: NO_FAULTS, authorize: () => undefined, log: () => undefined });
  bench = await startLambdaBench({ clock, queues: sqs.queues }, sqs);
  client = new SQSClient(bench.server.client());
});

afterAll(async () => {
  client.destroy();
  await bench.close();
});

async function queue(properties: Resource['properties'] = {}): Promise<string> {
  queues += 1;
  return (await provision(sqs, resource('AWS::SQS::Queue', properties, `Queue${queues}`))).ref;
}

async function map(FunctionName: string, url: string): Promise<void> {
  await provision(
    bench.lambda,
    resource('AWS::Lambda::EventSourceMapping', { FunctionName, EventSourceArn: arnOf(url) }, `Mapping${queues}`),
  );
}

const configure = (FunctionName: string, properties: object) =>
  provision(
    bench.lambda,
    resource('AWS::Lambda::EventInvokeConfig', { FunctionName, Qualifier: '$LATEST', ...properties }),
  );

const counts = (url: string) => sqs.queues.find(arnOf(url))?.counts();

/** Sends the message on, to the queue that it names, as often as it says. */
const SENDS_ON = `
  const { SendMessageCommand, SQSClient } = require('@aws-sdk/client-sqs');
  const client = new SQSClient({});
  exports.handler = async (event) => {
    for (const { body } of event.Records) {
      console.log(process.env._X_AMZN_TRACE_ID);
      const { left, to } = JSON.parse(body);
      const MessageBody = JSON.stringify({ left: left - 1, to });
      if (left > 1) await client.send(new SendMessageCommand({ QueueUrl: to, MessageBody }));
    }
  };`;

/** Invokes itself, as often as the event says. */
const INVOKES_ITSELF = `
  const { InvokeCommand, LambdaClient } = require('@aws-sdk/client-lambda');
  const client = new LambdaClient({});
  exports.handler = async ({ left, type }, { invokedFunctionArn }) => {
    console.log(process.env._X_AMZN_TRACE_ID);
    const Payload = JSON.stringify({ left: left - 1, type });
    const input = { FunctionName: invokedFunctionArn, InvocationType: type, Payload };
    if (left > 1) await client.send(new InvokeCommand(input)).catch(({ name, message }) => console.log(name + ': ' + message));
  };`;

const printed = (name: string) =>
  bench.log.filter(({ source, level }) => source === name && level === 'info').map(({ message }) => message);
const countsOf = (name: string) => printed(name).map((trace) => Number(/:(\d+)$/.exec(trace)?.[1]));
const UP_TO_16 = Array.from({ length: 16 }, (_, index) => index + 1);
const errors = (name: string) =>
  bench.log.filter(({ source, level }) => source === name && level === 'error').map(({ message }) => message);

describe('a loop through SQS', () => {
  test('the 17th invocation of a chain is stopped; SQS hands the message to the dead-letter queue', async () => {
    const [dead, failures] = [await queue(), await queue()];
    const url = await queue({
      VisibilityTimeout: 30,
      RedrivePolicy: { deadLetterTargetArn: arnOf(dead), maxReceiveCount: 2 },
    });
    const name = await bench.deploy(SENDS_ON);
    await configure(name, { DestinationConfig: { OnFailure: { Destination: arnOf(failures) } } });
    await map(name, url);
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify({ left: 100, to: url }) }));
    await eventually(() => errors(name)).toHaveLength(1);
    // The poller may just have begun to wait, so the clock goes on until it is done.
    await eventually(() => {
      clock.advance(5_000);
      return counts(dead)?.visible;
    }).toBe(1);
    expect(errors(name)).toHaveLength(2);
    expect(countsOf(name)).toEqual(UP_TO_16);
    expect(errors(name)[0]).toMatch(/^RecursiveInvocationsDropped: /);
    // Each attempt to invoke the function increments the receive count, and reports the event.
    expect(counts(url)).toEqual({ visible: 0, inFlight: 0, delayed: 0 });
    await eventually(() => counts(failures)?.visible).toBe(2);
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: failures }));
    expect(JSON.parse(Messages[0]?.Body ?? '')).toMatchObject({
      requestContext: { functionArn: expect.stringContaining(name), approximateInvokeCount: 0 },
      requestPayload: { Records: [{ body: JSON.stringify({ left: 84, to: url }) }] },
    });
  });

  test('RecursiveLoop: Allow lets it run', async () => {
    const url = await queue({ VisibilityTimeout: 30 });
    const name = await bench.deploy(SENDS_ON, { RecursiveLoop: 'Allow' });
    await map(name, url);
    await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: JSON.stringify({ left: 20, to: url }) }));
    await eventually(() => countsOf(name)).toHaveLength(20);
    expect(errors(name)).toEqual([]);
  });

  test('a loop through two functions counts each function by itself', async () => {
    const [there, back] = [await queue({ VisibilityTimeout: 30 }), await queue({ VisibilityTimeout: 30 })];
    const swap = (url: string) => SENDS_ON.replace('QueueUrl: to', `QueueUrl: '${url}'`);
    const [one, other] = [await bench.deploy(swap(back)), await bench.deploy(swap(there))];
    await map(one, there);
    queues += 1;
    await map(other, back);
    await client.send(new SendMessageCommand({ QueueUrl: there, MessageBody: JSON.stringify({ left: 100 }) }));
    await eventually(() => errors(one)).not.toEqual([]);
    expect([printed(one).length, printed(other).length]).toEqual([16, 16]);
  });

  test('a new message starts a new chain', async () => {
    const url = await queue({ VisibilityTimeout: 30 });
    const name = await bench.deploy(SENDS_ON);
    await map(name, url);
    for (let sent = 1; sent <= 20; sent += 1) {
      await client.send(new SendMessageCommand({ QueueUrl: url, MessageBody: '{"left":1}' }));
      await eventually(() => printed(name)).toHaveLength(sent);
    }
    expect(new Set(countsOf(name))).toEqual(new Set([1]));
  });
});

describe('a loop of direct invocations', () => {
  test('synchronous: the caller gets RecursiveInvocationException', async () => {
    const name = await bench.deploy(INVOKES_ITSELF);
    await bench.invoke(name, { left: 100, type: 'RequestResponse' });
    const lines = printed(name);
    expect(lines.filter((line) => TRACE.test(line))).toHaveLength(16);
    expect(lines.at(-1)).toMatch(/^RecursiveInvocationException: Lambda has detected your function being invoked/);
  });

  test("asynchronous: the event goes to the function's dead-letter queue", async () => {
    const dead = await queue();
    const name = await bench.deploy(INVOKES_ITSELF, { DeadLetterConfig: { TargetArn: arnOf(dead) } });
    await bench.invoke(name, { left: 100, type: 'Event' });
    await eventually(() => counts(dead)?.visible).toBe(1);
    expect(countsOf(name)).toEqual(UP_TO_16);
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl: dead }));
    expect(Messages[0]?.Body).toBe('{"left":84,"type":"Event"}');
  });

  test('a function invokes another one again and again: no loop', async () => {
    const called = await bench.deploy('exports.handler = async () => 1;');
    const name = await bench.deploy(`
      const { InvokeCommand, LambdaClient } = require('@aws-sdk/client-lambda');
      const client = new LambdaClient({});
      exports.handler = async () => {
        for (let i = 0; i < 20; i += 1) await client.send(new InvokeCommand({ FunctionName: '${called}' }));
      };`);
    expect((await bench.invoke(name)).functionError).toBeUndefined();
    expect(errors(called)).toEqual([]);
  });
});

describe('the trace of an invocation', () => {
  const PRINTS = 'exports.handler = async () => process.env._X_AMZN_TRACE_ID;';

  test('every invocation has its own', async () => {
    const name = await bench.deploy(PRINTS);
    const traces = [(await bench.invoke(name)).payload, (await bench.invoke(name)).payload];
    for (const trace of traces) expect(trace).toMatch(TRACE);
    expect(new Set(traces).size).toBe(2);
  });

  test.each([
    ['Active', 'Sampled=1'],
    ['PassThrough', 'Sampled=0'],
  ])('TracingConfig %s: %s', async (Mode, sampled) => {
    const name = await bench.deploy(PRINTS, { TracingConfig: { Mode } });
    expect((await bench.invoke(name)).payload).toContain(`;${sampled};`);
  });

  test("it continues that of the request, with the caller's decision to sample", async () => {
    const name = await bench.deploy(PRINTS);
    const root = 'Root=1-5759e988-bd862e3fe1be46a994272793';
    const command = new InvokeCommand({ FunctionName: name });
    command.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        headers['X-Amzn-Trace-Id'] = `${root};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:3`;
        return next(args);
      },
      { step: 'build' },
    );
    const payload = String(JSON.parse((await bench.client.send(command)).Payload?.transformToString() ?? ''));
    expect(payload).toMatch(new RegExp(`^${root};Parent=[0-9a-f]{16};Sampled=1;Lineage=a87bd80c:3\\|[0-9a-f]{8}:1$`));
    expect(payload).not.toContain('53995c3f42cd8ad8');
  });

  test('a message has that of its sender, as the system attribute AWSTraceHeader', async () => {
    const url = await queue();
    const name = await bench.deploy(SENDS_ON);
    await bench.invoke(name, { Records: [{ body: JSON.stringify({ left: 2, to: url }) }] });
    const MessageSystemAttributes = { AWSTraceHeader: { DataType: 'String', StringValue: 'Root=own' } };
    const sent = await client.send(
      new SendMessageCommand({ QueueUrl: url, MessageBody: 'own', MessageSystemAttributes }),
    );
    // The digest of the message attribute of that name and value.
    expect(sent.MD5OfMessageSystemAttributes).toMatch(/^[0-9a-f]{32}$/);
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: url,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['AWSTraceHeader'],
      }),
    );
    expect(Messages.map(({ Attributes }) => Attributes)).toEqual([
      { AWSTraceHeader: printed(name)[0] },
      { AWSTraceHeader: 'Root=own' },
    ]);
  });

  test('another value of RecursiveLoop or TracingConfig is refused', async () => {
    await expect(bench.deploy(PRINTS, { RecursiveLoop: 'Never' })).rejects.toThrow('RecursiveLoop');
    await expect(bench.deploy(PRINTS, { TracingConfig: { Mode: 'Always' } })).rejects.toThrow('TracingConfig');
  });
});
