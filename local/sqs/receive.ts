import type { Input } from './inputs.ts';
import { md5OfBody } from './md5.ts';
import type { Delivery, Message, MessageAttributes } from './message.ts';
import { attributesDigest } from './send.ts';

/** Returns all system attributes of a received message. */
export function systemAttributes(message: Message): Record<string, string> {
  return {
    SenderId: message.senderId,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt ?? message.sentAt),
    ...(message.traceHeader !== undefined && { AWSTraceHeader: message.traceHeader }),
    ...(message.deadLetterSourceArn !== undefined && { DeadLetterQueueSourceArn: message.deadLetterSourceArn }),
  };
}

/** Returns a message in the form of `ReceiveMessage`, with the requested attributes. */
export function toReceived(
  { message, receiptHandle }: Delivery,
  input: Input<'ReceiveMessage'>,
): Record<string, unknown> {
  const wanted = [...input.AttributeNames, ...input.MessageSystemAttributeNames];
  const system = pick(systemAttributes(message), (name) => wanted.includes('All') || wanted.includes(name));
  const own: MessageAttributes = pick(message.attributes, (name) => isWanted(name, input.MessageAttributeNames));
  return {
    MessageId: message.id,
    ReceiptHandle: receiptHandle,
    Body: message.body,
    MD5OfBody: md5OfBody(message.body),
    ...(Object.keys(system).length > 0 && { Attributes: system }),
    ...(Object.keys(own).length > 0 && { MessageAttributes: own }),
    ...attributesDigest('MD5OfMessageAttributes', own),
  };
}

/** `All`, `.*`, a name, or a prefix as `bar.*`. */
function isWanted(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => {
    if (pattern === 'All' || pattern === '.*' || pattern === name) return true;
    return pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1));
  });
}

function pick<Value>(
  from: Readonly<Record<string, Value>>,
  isPicked: (name: string) => boolean,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(from).filter(([name]) => isPicked(name)));
}
