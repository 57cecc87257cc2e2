import { createHash, type Hash } from 'node:crypto';
import type { MessageAttributes } from './message.ts';

export function md5OfBody(body: string): string {
  return createHash('md5').update(body).digest('hex');
}

const STRING_VALUE = Buffer.of(1);
const BINARY_VALUE = Buffer.of(2);

/**
 * `undefined` when there are none. Source: "Calculating the MD5 message digest for message attributes",
 * https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html
 */
export function md5OfAttributes(attributes: MessageAttributes): string | undefined {
  const names = Object.keys(attributes).sort();
  if (names.length === 0) return undefined;
  const hash = createHash('md5');
  for (const name of names) {
    const { DataType, StringValue, BinaryValue } = attributes[name] ?? { DataType: '' };
    addWithLength(hash, Buffer.from(name));
    addWithLength(hash, Buffer.from(DataType));
    hash.update(BinaryValue === undefined ? STRING_VALUE : BINARY_VALUE);
    addWithLength(
      hash,
      BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64'),
    );
  }
  return hash.digest('hex');
}

function addWithLength(hash: Hash, bytes: Buffer): void {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  hash.update(length).update(bytes);
}
