import * as v from 'valibot';
import type { Cancel, Clock } from '../clock.ts';
import { type Json, type JsonAnswer, serveJson } from '../json-protocol.ts';
import { readProperties } from '../resource-properties.ts';
import {
  type Authorize,
  AwsError,
  type AwsService,
  type InvokeAsync,
  type Log,
  type Principal,
  type ResourceProvider,
} from '../service.ts';
import { eventBusArn } from './arn.ts';
import { createDeliver } from './delivery.ts';
import { createEvent, type EventBridgeEvent, entriesOf, readEntry, subjectOf } from './put-events.ts';
import { type Rule, readRule } from './rules.ts';

export interface EventBridgeOptions {
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly log: Log;
  readonly invokeAsync: InvokeAsync;
}

/**
 * The service `events`: `PutEvents`, buses, and rules that deliver events to Lambda functions or to a log group, by pattern
 * or at a rate. Lambda invokes the functions asynchronously.
 */
export function createEventBridge(options: EventBridgeOptions): AwsService {
  const { clock, authorize, log } = options;
  const buses = new Set(['default']);
  const rules: Rule[] = [];
  const deliver = createDeliver(options);
  const schedules = createSchedules(clock, deliver);

  const publish = (busName: string, event: EventBridgeEvent) => {
    if (!buses.has(busName)) {
      // AWS accepts the event without an error: https://github.com/aws/aws-cli/issues/9186
      log({ level: 'warn', source: 'events', message: `An event is lost: there is no event bus ${busName}` });
    }
    for (const rule of rules) {
      if (rule.enabled && rule.busName === busName && rule.matches?.(event)) deliver(rule, event);
    }
  };

  const putEvents = (principal: Principal, input: Json): JsonAnswer => {
    const entries = entriesOf(input);
    for (const { busArn, source, detailType } of entries.map(subjectOf)) {
      const context = { 'events:source': source, 'events:detail-type': detailType };
      authorize(principal, 'events:PutEvents', busArn, context);
    }
    const results = entries.map((entry) => {
      const read = readEntry(entry, clock.now());
      if ('code' in read) return { ErrorCode: read.code, ErrorMessage: read.message };
      publish(read.busName, read.event);
      return { EventId: read.event.id };
    });
    const FailedEntryCount = results.filter((result) => 'ErrorCode' in result).length;
    return { statusCode: 200, body: { FailedEntryCount, Entries: results } };
  };

  return {
    name: 'events',
    providers: [
      busProvider((name) => buses.add(name)),
      ruleProvider((rule) => {
        rules.push(rule);
        schedules.start(rule);
      }),
    ],
    handle: (request) =>
      serveJson(request, '1.1', (operation, input) => {
        if (operation === 'PutEvents') return putEvents(request.principal, input);
        throw new AwsError(
          'UnknownOperationException',
          `The EventBridge operation ${operation} is not supported locally.`,
        );
      }),
    async close() {
      schedules.stop();
    },
  };
}

function busProvider(add: (name: string) => void): ResourceProvider {
  return {
    type: 'AWS::Events::EventBus',
    properties: ['Name'],
    inertProperties: ['Description', 'KmsKeyIdentifier', 'LogConfig', 'Tags'],
    create(resource) {
      const { Name } = readProperties(resource, v.object({ Name: v.string() }));
      add(Name);
      return { ref: Name, attributes: { Arn: eventBusArn(Name), Name } };
    },
  };
}

function ruleProvider(add: (rule: Rule) => void): ResourceProvider {
  return {
    type: 'AWS::Events::Rule',
    properties: ['Name', 'EventBusName', 'EventPattern', 'ScheduleExpression', 'State', 'Targets'],
    inertProperties: ['Description', 'Tags'],
    create(resource) {
      const rule = readRule(resource);
      add(rule);
      return { ref: rule.name, attributes: { Arn: rule.arn } };
    },
  };
}

/** Emits events at the rates of rules. */
function createSchedules(clock: Clock, deliver: (rule: Rule, event: EventBridgeEvent) => void) {
  const timers = new Map<Rule, Cancel>();
  const start = (rule: Rule): void => {
    if (rule.everyMs === undefined || !rule.enabled) return;
    const tick = () => {
      deliver(rule, scheduledEvent(rule, clock.now()));
      start(rule);
    };
    timers.set(rule, clock.after(rule.everyMs, tick));
  };
  return {
    start,
    stop() {
      for (const cancel of timers.values()) cancel();
    },
  };
}

function scheduledEvent(rule: Rule, time: number): EventBridgeEvent {
  return createEvent({ source: 'aws.events', detailType: 'Scheduled Event', detail: {}, resources: [rule.arn], time });
}
