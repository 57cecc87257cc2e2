import type { MessageInput } from './frames.ts';
import type { Tariff } from './limits.ts';

/** The part of a message that decides what it is charged. */
export type ChargedMessage = Pick<MessageInput, 'to' | 'echo' | 'store' | 'encoding'>;

/** Encodings whose text the server reads to index it; compressed, a few bytes can hold the most words that are indexed. */
const INDEXED_ENCODING = /^json\/(gzip\/)?base64$/;

/**
 * Tells what one message is charged.
 * @param dataBytes What its `data` takes, in bytes of its JSON in UTF-8.
 * @returns Units, at least 1.
 */
export function messageCharge(message: ChargedMessage, dataBytes: number, tariff: Tariff): number {
  const { to, echo = false } = message;
  const recipients = 'users' in to ? new Set(to.users).size : 1;
  const copies = echo && !('room' in to) ? 1 : 0;
  const sizeUnits = Math.max(1, Math.ceil(dataBytes / tariff.dataBytesPerUnit));
  return (recipients + copies) * sizeUnits + recipients * indexUnits(message, dataBytes, tariff);
}

function indexUnits({ store = true, encoding }: ChargedMessage, dataBytes: number, tariff: Tariff): number {
  const { indexedBytesPerUnit, maxIndexUnits } = tariff;
  if (indexedBytesPerUnit === undefined || !store) return 0;
  if (encoding === undefined) return Math.min(maxIndexUnits, Math.ceil(dataBytes / indexedBytesPerUnit));
  return INDEXED_ENCODING.test(encoding) ? maxIndexUnits : 0;
}
