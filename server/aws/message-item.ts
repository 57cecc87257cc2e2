import type { Message } from '../../protocol/index.ts';
import type { Copy, TranscriptEntry } from '../history/transcripts.ts';
import { type Item, textOf } from './attributes.ts';

/** The part of a query that asks for what {@link toCopy} reads, and for nothing else. */
export const COPY_FIELDS = {
  ProjectionExpression: 'serial, id, #from',
  ExpressionAttributeNames: { '#from': 'from' },
} as const;

/** The message in an item of the messages table. */
export function toMessage(item: Item): Message {
  return { ...toCopy(item), ...JSON.parse(textOf(item, 'body')) };
}

/** What tells the message in an item from others. */
export function toCopy(item: Item): Copy {
  return { id: textOf(item, 'id'), serial: textOf(item, 'serial'), from: JSON.parse(textOf(item, 'from')) };
}

/** Whether the message may be a copy of an earlier one. */
export function isRetried(item: Item): boolean {
  return item['retried']?.BOOL === true;
}

/** The message, and what a reader of transcripts has to know of it. */
export function toEntry(item: Item): TranscriptEntry {
  return { message: toMessage(item), retried: isRetried(item) };
}
