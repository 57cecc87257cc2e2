import type { Tariff } from './limits.ts';
import type { MessageInput } from './messages.ts';

/** The fields of a message that determine its price. */
export type ChargedMessage = Pick<MessageInput, 'to' | 'echo' | 'ephemeral' | 'encoding'>;

/** The encodings that the server decodes to index their text. A few compressed bytes can hold as many words as the server indexes. */
const INDEXED_ENCODING = /^json\/(gzip\/)?base64$/;

/**
 * Returns the price of one message.
 * @param dataBytes The size of its `data`, in bytes of its JSON in UTF-8.
 * @returns Units, at least 1.
 */
export function messageCharge(message: ChargedMessage, dataBytes: number, tariff: Tariff): number {
  const { to, echo = true } = message;
  const recipients = 'users' in to ? new Set(to.users).size : 1;
  const copies = echo && !('room' in to) ? 1 : 0;
  const sizeUnits = Math.max(1, Math.ceil(dataBytes / tariff.dataBytesPerUnit));
  return (recipients + copies) * sizeUnits + recipients * indexUnits(message, dataBytes, tariff);
}

function indexUnits({ ephemeral = false, encoding }: ChargedMessage, dataBytes: number, tariff: Tariff): number {
  const { indexedBytesPerUnit, maxIndexUnits } = tariff;
  if (indexedBytesPerUnit === undefined || ephemeral) return 0;
  if (encoding === undefined) return Math.min(maxIndexUnits, Math.ceil(dataBytes / indexedBytesPerUnit));
  return INDEXED_ENCODING.test(encoding) ? maxIndexUnits : 0;
}
