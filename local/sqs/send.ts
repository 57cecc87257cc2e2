import { AwsError } from '../service.ts';
import type { Input } from './inputs.ts';
import { md5OfAttributes, md5OfBody } from './md5.ts';
import type { Message, MessageAttributes } from './message.ts';
import type { Queue, SendInput } from './queue.ts';

type Entry = Omit<Input<'SendMessage'>, 'QueueUrl'>;

/** Who sends a message, and in which trace. */
export interface Sender {
  readonly senderId: string;
  /** The header of the request, if it has one: "AWSTraceHeader" of the message. */
  readonly traceHeader: string | undefined;
}

/**
 * The characters that XML 1.0 allows, and so SQS
 * (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
 */
const INVALID_CHARACTER = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

/** Checks a message against the queue's limits. @throws AwsError */
export function toSendInput(queue: Queue, entry: Entry, { senderId, traceHeader }: Sender): SendInput {
  const { MessageBody: body, MessageAttributes: attributes, DelaySeconds, MessageSystemAttributes } = entry;
  const trace = MessageSystemAttributes.AWSTraceHeader?.StringValue ?? traceHeader;
  if (INVALID_CHARACTER.test(body)) {
    throw new AwsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are those of XML 1.0.',
    );
  }
  const { maxMessageBytes } = queue.configuration;
  if (sizeOf(entry) > maxMessageBytes) {
    throw new AwsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${maxMessageBytes} bytes.`,
    );
  }
  return {
    body,
    attributes,
    senderId,
    ...(trace !== undefined && { traceHeader: trace }),
    ...(DelaySeconds !== undefined && { delaySeconds: DelaySeconds }),
  };
}

/** Returns a message's size, with its attributes: names, types and values. */
export function sizeOf({ MessageBody, MessageAttributes }: Entry): number {
  let bytes = Buffer.byteLength(MessageBody);
  for (const [name, { DataType, StringValue = '', BinaryValue }] of Object.entries(MessageAttributes)) {
    const value = BinaryValue === undefined ? Buffer.byteLength(StringValue) : Buffer.byteLength(BinaryValue, 'base64');
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType) + value;
  }
  return bytes;
}

/** Returns the answer to `SendMessage`. */
export function toSendResult(
  { MessageSystemAttributes }: Entry,
  { id, body, attributes }: Message,
): Record<string, string> {
  const { AWSTraceHeader } = MessageSystemAttributes;
  return {
    MessageId: id,
    MD5OfMessageBody: md5OfBody(body),
    ...attributesDigest('MD5OfMessageAttributes', attributes),
    ...attributesDigest('MD5OfMessageSystemAttributes', AWSTraceHeader ? { AWSTraceHeader } : {}),
  };
}

export function attributesDigest(member: string, attributes: MessageAttributes): Record<string, string> {
  const digest = md5OfAttributes(attributes);
  return digest === undefined ? {} : { [member]: digest };
}
