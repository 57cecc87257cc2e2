import { isObject } from '../protocol/json.ts';

type Awaitable<T> = T | Promise<T>;

/**
 * Where the client keeps what must survive a reload: the calls of a `Map` from strings to strings, which may take their
 * time. The client's keys begin with `beckon/`.
 */
export interface ClientStorage {
  get(key: string): Awaitable<string | null | undefined>;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
  keys(): Awaitable<Iterable<string>>;
}

/** A message that is to be sent, as it is kept. */
export interface StoredMessage {
  /** As it goes into a frame. */
  readonly text: string;
  /** The most that it takes of a frame, in UTF-8. */
  readonly bytes: number;
  /** Until when it may be sent, epoch milliseconds. */
  readonly expiresAt: number;
}

/** A message that was handed over: what tells it from others, when it came and when it was sent (epoch milliseconds). */
export type SeenMessage = readonly [key: string, at: number, sentMs: number];

/** What a client has to know to go on where another one stopped. */
export interface Snapshot {
  /** Up to where everything was handed over, by address (`user#bob`). */
  readonly cursors: Readonly<Record<string, string>>;
  readonly seen: readonly SeenMessage[];
  /** What was neither acknowledged nor given up, oldest first. */
  readonly outbox: readonly StoredMessage[];
}

interface Globals {
  readonly localStorage: Record<'getItem' | 'removeItem', (key: string) => string | null> & {
    setItem(key: string, value: string): void;
  };
}

/** Looked up at each call: where storage is refused, the look alone throws. */
const local = () => (globalThis as object as Globals).localStorage;

export const LOCAL_STORAGE: ClientStorage = {
  get: (key) => local().getItem(key),
  set: (key, value) => local().setItem(key, value),
  delete: (key) => local().removeItem(key),
  keys: () => Object.keys(local()),
};

/**
 * What the keys of a user's records begin with. The number is the version of what is in them: a client leaves alone what
 * another version has written, which finds it again.
 */
export function recordPrefix(url: string, user: string): string {
  return `beckon/1 ${url} ${encodeURIComponent(user)} `;
}

/** Reads a record; `undefined` for what this client cannot have written. */
export function readRecord(text: string): Snapshot | undefined {
  try {
    const record = JSON.parse(text) as Snapshot;
    return isRecord(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** @throws anything for what is of another shape. */
function isRecord({ cursors, seen, outbox }: Snapshot): boolean {
  return (
    Object.values(cursors).every((cursor) => typeof cursor === 'string') &&
    seen.every(([key, at, sentMs]) => typeof key === 'string' && Number.isFinite(at + sentMs)) &&
    // A text becomes a part of a frame, and must not break the others in it.
    outbox.every(({ text, bytes, expiresAt }) => isObject(JSON.parse(text)) && Number.isFinite(bytes + expiresAt))
  );
}
