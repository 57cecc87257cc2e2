import { isObject, type Json, type Message } from '../../protocol/index.ts';
import type { Address, Pair } from '../address.ts';
import type { SearchConfig } from '../config.ts';
import type { Tasks } from '../tasks.ts';
import { isReadable, readData } from './encoded-data.ts';
import type { Indexable, SearchIndex } from './search-index.ts';
import { indexedWords, MAX_TEXT_LENGTH } from './tokenizer.ts';

/** Under how many different words a message is found, the first ones: each costs a write. */
export const MAX_INDEXED_WORDS = 100;

/** Messages of one task, so that an invocation with ten tasks has time for all of them. */
const MAX_MESSAGES_PER_TASK = 10;

/** What indexing needs of a delivery. */
interface Delivered {
  readonly message: Message;
  /** Epoch seconds. Absent: the message is not kept. */
  readonly expiresAt?: number;
  /** Absent: the message is to a room, or in no transcript. */
  readonly pair?: Pair;
}

/** Queues messages of a log for indexing. Never rejects: a message is sent even if search will not find it. */
export type QueueForIndex = (address: Address, deliveries: readonly Delivered[]) => Promise<void>;

/** Leaves indexing to `tasks`, off the way to the recipient. */
export function createQueueForIndex(dependencies: {
  tasks: Tasks;
  /** Told why messages will not be found. */
  onFailure: (error: unknown) => void;
}): QueueForIndex {
  const { tasks, onFailure } = dependencies;
  return async (address, deliveries) => {
    const messages = deliveries.flatMap((delivery) => indexable(address, delivery));
    const parts = Array.from({ length: Math.ceil(messages.length / MAX_MESSAGES_PER_TASK) }, (_, part) =>
      messages.slice(part * MAX_MESSAGES_PER_TASK, (part + 1) * MAX_MESSAGES_PER_TASK),
    );
    if (parts.length === 0) return;
    await tasks.add(parts.map((some) => ({ kind: 'index', messages: some }))).catch(onFailure);
  };
}

/** What is in no transcript is not found, nor is what only its recipients can decode. */
function indexable(address: Address, { message, expiresAt, pair }: Delivered): readonly Indexable[] {
  const transcript = pair ?? ('room' in message.to ? `room#${message.to.room}` : undefined);
  if (transcript === undefined || expiresAt === undefined || !isReadable(message)) return [];
  return [{ transcript: transcript as Indexable['transcript'], address, message, expiresAt }];
}

/** Indexes messages by the words in them. */
export type IndexMessages = (messages: readonly Indexable[]) => Promise<void>;

export function createIndexMessages(index: SearchIndex, { fields }: SearchConfig): IndexMessages {
  return async (messages) => {
    for (const { transcript, address, message, expiresAt } of messages) {
      const words = firstWords(textsAt(readData(message), fields));
      await index.add(transcript, { serial: message.serial, address }, words, expiresAt);
    }
  };
}

/**
 * What is written comes first, so that parts of words and compounds take no room from other words. Of a message with
 * thousands of texts no more is looked at than of one.
 */
function firstWords(texts: Iterable<string>): readonly string[] {
  const written = new Set<string>();
  const others = new Set<string>();
  let left = MAX_TEXT_LENGTH;
  for (const text of texts) {
    for (const { word, isWritten } of indexedWords(text.slice(0, Math.max(0, left)))) {
      const words = isWritten ? written : others;
      if (words.size < MAX_INDEXED_WORDS) words.add(word);
      if (written.size === MAX_INDEXED_WORDS) return [...written];
    }
    left -= text.length + 1;
  }
  return [...new Set([...written, ...others])].slice(0, MAX_INDEXED_WORDS);
}

/** The strings in some fields of the data, such as `text` or `body.title`; of all of it if none are named. */
function textsAt(data: Json, fields: readonly string[] | undefined): readonly string[] {
  if (!fields) return textsIn(data);
  return fields.flatMap((field) => at(data, field.split('.')).flatMap(textsIn));
}

/** What is at a path; of an array, what is at the path in each of its elements. */
function at(value: Json, [key, ...rest]: readonly string[]): readonly Json[] {
  if (key === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((element) => at(element, [key, ...rest]));
  return isObject(value) && Object.hasOwn(value, key) ? at(value[key] as Json, rest) : [];
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
