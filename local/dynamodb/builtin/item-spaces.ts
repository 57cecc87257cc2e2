import type { Readable } from 'node:stream';
import { itemBytes } from './capacity.ts';
import { createSpace, prefixes, type Space, type SpaceOptions, settle } from './space.ts';
import type { Write } from './storage.ts';
import type { IndexWrite, Item, Trace, Walk } from './trace.ts';

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
export const MAX_ITEM_BYTES = 400 * 1024;

/** The items of tables, with the entries of their indexes. */
export interface ItemSpaces {
  ofTable(tableName: string): Space;
  ofIndex(kind: string, tableName: string, indexName: string): Space;
}

/** Writes an item and its index entries in one batch, so that no crash separates them, and keeps the trace. */
export function createItemSpaces(options: SpaceOptions, trace: Trace): ItemSpaces {
  // dynalite writes an item's index entries and, in the same turn of the event loop, the item.
  const indexWrites: PendingWrite[] = [];
  return {
    ofTable(tableName) {
      return createItemSpace(options, trace, tableName, indexWrites);
    },
    ofIndex(anyCase, tableName, indexName) {
      const kind = anyCase.toLowerCase() === 'local' ? 'local' : 'global';
      return createIndexSpace(options, trace, { kind, tableName, indexName }, indexWrites);
    },
  };
}

/** A write of an index entry that waits for its item. */
interface PendingWrite {
  readonly write: Write;
  readonly change: IndexWrite;
}

function createItemSpace(options: SpaceOptions, trace: Trace, tableName: string, pending: PendingWrite[]): Space {
  const { reader, storage, fail } = options;
  const prefix = prefixes.items(tableName);
  const space = createSpace(options, prefix);
  const commit = (write: Write, after?: Item) => {
    const indexWrites = pending.splice(0);
    const before = reader.get(write.key) as Item | undefined;
    trace.writes.push({ tableName, before, after, indexes: indexWrites.map((each) => each.change) });
    return storage.commit([...indexWrites.map((each) => each.write), write]);
  };
  return {
    ...space,
    get(key, callback) {
      const item = reader.get(prefix + key) as Item | undefined;
      trace.reads.push({ tableName, item });
      callback(undefined, item);
    },
    put(key, value, callback) {
      const item = value as Item;
      if (itemBytes(item) <= MAX_ITEM_BYTES) {
        return settle(commit({ type: 'put', key: prefix + key, value }, item), callback, fail);
      }
      pending.length = 0;
      callback(tooLarge());
    },
    del(key, callback) {
      settle(commit({ type: 'del', key: prefix + key }), callback, fail);
    },
    createValueStream(range) {
      return walked(trace, space.createValueStream(range));
    },
  };
}

interface IndexName {
  readonly kind: 'local' | 'global';
  readonly tableName: string;
  readonly indexName: string;
}

function createIndexSpace(options: SpaceOptions, trace: Trace, name: IndexName, pending: PendingWrite[]): Space {
  const { kind, tableName, indexName } = name;
  const prefix = prefixes.index(kind, tableName, indexName);
  const space = createSpace(options, prefix);
  const add = (write: Write, after?: Item) => {
    const before = options.reader.get(write.key) as Item | undefined;
    if (JSON.stringify(before) === JSON.stringify(after)) return;
    pending.push({ write, change: { kind, indexName, before, after } });
  };
  return {
    ...space,
    put(key, item, callback) {
      const entry = withoutAbsent(item as Item);
      add({ type: 'put', key: prefix + key, value: entry }, entry);
      callback();
    },
    del(key, callback) {
      add({ type: 'del', key: prefix + key });
      callback();
    },
    createValueStream(range) {
      return walked(trace, space.createValueStream(range), { kind, indexName });
    },
  };
}

/** Checks an item's size. dynalite counts characters where AWS counts bytes, so it accepts some items that are too large. */
function tooLarge(): Error {
  const message = 'Item size has exceeded the maximum allowed size';
  const body = { __type: 'com.amazon.coral.validate#ValidationException', message };
  return Object.assign(new Error(message), { statusCode: 400, body });
}

/** Removes attributes that the item lacks: dynalite projects them as `undefined`. */
function withoutAbsent(entry: Item): Item {
  return Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
}

function walked(trace: Trace, values: Readable, index?: Walk['index']): Readable {
  const walk: Walk = { ...(index && { index }), items: [] };
  trace.walks.push(walk);
  return values.on('data', (item: Item) => walk.items.push(item));
}
