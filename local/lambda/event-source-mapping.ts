import * as v from 'valibot';
import { count, flag, propertyError, readProperties } from '../resource-properties.ts';
import type { Resource } from '../service.ts';

/** The settings for passing a queue's messages to a function. */
export interface EventSourceMapping {
  readonly functionName: string;
  readonly queueArn: string;
  readonly batchSize: number;
  readonly batchingWindowSeconds: number;
  readonly reportsBatchItemFailures: boolean;
  /** The number of batches at the same time. */
  readonly maxConcurrency: number;
  readonly enabled: boolean;
}

export const EVENT_SOURCE_MAPPING_PROPERTIES = [
  'BatchSize',
  'Enabled',
  'EventSourceArn',
  'FunctionName',
  'FunctionResponseTypes',
  'MaximumBatchingWindowInSeconds',
  'ScalingConfig',
];

/** Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-parameters.html */
const DEFAULT_BATCH_SIZE = 10;
const MAX_BATCH_SIZE = 10_000;
/** Larger batches need a batching window (the same page). */
const MAX_BATCH_SIZE_WITHOUT_WINDOW = 10;
const MAX_BATCHING_WINDOW_SECONDS = 300;
/**
 * "Lambda … starts processing five batches at a time" (services-sqs-scaling.html). It would go on to add up to 300 a
 * minute during a backlog. A laptop stays at five.
 */
const DEFAULT_CONCURRENCY = 5;

const between = (min: number, max: number) => v.pipe(count, v.minValue(min), v.maxValue(max));

const schema = v.object({
  BatchSize: v.optional(between(1, MAX_BATCH_SIZE), DEFAULT_BATCH_SIZE),
  Enabled: v.optional(flag, true),
  EventSourceArn: v.string(),
  FunctionName: v.string(),
  FunctionResponseTypes: v.optional(v.array(v.literal('ReportBatchItemFailures')), []),
  MaximumBatchingWindowInSeconds: v.optional(between(0, MAX_BATCHING_WINDOW_SECONDS), 0),
  ScalingConfig: v.optional(v.strictObject({ MaximumConcurrency: v.optional(between(2, 1000)) })),
});

/**
 * Reads an `AWS::Lambda::EventSourceMapping` of a queue.
 * @throws Error naming the resource and the wrong property
 */
export function readEventSourceMapping(resource: Resource): EventSourceMapping {
  const properties = readProperties(resource, schema);
  const { BatchSize, EventSourceArn, MaximumBatchingWindowInSeconds } = properties;
  if (!EventSourceArn.startsWith('arn:aws:sqs:')) {
    throw propertyError(resource, 'EventSourceArn', `only SQS queues are supported locally, got ${EventSourceArn}`);
  }
  if (BatchSize > MAX_BATCH_SIZE_WITHOUT_WINDOW && MaximumBatchingWindowInSeconds === 0) {
    throw propertyError(
      resource,
      'BatchSize',
      `more than ${MAX_BATCH_SIZE_WITHOUT_WINDOW} need a MaximumBatchingWindowInSeconds of at least 1`,
    );
  }
  return {
    functionName: properties.FunctionName,
    queueArn: EventSourceArn,
    batchSize: BatchSize,
    batchingWindowSeconds: MaximumBatchingWindowInSeconds,
    reportsBatchItemFailures: properties.FunctionResponseTypes.length > 0,
    maxConcurrency: properties.ScalingConfig?.MaximumConcurrency ?? DEFAULT_CONCURRENCY,
    enabled: properties.Enabled,
  };
}
