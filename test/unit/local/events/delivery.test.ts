import { expect, test, vi } from 'vitest';
import { createDeliver } from '../../../../local/events/delivery.ts';
import { createEvent } from '../../../../local/events/put-events.ts';
import type { Rule } from '../../../../local/events/rules.ts';
import type { InvokeAsync, Log } from '../../../../local/service.ts';

const rule: Rule = {
  name: 'orders',
  arn: 'arn:aws:events:us-east-1:000000000000:rule/orders',
  busName: 'default',
  enabled: true,
  targets: [{ arn: 'arn:aws:lambda:us-east-1:000000000000:function:f', kind: 'function', transform: (event) => event }],
};

const event = createEvent({ source: 'shop', detailType: 'Placed', detail: { id: 1 }, resources: [], time: 0 });

function setUp(outcome: ReturnType<InvokeAsync> = 'accepted') {
  const log = vi.fn<Log>();
  const invokeAsync = vi.fn<InvokeAsync>(() => outcome);
  return { log, invokeAsync, deliver: createDeliver({ log, invokeAsync }) };
}

test('Lambda gets the event for a function, on behalf of the rule', () => {
  const { log, invokeAsync, deliver } = setUp();
  deliver(rule, event);
  expect(invokeAsync.mock.calls).toEqual([
    [rule.targets[0]?.arn, event, { service: 'events.amazonaws.com', sourceArn: rule.arn }],
  ]);
  expect(log).not.toHaveBeenCalled();
});

test('an event for a function that the rule may not invoke is lost, and the log says so', () => {
  const { log, deliver } = setUp('denied');
  deliver(rule, event);
  expect(log.mock.calls).toMatchObject([[{ level: 'error', source: 'rule orders' }]]);
});

test('a log group gets the event as a line', () => {
  const { log, deliver } = setUp();
  const arn = 'arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/orders:*';
  deliver({ ...rule, targets: [{ arn, kind: 'log-group', transform: ({ detail }) => detail }] }, event);
  expect(log.mock.calls).toEqual([[{ level: 'info', source: '/aws/events/orders', message: '{"id":1}' }]]);
});
