import {
  EventBridgeClient,
  ListRulesCommand,
  PutEventsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createEventBridge } from '../../local/events/index.ts';
import { type Authorize, AwsError, type AwsService, type InvokeAsync, type Log } from '../../local/service.ts';
import { type AwsServer, provision, resource, startAwsServer } from '../support/aws-server.ts';
import { createSteppedClock, type SteppedClock } from '../support/stepped-clock.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:onOrder';

let clock: SteppedClock;
let service: AwsService;
let server: AwsServer;
let client: EventBridgeClient;
const invoke = vi.fn<InvokeAsync>();
const log = vi.fn<Log>();
const authorize = vi.fn<Authorize>();

beforeEach(async () => {
  vi.resetAllMocks();
  invoke.mockReturnValue('accepted');
  clock = createSteppedClock(Date.UTC(2026, 1, 3, 4, 5, 6, 789));
  service = createEventBridge({ clock, authorize, log, invokeAsync: invoke });
  server = await startAwsServer(service);
  client = new EventBridgeClient(server.client());
});

afterEach(async () => {
  client.destroy();
  await server.close();
});

const entry = (more: Partial<PutEventsRequestEntry> = {}): PutEventsRequestEntry => ({
  Source: 'shop',
  DetailType: 'OrderPlaced',
  Detail: '{"total":5}',
  ...more,
});

const put = (...Entries: PutEventsRequestEntry[]) => client.send(new PutEventsCommand({ Entries }));

const rule = (properties: object, logicalId = 'Rule') =>
  provision(
    service,
    resource('AWS::Events::Rule', { Targets: [{ Id: 'one', Arn: FUNCTION }], ...properties }, logicalId),
  );

const invoked = () => vi.waitFor(() => expect(invoke).toHaveBeenCalledTimes(1)).then(() => invoke.mock.calls[0]);

test('a matching event reaches the function, with every field', async () => {
  const { ref, attributes } = await rule({
    EventPattern: { source: ['shop'], detail: { total: [{ numeric: ['>', 1] }] } },
  });
  expect(ref).toBe('Stack-Rule-1a2b3c');
  const { Entries, FailedEntryCount } = await put(entry({ Resources: ['arn:x'] }));
  expect(FailedEntryCount).toBe(0);
  expect(await invoked()).toEqual([
    FUNCTION,
    {
      version: '0',
      id: Entries?.[0]?.EventId,
      'detail-type': 'OrderPlaced',
      source: 'shop',
      account: '000000000000',
      time: '2026-02-03T04:05:06Z',
      region: 'us-east-1',
      resources: ['arn:x'],
      detail: { total: 5 },
    },
    { service: 'events.amazonaws.com', sourceArn: attributes['Arn'] },
  ]);
});

test('an event that no rule describes goes nowhere, nor does one for a disabled rule', async () => {
  await rule({ EventPattern: { source: ['other'] } });
  await rule({ EventPattern: { source: ['shop'] }, State: 'DISABLED' }, 'Disabled');
  await put(entry());
  await clock.advance(0);
  expect(invoke).not.toHaveBeenCalled();
});

test('a custom bus has rules of its own', async () => {
  const bus = await provision(service, resource('AWS::Events::EventBus', { Name: 'shop' }));
  expect(bus).toEqual({
    ref: 'shop',
    attributes: { Arn: 'arn:aws:events:us-east-1:000000000000:event-bus/shop', Name: 'shop' },
  });
  const { attributes } = await rule({ EventBusName: 'shop', EventPattern: { source: ['shop'] } });
  expect(attributes['Arn']).toBe('arn:aws:events:us-east-1:000000000000:rule/shop/Stack-Rule-1a2b3c');
  await put(entry());
  await clock.advance(0);
  expect(invoke).not.toHaveBeenCalled();
  await put(entry({ EventBusName: String(bus.attributes['Arn']) }));
  await invoked();
});

test('an event for a bus that does not exist is taken, as on AWS, and the log says that it is lost', async () => {
  expect(await put(entry({ EventBusName: 'nowhere' }))).toMatchObject({ FailedEntryCount: 0 });
  expect(log.mock.calls[0]?.[0].message).toContain('there is no event bus nowhere');
});

test('an error of one entry does not affect the others', async () => {
  await rule({ EventPattern: { source: ['shop'] } });
  const { FailedEntryCount, Entries } = await put(
    entry({ Source: '' }),
    entry({ DetailType: undefined }),
    entry({ Detail: undefined }),
    entry({ Detail: 'not JSON' }),
    entry({ Detail: '[1]' }),
    entry({ Source: 'aws.s3' }),
    entry(),
  );
  expect(FailedEntryCount).toBe(6);
  expect(Entries?.map((each) => each.ErrorCode)).toEqual([
    'InvalidArgument',
    'InvalidArgument',
    'InvalidArgument',
    'MalformedDetail',
    'MalformedDetail',
    'NotAuthorizedForSourceException',
    undefined,
  ]);
  expect(Entries?.[1]?.ErrorMessage).toBe(
    'Parameter DetailType is not valid. Reason: DetailType is a required argument.',
  );
  await invoked();
});

test('a request has at most 10 entries and 256 KB', async () => {
  await expect(put(...Array.from({ length: 11 }, () => entry()))).rejects.toMatchObject({
    name: 'ValidationException',
  });
  const half = entry({ Detail: JSON.stringify({ text: 'x'.repeat(130 * 1024) }) });
  await expect(put(half, half)).rejects.toMatchObject({
    name: 'ValidationException',
    message: 'Total size of the entries in the request is over the limit.',
  });
  expect(await put(half)).toMatchObject({ FailedEntryCount: 0 });
});

test('permission is asked for each entry, on its bus', async () => {
  authorize.mockImplementation((_principal, _action, _arn, context) => {
    if (context?.['events:source'] === 'forbidden') throw new AwsError('AccessDeniedException', 'No.', 400);
  });
  await expect(put(entry(), entry({ Source: 'forbidden' }))).rejects.toMatchObject({ name: 'AccessDeniedException' });
  expect(authorize).toHaveBeenCalledWith(
    { kind: 'admin' },
    'events:PutEvents',
    'arn:aws:events:us-east-1:000000000000:event-bus/default',
    { 'events:source': 'shop', 'events:detail-type': 'OrderPlaced' },
  );
});

test('a target can get a constant, or a part of the event', async () => {
  await rule({
    EventPattern: { source: ['shop'] },
    Targets: [
      { Id: 'constant', Arn: FUNCTION, Input: '{"hello":1}' },
      { Id: 'part', Arn: FUNCTION, InputPath: '$.detail.total' },
    ],
  });
  await put(entry());
  await vi.waitFor(() => expect(invoke.mock.calls.map(([, payload]) => payload)).toEqual([{ hello: 1 }, 5]));
});

test('a rule at a rate makes events by itself, until the service is closed', async () => {
  await rule({ ScheduleExpression: 'rate(5 minutes)' });
  await clock.advance(16 * 60_000);
  expect(invoke).toHaveBeenCalledTimes(3);
  expect(invoke.mock.calls[0]?.[1]).toMatchObject({
    source: 'aws.events',
    'detail-type': 'Scheduled Event',
    detail: {},
  });
  await service.close();
  expect(clock.pending).toBe(0);
});

test.each([
  [{}, 'EventPattern: expected this or a ScheduleExpression'],
  [{ EventPattern: { source: [{ cidr: 'x' }] } }, 'EventPattern: source: the operator cidr is not supported locally'],
  [{ ScheduleExpression: 'cron(0 12 * * ? *)' }, 'ScheduleExpression: only rates'],
  [
    { EventPattern: { source: ['x'] }, Targets: [{ Id: 'q', Arn: 'arn:aws:sqs:us-east-1:0:q' }] },
    'Targets.0.Arn: only Lambda',
  ],
  [
    { EventPattern: { source: ['x'] }, Targets: [{ Id: 'q', Arn: FUNCTION, InputTransformer: {} }] },
    'Targets.0.InputTransformer: this property is not supported locally',
  ],
  [
    { EventPattern: { source: ['x'] }, Targets: [{ Id: 'q', Arn: FUNCTION, Input: '{' }] },
    'Targets.0.Input: expected JSON',
  ],
])('a rule with %j is refused by name', async (properties, message) => {
  await expect(rule(properties)).rejects.toThrow(`Rule (AWS::Events::Rule) in Stack: ${message}`);
});

test('an operation that is not emulated is refused by name', async () => {
  await expect(client.send(new ListRulesCommand({}))).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringContaining('ListRules'),
  });
});
