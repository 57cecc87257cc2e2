import { AwsError } from '../service.ts';
import type { Message } from './message.ts';

/** The content of a receipt handle: the message and the receipt. */
export interface Receipt {
  readonly messageId: string;
  /** The message's receive count after this receipt. */
  readonly receiveCount: number;
}

export function encodeReceipt(queueName: string, { id, receiveCount }: Message): string {
  return Buffer.from([queueName, id, receiveCount].join(' ')).toString('base64');
}

/** Reads a receipt handle. @throws AwsError for a text that is no receipt handle of the queue */
export function decodeReceipt(queueName: string, handle: string): Receipt {
  const [, name, messageId, receiveCount] =
    /^(\S+) ([0-9a-f-]{36}) (\d+)$/.exec(Buffer.from(handle, 'base64').toString()) ?? [];
  if (name === queueName && messageId !== undefined) return { messageId, receiveCount: Number(receiveCount) };
  throw new AwsError('ReceiptHandleIsInvalid', `The input receipt handle "${handle}" is not a valid receipt handle.`);
}
