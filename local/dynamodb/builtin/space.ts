import { Readable } from 'node:stream';
import type { Mutex } from './mutex.ts';
import type { Range, Reader, Storage, Write } from './storage.ts';

export type Callback = (error?: unknown, result?: unknown) => void;

/** One name space of keys, in the shape that dynalite's actions expect. */
export interface Space {
  lock(key: string, run: (release: (callback: Callback) => Callback) => void): void;
  get(key: string, callback: Callback): void;
  put(key: string, value: unknown, callback: Callback): void;
  del(key: string, callback: Callback): void;
  batch(writes: readonly Write[], callback: Callback): void;
  createKeyStream(): Readable;
  createValueStream(range?: Range): Readable;
}

export interface SpaceOptions {
  readonly storage: Storage;
  readonly mutex: Mutex;
  /** The source of reads: the present state, or an earlier one. */
  readonly reader: Reader;
  /** Gets an action's error that nothing else can catch. */
  readonly fail: (error: unknown) => void;
}

/** The prefixes of the spaces. `~` cannot occur in the name of a table or an index. */
export const prefixes = {
  table: 'table~',
  settings: 'settings~',
  items: (tableName: string) => `item-${tableName}~`,
  tags: (tableName: string) => `tag-${tableName}~`,
  index: (kind: 'local' | 'global', tableName: string, indexName: string) => `index-${kind}~${tableName}~${indexName}~`,
  indexes: (kind: 'local' | 'global', tableName: string) => `index-${kind}~${tableName}~`,
};

/** Returns the range of all keys that begin with `prefix`. */
export function within(prefix: string): Range {
  return { gte: prefix, lt: `${prefix}\uffff` };
}

/**
 * A space without a cache. Its `lock` ends also when the action throws. Each request makes spaces, so they have methods:
 * arrow functions would each cost a closure.
 */
export function createSpace({ storage, mutex, reader, fail }: SpaceOptions, prefix: string): Space {
  return {
    lock(key, run) {
      hold(mutex, prefix + key, run).catch(fail);
    },
    get(key, callback) {
      callback(undefined, reader.get(prefix + key));
    },
    put(key, value, callback) {
      settle(storage.commit([{ type: 'put', key: prefix + key, value }]), callback, fail);
    },
    del(key, callback) {
      settle(storage.commit([{ type: 'del', key: prefix + key }]), callback, fail);
    },
    batch(writes, callback) {
      settle(storage.commit(writes.map((write) => ({ ...write, key: prefix + write.key }))), callback, fail);
    },
    createKeyStream() {
      return Readable.from(suffixes(reader.keys(within(prefix)), prefix.length));
    },
    createValueStream(range = {}) {
      return reader.values(inside(prefix, range));
    },
  };
}

async function hold(mutex: Mutex, key: string, run: Parameters<Space['lock']>[1]): Promise<void> {
  const release = await mutex.acquire(key);
  try {
    run((callback) => (...outcome) => {
      release();
      callback(...outcome);
    });
  } catch (error) {
    release();
    throw error;
  }
}

/** Calls back with the outcome of `work`. Passes an error of the callback to `fail`. */
export function settle(work: Promise<void>, callback: Callback, fail: (error: unknown) => void): void {
  work.then(() => callback(), callback).catch(fail);
}

async function* suffixes(keys: AsyncIterable<string>, prefixLength: number) {
  for await (const key of keys) yield key.slice(prefixLength);
}

function inside(prefix: string, { gt, gte, lt, lte, reverse = false, limit = -1 }: Range): Range {
  const lower = gt === undefined ? { gte: prefix + (gte ?? '') } : { gt: prefix + gt };
  const upper = lte === undefined ? { lt: prefix + (lt ?? '\uffff') } : { lte: prefix + lte };
  return { ...lower, ...upper, reverse, limit };
}
