import { LOCAL_REGION } from '../service.ts';
import { type Delivery, md5OfAttributes, md5OfBody, systemAttributes } from '../sqs/index.ts';

/** One message in the form for functions (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html). */
export function toRecord(delivery: Delivery, queueArn: string): Record<string, unknown> {
  const { message, receiptHandle } = delivery;
  const digest = md5OfAttributes(message.attributes);
  return {
    messageId: message.id,
    receiptHandle,
    body: message.body,
    attributes: systemAttributes(message),
    messageAttributes: Object.fromEntries(
      Object.entries(message.attributes).map(([name, value]) => [name, attribute(value)]),
    ),
    ...(digest !== undefined && { md5OfMessageAttributes: digest }),
    md5OfBody: md5OfBody(message.body),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: LOCAL_REGION,
  };
}

function attribute(value: Delivery['message']['attributes'][string]): Record<string, unknown> {
  return {
    ...(value.StringValue !== undefined && { stringValue: value.StringValue }),
    ...(value.BinaryValue !== undefined && { binaryValue: value.BinaryValue }),
    stringListValues: [],
    binaryListValues: [],
    dataType: value.DataType,
  };
}

/**
 * Returns the messages of a batch that the function reports as failed, or `undefined` for a malformed answer, which fails
 * the whole batch (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, "Success and failure
 * conditions").
 */
export function failedMessageIds(answer: unknown, messageIds: ReadonlySet<string>): ReadonlySet<string> | undefined {
  if (answer === null) return new Set();
  if (typeof answer !== 'object') return undefined;
  const failures: unknown = 'batchItemFailures' in answer ? answer.batchItemFailures : undefined;
  if (failures === undefined || failures === null) return new Set();
  if (!Array.isArray(failures)) return undefined;
  const failed = new Set<string>();
  for (const failure of failures) {
    const id: unknown = failure?.itemIdentifier;
    if (typeof id !== 'string' || !messageIds.has(id)) return undefined;
    failed.add(id);
  }
  return failed;
}
