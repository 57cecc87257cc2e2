import * as v from 'valibot';
import { count, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';

/** The retries and destinations of a function's asynchronous invocations. */
export interface EventInvokeConfig {
  readonly maxRetryAttempts: number;
  readonly maxEventAgeSeconds: number;
  /** ARNs of a queue or a function. */
  readonly onSuccess?: string | undefined;
  readonly onFailure?: string | undefined;
}

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
export const DEFAULT_EVENT_INVOKE_CONFIG: EventInvokeConfig = { maxRetryAttempts: 2, maxEventAgeSeconds: 21_600 };

export const EVENT_INVOKE_CONFIG_PROPERTIES = [
  'DestinationConfig',
  'FunctionName',
  'MaximumEventAgeInSeconds',
  'MaximumRetryAttempts',
  'Qualifier',
];

const destination = v.optional(v.strictObject({ Destination: v.string() }));
const { maxRetryAttempts, maxEventAgeSeconds } = DEFAULT_EVENT_INVOKE_CONFIG;

const schema = v.object({
  DestinationConfig: v.optional(v.strictObject({ OnSuccess: destination, OnFailure: destination }), {}),
  FunctionName: v.string(),
  MaximumEventAgeInSeconds: v.optional(
    v.pipe(count, v.minValue(60), v.maxValue(maxEventAgeSeconds)),
    maxEventAgeSeconds,
  ),
  MaximumRetryAttempts: v.optional(v.pipe(count, v.minValue(0), v.maxValue(maxRetryAttempts)), maxRetryAttempts),
  Qualifier: v.string(),
});

interface NamedConfig extends EventInvokeConfig {
  readonly functionName: string;
  /** A version or an alias. All versions of a function share one configuration here. */
  readonly qualifier: string;
}

/**
 * Reads an `AWS::Lambda::EventInvokeConfig`.
 * @throws Error naming the resource and the wrong property
 */
export function readEventInvokeConfig(resource: Resource): NamedConfig {
  const properties = readProperties(resource, schema);
  return {
    functionName: properties.FunctionName,
    qualifier: properties.Qualifier,
    maxRetryAttempts: properties.MaximumRetryAttempts,
    maxEventAgeSeconds: properties.MaximumEventAgeInSeconds,
    onSuccess: properties.DestinationConfig.OnSuccess?.Destination,
    onFailure: properties.DestinationConfig.OnFailure?.Destination,
  };
}
