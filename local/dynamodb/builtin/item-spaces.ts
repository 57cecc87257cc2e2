import { createSpace, prefixes, type Space, type SpaceOptions, settle } from './space.ts';
import type { Write } from './storage.ts';
import type { IndexWrite, Item, Trace, Walk } from './trace.ts';

/** The items of tables and the entries of their indexes, which belong together. */
export interface ItemSpaces {
  ofTable(tableName: string): Space;
  ofIndex(kind: string, tableName: string, indexName: string): Space;
}

/** Writes an item and its index entries in one batch, so that no crash can part them, and keeps the trace. */
export function createItemSpaces(options: SpaceOptions, trace: Trace): ItemSpaces {
  const { reader, storage, fail } = options;
  // dynalite hands over an item's index entries and, in the same turn of the event loop, the item.
  let indexWrites: { readonly write: Write; readonly change: IndexWrite }[] = [];

  return {
    ofTable(tableName) {
      const prefix = prefixes.items(tableName);
      const space = createSpace(options, prefix);
      const commit = (write: Write, after?: Item) => {
        const indexes = indexWrites;
        indexWrites = [];
        const before = reader.get(write.key) as Item | undefined;
        trace.writes.push({ tableName, before, after, indexes: indexes.map((each) => each.change) });
        return storage.commit([...indexes.map((each) => each.write), write]);
      };
      return {
        ...space,
        get(key, callback) {
          const item = reader.get(prefix + key) as Item | undefined;
          trace.reads.push({ tableName, item });
          callback(undefined, item);
        },
        put: (key, item, callback) =>
          settle(commit({ type: 'put', key: prefix + key, value: item }, item as Item), callback, fail),
        del: (key, callback) => settle(commit({ type: 'del', key: prefix + key }), callback, fail),
        createValueStream: walked(space, trace),
      };
    },
    ofIndex(anyCase, tableName, indexName) {
      const kind = anyCase.toLowerCase() === 'local' ? 'local' : 'global';
      const prefix = prefixes.index(kind, tableName, indexName);
      const space = createSpace(options, prefix);
      const add = (write: Write, after?: Item) => {
        const before = reader.get(write.key) as Item | undefined;
        if (JSON.stringify(before) === JSON.stringify(after)) return;
        indexWrites.push({ write, change: { kind, indexName, before, after } });
      };
      return {
        ...space,
        put(key, item, callback) {
          add({ type: 'put', key: prefix + key, value: item }, item as Item);
          callback();
        },
        del(key, callback) {
          add({ type: 'del', key: prefix + key });
          callback();
        },
        createValueStream: walked(space, trace, { kind, indexName }),
      };
    },
  };
}

function walked(space: Space, trace: Trace, index?: Walk['index']): Space['createValueStream'] {
  return (range) => {
    const walk: Walk = { ...(index && { index }), items: [] };
    trace.walks.push(walk);
    return space.createValueStream(range).on('data', (item: Item) => walk.items.push(item));
  };
}
