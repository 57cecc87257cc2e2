import { InvokeCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { AwsError } from '../../local/service.ts';
import { provision, resource } from '../support/aws-server.ts';
import { eventually } from '../support/eventually.ts';
import { type LambdaBench, ROLE, startLambdaBench } from '../support/lambda.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { arnOf, type SqsBench, startSqsBench } from '../support/sqs.ts';

const clock = createManualClock();
let sqs: SqsBench;
let bench: LambdaBench;
let denied: string | undefined;

beforeAll(async () => {
  sqs = await startSqsBench({ clock });
  bench = await startLambdaBench({
    clock,
    queues: sqs.sqs.queues,
    authorize: (_, action) => {
      if (action === denied) throw new AwsError('AccessDeniedException', `not allowed: ${action}`, 403);
    },
  });
});

afterAll(async () => {
  await bench.close();
  await sqs.close();
});

beforeEach(() => {
  denied = undefined;
});

const FAILS = 'exports.handler = async (event) => { console.log("ran"); throw new RangeError("no " + event.n); };';
const WORKS = 'exports.handler = async (event) => { console.log("ran"); return event.n + 1; };';

async function send(FunctionName: string, event: unknown = { n: 1 }): Promise<string> {
  const command = new InvokeCommand({ FunctionName, InvocationType: 'Event', Payload: JSON.stringify(event) });
  const { StatusCode, $metadata } = await bench.client.send(command);
  expect(StatusCode).toBe(202);
  return $metadata.requestId ?? '';
}

/** The request ids of the function's runs, by the log. */
function runsOf(name: string): unknown[] {
  const runs = bench.log.filter(({ source, message }) => source === name && message === 'ran');
  return runs.map(({ detail }) => detail?.['requestId']);
}

/** Lets cloud time pass, a second at a time, until something is so. */
async function passUntil(isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Waits for the environment to be idle again, so that the next timer has been set. */
async function untilReported(name: string, times: number): Promise<void> {
  const count = () => bench.log.filter(({ source, message }) => source === name && message.startsWith('REPORT')).length;
  await eventually(count).toBe(times);
}

function configure(FunctionName: string, properties: object) {
  return provision(
    bench.lambda,
    resource('AWS::Lambda::EventInvokeConfig', { FunctionName, Qualifier: '$LATEST', ...properties }),
  );
}

async function received(url: string): Promise<string> {
  const [message] = await sqs.receive(url, { WaitTimeSeconds: 20 });
  return message?.Body ?? '';
}

test('an event is accepted at once, and runs later', async () => {
  const name = await bench.deploy(WORKS);
  const requestId = await send(name);
  await eventually(() => runsOf(name)).toEqual([requestId]);
});

test('an event of more than 1 MB is refused', async () => {
  const name = await bench.deploy(WORKS);
  await expect(send(name, 'x'.repeat(1024 * 1024))).rejects.toMatchObject({ name: 'RequestTooLargeException' });
});

describe('retries', () => {
  test('a failed event runs again after one minute, and after two more, under the same request id', async () => {
    const name = await bench.deploy(FAILS);
    const requestId = await send(name);
    await untilReported(name, 1);
    clock.advance(59_999);
    clock.advance(1);
    await untilReported(name, 2);
    clock.advance(119_999);
    expect(runsOf(name)).toHaveLength(2);
    clock.advance(1);
    await untilReported(name, 3);
    expect(runsOf(name)).toEqual([requestId, requestId, requestId]);
    await eventually(() => bench.log.map(({ message }) => message)).toContain(
      'gave up an asynchronous invocation after 3 attempts: RetriesExhausted',
    );
  });

  test('MaximumRetryAttempts: 0', async () => {
    const name = await bench.deploy(FAILS);
    const url = await sqs.queue();
    await configure(name, { MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: arnOf(url) } } });
    await send(name);
    expect(JSON.parse(await received(url))).toMatchObject({
      requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
    });
  });

  test('MaximumEventAgeInSeconds ends them', async () => {
    const name = await bench.deploy(FAILS);
    const url = await sqs.queue();
    const DestinationConfig = { OnFailure: { Destination: arnOf(url) } };
    await configure(name, { MaximumEventAgeInSeconds: 60, DestinationConfig });
    await send(name);
    await untilReported(name, 1);
    clock.advance(60_000);
    expect(JSON.parse(await received(url))).toMatchObject({
      requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 2 },
    });
  });

  test('a throttled event is tried again, for as long as it may be old', async () => {
    const name = await bench.deploy(WORKS, { ReservedConcurrentExecutions: 0 });
    const url = await sqs.queue();
    const DestinationConfig = { OnFailure: { Destination: arnOf(url) } };
    await configure(name, { MaximumEventAgeInSeconds: 60, DestinationConfig });
    const before = clock.now();
    await send(name);
    await passUntil(() => sqs.sqs.queues.find(arnOf(url))?.counts().visible === 1);
    expect(clock.now() - before).toBeGreaterThanOrEqual(31_000);
    const record = JSON.parse(await received(url));
    expect(record).toMatchObject({ requestContext: { condition: 'EventAgeExceeded', approximateInvokeCount: 0 } });
    expect(record).not.toHaveProperty('responsePayload');
  });
});

describe('an event of another service', () => {
  const source = { service: 'events.amazonaws.com', sourceArn: 'arn:aws:events:us-east-1:000000000000:rule/orders' };
  const arnOfFunction = (name: string) => `arn:aws:lambda:us-east-1:000000000000:function:${name}`;
  const permit = (FunctionName: string) =>
    provision(
      bench.lambda,
      resource('AWS::Lambda::Permission', {
        FunctionName,
        Action: 'lambda:InvokeFunction',
        Principal: source.service,
        SourceArn: source.sourceArn,
      }),
    );

  test('is retried under the same request id, and ends where the function says', async () => {
    const name = await bench.deploy(FAILS);
    const url = await sqs.queue();
    await permit(name);
    await configure(name, { DestinationConfig: { OnFailure: { Destination: arnOf(url) } } });
    expect(bench.lambda.invokeAsync(arnOfFunction(name), { n: 3 }, source)).toBe('accepted');
    await untilReported(name, 1);
    clock.advance(60_000);
    await untilReported(name, 2);
    clock.advance(120_000);
    await untilReported(name, 3);
    const record = JSON.parse(await received(url));
    expect(record).toMatchObject({ requestPayload: { n: 3 }, requestContext: { approximateInvokeCount: 3 } });
    expect(new Set(runsOf(name))).toEqual(new Set([record.requestContext.requestId]));
  });

  test('is denied without a permission, or without a function', async () => {
    const name = await bench.deploy(WORKS);
    expect(bench.lambda.invokeAsync(arnOfFunction(name), {}, source)).toBe('denied');
    expect(bench.lambda.invokeAsync(arnOfFunction('nobody'), {}, source)).toBe('denied');
  });
});

describe('destinations', () => {
  test('OnFailure: the record, field by field', async () => {
    const name = await bench.deploy(FAILS);
    const url = await sqs.queue();
    await configure(name, { MaximumRetryAttempts: 0, DestinationConfig: { OnFailure: { Destination: arnOf(url) } } });
    const requestId = await send(name, { n: 7 });
    expect(JSON.parse(await received(url))).toEqual({
      version: '1.0',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      requestContext: {
        requestId,
        functionArn: `arn:aws:lambda:us-east-1:000000000000:function:${name}:$LATEST`,
        condition: 'RetriesExhausted',
        approximateInvokeCount: 1,
      },
      requestPayload: { n: 7 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType: 'RangeError', errorMessage: 'no 7', trace: expect.any(Array) },
    });
  });

  test('OnSuccess to another function, which is invoked asynchronously', async () => {
    const next = await bench.deploy('exports.handler = async (event) => console.log(JSON.stringify(event));');
    const name = await bench.deploy(WORKS);
    const Destination = `arn:aws:lambda:us-east-1:000000000000:function:${next}`;
    await configure(name, { DestinationConfig: { OnSuccess: { Destination } } });
    await send(name, { n: 1 });
    await eventually(
      () => bench.log.find(({ source, level }) => source === next && level === 'info')?.message,
    ).toContain('"condition":"Success"');
    const record = JSON.parse(
      bench.log.find(({ source, level }) => source === next && level === 'info')?.message ?? '',
    );
    expect(record).toMatchObject({
      requestPayload: { n: 1 },
      responseContext: { statusCode: 200, executedVersion: '$LATEST' },
      responsePayload: 2,
    });
    expect(record.responseContext).not.toHaveProperty('functionError');
  });

  test('a dead-letter queue gets the event itself, with the error in its attributes', async () => {
    const url = await sqs.queue();
    const name = await bench.deploy(FAILS, { DeadLetterConfig: { TargetArn: arnOf(url) } });
    await configure(name, { MaximumRetryAttempts: 0 });
    const requestId = await send(name, { n: 9 });
    const [message] = await sqs.receive(url, { WaitTimeSeconds: 20, MessageAttributeNames: ['All'] });
    expect(message?.Body).toBe('{"n":9}');
    expect(message?.MessageAttributes).toMatchObject({
      RequestID: { StringValue: requestId },
      ErrorCode: { DataType: 'Number', StringValue: '200' },
      ErrorMessage: { StringValue: 'no 9' },
    });
  });

  test('a role that may not use the destination is named when the template is deployed', async () => {
    const name = await bench.deploy(WORKS);
    const url = await sqs.queue();
    denied = 'sqs:SendMessage';
    const DestinationConfig = { OnFailure: { Destination: arnOf(url) } };
    await expect(configure(name, { DestinationConfig })).rejects.toThrow(
      `Thing (AWS::Lambda::EventInvokeConfig) in Stack: the role of ${name}, ${ROLE}, must be allowed sqs:SendMessage on ${arnOf(url)}`,
    );
  });

  test('a destination that does not exist is refused', async () => {
    const name = await bench.deploy(WORKS);
    const DestinationConfig = { OnSuccess: { Destination: 'arn:aws:sns:us-east-1:000000000000:topic' } };
    await expect(configure(name, { DestinationConfig })).rejects.toThrow(
      'DestinationConfig.OnSuccess.Destination: expected the ARN of a queue or a function of the template',
    );
  });
});
