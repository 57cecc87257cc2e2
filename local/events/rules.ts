import * as v from 'valibot';
import { record } from '../record.ts';
import { propertyError, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';
import { eventBusName, ruleArn } from './arn.ts';
import { compilePattern, type Matcher } from './pattern.ts';
import { readTransform, type Transform } from './target-input.ts';

export interface Target {
  readonly arn: string;
  readonly kind: 'function' | 'log-group';
  /** Makes the target's input from the event. */
  readonly transform: Transform;
}

export interface Rule {
  readonly name: string;
  readonly arn: string;
  readonly busName: string;
  readonly enabled: boolean;
  /** Absent if the rule only has a schedule. */
  readonly matches?: Matcher;
  /** The time between two scheduled events. Absent if the rule only matches events. */
  readonly everyMs?: number;
  readonly targets: readonly Target[];
}

const properties = v.object({
  Name: v.optional(v.string()),
  EventBusName: v.optional(v.string(), 'default'),
  EventPattern: v.optional(v.union([record(v.unknown()), v.string()])),
  ScheduleExpression: v.optional(v.string()),
  State: v.optional(v.picklist(['ENABLED', 'DISABLED']), 'ENABLED'),
  Targets: v.optional(
    v.array(
      v.strictObject({
        Id: v.string(),
        Arn: v.string(),
        Input: v.optional(v.string()),
        InputPath: v.optional(v.string()),
      }),
    ),
    [],
  ),
});

/**
 * Reads an `AWS::Events::Rule`.
 * @throws Error naming the resource and the malformed or unsupported property
 */
export function readRule(resource: Resource): Rule {
  const { Name, EventBusName, EventPattern, ScheduleExpression, State, Targets } = readProperties(resource, properties);
  if (EventPattern === undefined && ScheduleExpression === undefined) {
    throw propertyError(resource, 'EventPattern', 'expected this or a ScheduleExpression');
  }
  const name = Name ?? resource.physicalName;
  const busName = eventBusName(EventBusName);
  return {
    name,
    arn: ruleArn(busName, name),
    busName,
    enabled: State === 'ENABLED',
    ...(EventPattern !== undefined && { matches: readPattern(resource, EventPattern) }),
    ...(ScheduleExpression !== undefined && { everyMs: readSchedule(resource, ScheduleExpression) }),
    targets: Targets.map((target, index) => ({
      arn: target.Arn,
      kind: kindOf(resource, target.Arn, `Targets.${index}.Arn`),
      transform: readTransform(resource, target, `Targets.${index}`),
    })),
  };
}

function readPattern(resource: Resource, pattern: unknown): Matcher {
  try {
    return compilePattern(typeof pattern === 'string' ? JSON.parse(pattern) : pattern);
  } catch (error) {
    throw propertyError(resource, 'EventPattern', error instanceof Error ? error.message : String(error));
  }
}

const UNITS_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

function readSchedule(resource: Resource, expression: string): number {
  const [, count, unit] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (Number(count) > 0) return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS];
  const problem = `only rates, such as rate(5 minutes), are supported locally, got ${expression}`;
  throw propertyError(resource, 'ScheduleExpression', problem);
}

function kindOf(resource: Resource, arn: string, property: string): Target['kind'] {
  if (/^arn:aws:lambda:[^:]+:\d+:function:/.test(arn)) return 'function';
  if (/^arn:aws:logs:[^:]+:\d+:log-group:/.test(arn)) return 'log-group';
  throw propertyError(resource, property, `only Lambda functions and log groups are supported locally, got ${arn}`);
}
