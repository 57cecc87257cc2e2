import { AwsError } from '../service.ts';
import type { Queue } from './queue.ts';

/** Returns the answer to `GetQueueAttributes`. @throws AwsError for a name that standard queues do not have */
export function queueAttributes(queue: Queue, wanted: readonly string[]): Record<string, string> {
  const all = allAttributes(queue);
  if (wanted.includes('All')) return all;
  const picked: Record<string, string> = {};
  for (const name of wanted) {
    if (Object.hasOwn(all, name)) picked[name] = all[name] ?? '';
    else if (!OPTIONAL.has(name)) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
  }
  return picked;
}

/** Optional attributes of a queue. */
const OPTIONAL = new Set([
  'Policy',
  'RedrivePolicy',
  'RedriveAllowPolicy',
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
]);

function allAttributes({ configuration, openedAt, counts }: Queue): Record<string, string> {
  const { visible, inFlight, delayed } = counts();
  const openedSeconds = String(Math.floor(openedAt / 1000));
  return {
    QueueArn: configuration.arn,
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(inFlight),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    CreatedTimestamp: openedSeconds,
    LastModifiedTimestamp: openedSeconds,
    DelaySeconds: String(configuration.delaySeconds),
    MaximumMessageSize: String(configuration.maxMessageBytes),
    MessageRetentionPeriod: String(configuration.retentionSeconds),
    ReceiveMessageWaitTimeSeconds: String(configuration.waitSeconds),
    VisibilityTimeout: String(configuration.visibilityTimeoutSeconds),
    SqsManagedSseEnabled: 'true',
    ...(configuration.redrive && { RedrivePolicy: JSON.stringify(configuration.redrive) }),
  };
}
