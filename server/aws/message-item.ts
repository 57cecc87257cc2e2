import type { Message } from '../../protocol/index.ts';
import type { Entry } from '../transcripts.ts';
import { type Item, textOf } from './attributes.ts';

/** The message in an item of the messages table. */
export function toMessage(item: Item): Message {
  const from = JSON.parse(textOf(item, 'from'));
  return { id: textOf(item, 'id'), serial: textOf(item, 'serial'), from, ...JSON.parse(textOf(item, 'body')) };
}

/** The message, and what a reader of transcripts has to know of it. */
export function toEntry(item: Item): Entry {
  return { message: toMessage(item), retried: item['retried']?.BOOL === true };
}
