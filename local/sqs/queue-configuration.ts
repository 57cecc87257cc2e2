import * as v from 'valibot';
import { count, propertyError, readProperties } from '../resource-properties.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Resource } from '../service.ts';
import {
  MAX_DELAY_SECONDS,
  MAX_MESSAGE_BYTES,
  MAX_RETENTION_SECONDS,
  MAX_VISIBILITY_TIMEOUT_SECONDS,
  MAX_WAIT_SECONDS,
  MIN_RETENTION_SECONDS,
} from './limits.ts';

/** A standard queue's settings. */
export interface QueueConfiguration {
  readonly name: string;
  readonly arn: string;
  readonly url: string;
  readonly delaySeconds: number;
  readonly maxMessageBytes: number;
  readonly retentionSeconds: number;
  readonly waitSeconds: number;
  readonly visibilityTimeoutSeconds: number;
  readonly redrive?: RedrivePolicy;
}

/** A message goes to the dead-letter queue after more than `maxReceiveCount` receipts. */
export interface RedrivePolicy {
  readonly deadLetterTargetArn: string;
  readonly maxReceiveCount: number;
}

/** The properties of `AWS::SQS::Queue` with an effect here, without those of FIFO queues. */
export const QUEUE_PROPERTIES = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'QueueName',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
  'VisibilityTimeout',
];

/** Encryption at rest has no effect that a caller could observe. */
export const INERT_QUEUE_PROPERTIES = [
  'KmsDataKeyReusePeriodSeconds',
  'KmsMasterKeyId',
  'SqsManagedSseEnabled',
  'Tags',
];

const MIN_MAXIMUM_MESSAGE_BYTES = 1024;
const DEFAULT_RETENTION_SECONDS = 345_600;
const DEFAULT_VISIBILITY_TIMEOUT_SECONDS = 30;
const MAX_MAX_RECEIVE_COUNT = 1000;

const seconds = (min: number, max: number, byDefault: number) =>
  v.optional(v.pipe(count, v.minValue(min), v.maxValue(max)), byDefault);

const schema = v.object({
  DelaySeconds: seconds(0, MAX_DELAY_SECONDS, 0),
  MaximumMessageSize: seconds(MIN_MAXIMUM_MESSAGE_BYTES, MAX_MESSAGE_BYTES, MAX_MESSAGE_BYTES),
  MessageRetentionPeriod: seconds(MIN_RETENTION_SECONDS, MAX_RETENTION_SECONDS, DEFAULT_RETENTION_SECONDS),
  QueueName: v.optional(v.pipe(v.string(), v.regex(/^[A-Za-z0-9-_.]{1,80}$/))),
  ReceiveMessageWaitTimeSeconds: seconds(0, MAX_WAIT_SECONDS, 0),
  RedrivePolicy: v.optional(
    v.strictObject({
      deadLetterTargetArn: v.string(),
      maxReceiveCount: v.pipe(count, v.minValue(1), v.maxValue(MAX_MAX_RECEIVE_COUNT)),
    }),
  ),
  VisibilityTimeout: seconds(0, MAX_VISIBILITY_TIMEOUT_SECONDS, DEFAULT_VISIBILITY_TIMEOUT_SECONDS),
});

/**
 * Reads an `AWS::SQS::Queue`.
 * @throws Error naming the resource and the wrong property
 */
export function readQueue(resource: Resource): QueueConfiguration {
  const properties = readProperties(resource, schema);
  const name = properties.QueueName ?? resource.physicalName;
  if (name.includes('.'))
    throw propertyError(resource, 'QueueName', `"${name}" is the name of a FIFO queue, or of no queue`);
  return {
    name,
    arn: queueArn(name),
    url: queueUrl(name),
    delaySeconds: properties.DelaySeconds,
    maxMessageBytes: properties.MaximumMessageSize,
    retentionSeconds: properties.MessageRetentionPeriod,
    waitSeconds: properties.ReceiveMessageWaitTimeSeconds,
    visibilityTimeoutSeconds: properties.VisibilityTimeout,
    ...(properties.RedrivePolicy && { redrive: properties.RedrivePolicy }),
  };
}

export function queueArn(name: string): string {
  return `arn:aws:sqs:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${name}`;
}

/** Returns the URL in AWS's form. The network of functions leads to the local cloud. */
export function queueUrl(name: string): string {
  return `https://sqs.${LOCAL_REGION}.amazonaws.com/${LOCAL_ACCOUNT}/${name}`;
}
