import { isObject, type Json, type Message } from '../../protocol/index.ts';
import type { Address, Pair } from '../address.ts';
import type { SearchConfig } from '../config.ts';
import type { Tasks } from '../tasks.ts';
import { isReadable, readData } from './encoded-data.ts';
import type { Indexable, SearchIndex } from './search-index.ts';
import { indexedWords, MAX_TEXT_LENGTH } from './tokenizer.ts';

/** The most words under which a message is found: the first ones. Each costs a write. */
export const MAX_INDEXED_WORDS = 100;

/** Messages of one task. An invocation with ten tasks must have time for all of them. */
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

/** Queues messages for indexing by `tasks`, so that recipients do not wait for it. */
export function createQueueForIndex(dependencies: {
  tasks: Tasks;
  /** Called with the reason when messages could not be queued. */
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

/** Leaves out messages that are in no transcript, and those that only their recipients can decode. */
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
 * Words as they are written come first, so that parts of words and compounds take no room from other words. However
 * many texts a message has, no more characters are read than of one text.
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

/** The strings in some fields of the data, such as `text` or `body.title`. Without fields: all strings. */
function textsAt(data: Json, fields: readonly string[] | undefined): readonly string[] {
  if (!fields) return textsIn(data);
  return fields.flatMap((field) => at(data, field.split('.')).flatMap(textsIn));
}

/** The values at a path. For an array: the values at the path in each element. */
function at(value: Json, [key, ...rest]: readonly string[]): readonly Json[] {
  if (key === undefined) return [value];
  if (Array.isArray(value)) return value.flatMap((element) => at(element, [key, ...rest]));
  return isObject(value) && Object.hasOwn(value, key) ? at(value[key] as Json, rest) : [];
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
