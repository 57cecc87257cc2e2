import type { Message } from '../../protocol/index.ts';
import type { Copy, TranscriptEntry } from '../history/transcripts.ts';
import { type Item, textOf } from './attributes.ts';

/** The part of a query that asks only for what {@link toCopy} reads. */
export const COPY_FIELDS = {
  ProjectionExpression: 'serial, id, #from',
  ExpressionAttributeNames: { '#from': 'from' },
} as const;

/** The message in an item of the messages table. */
export function toMessage(item: Item): Message {
  return { ...toCopy(item), ...JSON.parse(textOf(item, 'body')) };
}

/** What identifies the message of an item among its copies. */
export function toCopy(item: Item): Copy {
  return { id: textOf(item, 'id'), serial: textOf(item, 'serial'), from: JSON.parse(textOf(item, 'from')) };
}

/** Whether the message may be a copy of an earlier one. */
export function isRetried(item: Item): boolean {
  return item['retried']?.BOOL === true;
}

/** The message of an item, as an entry of a transcript. */
export function toEntry(item: Item): TranscriptEntry {
  return { message: toMessage(item), retried: isRetried(item) };
}
