import { expect, test, vi } from 'vitest';
import { createDelivery } from '../../../../local/events/delivery.ts';
import { createEvent } from '../../../../local/events/put-events.ts';
import type { Rule } from '../../../../local/events/rules.ts';
import type { InvocationResult, Invoke, Log } from '../../../../local/service.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

const MINUTE_MS = 60_000;

const rule: Rule = {
  name: 'orders',
  arn: 'arn:aws:events:us-east-1:000000000000:rule/orders',
  busName: 'default',
  enabled: true,
  targets: [{ arn: 'arn:aws:lambda:us-east-1:000000000000:function:f', kind: 'function', transform: (event) => event }],
};

const event = createEvent({ source: 'shop', detailType: 'Placed', detail: { id: 1 }, resources: [], time: 0 });

function setUp(...outcomes: InvocationResult[]) {
  const clock = createSteppedClock();
  const log = vi.fn<Log>();
  const calledAtMs: number[] = [];
  const startMs = clock.now();
  const invoke = vi.fn<Invoke>(async () => {
    calledAtMs.push(clock.now() - startMs);
    return outcomes.shift() ?? { kind: 'ok', payload: null };
  });
  return { clock, log, invoke, calledAtMs, delivery: createDelivery({ clock, log, invoke }) };
}

const failed: InvocationResult = { kind: 'error', errorType: 'Error', errorMessage: 'no' };
const levels = (log: ReturnType<typeof setUp>['log']) => log.mock.calls.map(([entry]) => entry.level);

test('a function gets the event, on behalf of the rule', async () => {
  const { clock, invoke, delivery } = setUp();
  delivery.deliver(rule, event);
  await clock.advance(0);
  expect(invoke.mock.calls).toEqual([
    [rule.targets[0]?.arn, event, { service: 'events.amazonaws.com', sourceArn: rule.arn }],
  ]);
});

test('a function that fails is tried again after one minute and after two more', async () => {
  const { clock, log, calledAtMs, delivery } = setUp(failed, { kind: 'timeout' }, failed);
  delivery.deliver(rule, event);
  await clock.advance(60 * MINUTE_MS);
  expect(calledAtMs).toEqual([0, MINUTE_MS, 3 * MINUTE_MS]);
  expect(levels(log)).toEqual(['warn', 'warn', 'error']);
});

test('a function that then succeeds is left alone', async () => {
  const { clock, calledAtMs, delivery } = setUp(failed);
  delivery.deliver(rule, event);
  await clock.advance(60 * MINUTE_MS);
  expect(calledAtMs).toEqual([0, MINUTE_MS]);
});

test('a function without permission is not tried again', async () => {
  const { clock, log, calledAtMs, delivery } = setUp({ kind: 'denied' });
  delivery.deliver(rule, event);
  await clock.advance(60 * MINUTE_MS);
  expect(calledAtMs).toEqual([0]);
  expect(levels(log)).toEqual(['error']);
});

test('a throttled function is tried for hours, less and less often, and that does not use up its retries', async () => {
  const throttled = Array.from({ length: 200 }, (): InvocationResult => ({ kind: 'throttled' }));
  const { clock, calledAtMs, delivery } = setUp(...throttled);
  delivery.deliver(rule, event);
  await clock.advance(12 * 60 * MINUTE_MS);
  expect(calledAtMs.slice(0, 4)).toEqual([0, 1000, 3000, 7000]);
  const gaps = calledAtMs.slice(1).map((at, index) => at - (calledAtMs[index] ?? 0));
  expect(Math.max(...gaps)).toBe(5 * MINUTE_MS);
  expect(calledAtMs.at(-1)).toBeGreaterThanOrEqual(6 * 60 * MINUTE_MS);
  expect(calledAtMs.at(-1)).toBeLessThan(6.1 * 60 * MINUTE_MS);
});

test('a log group gets the event as a line', async () => {
  const { clock, log, delivery } = setUp();
  const arn = 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/orders:*';
  delivery.deliver({ ...rule, targets: [{ arn, kind: 'log-group', transform: ({ detail }) => detail }] }, event);
  await clock.advance(0);
  expect(log.mock.calls).toEqual([[{ level: 'info', source: '/aws/events/orders', message: '{"id":1}' }]]);
});

test('closing ends the waiting', async () => {
  const { clock, calledAtMs, delivery } = setUp(failed, failed);
  delivery.deliver(rule, event);
  await clock.advance(0);
  await delivery.close();
  await clock.advance(60 * MINUTE_MS);
  expect(calledAtMs).toEqual([0]);
  expect(clock.pending).toBe(0);
});
