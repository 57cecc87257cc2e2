import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../service.ts';
import { createItemSpaces, MAX_ITEM_BYTES } from './item-spaces.ts';
import { type Callback, createSpace, prefixes, type SpaceOptions } from './space.ts';
import { createTableSpace } from './table-space.ts';
import type { Trace } from './trace.ts';

const OPTIONS = { maxItemSize: MAX_ITEM_BYTES, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 };

/** The store for dynalite's actions during one request, with a trace of the request. */
export interface TracedStore {
  readonly store: { getTable(tableName: string, ...rest: [Callback] | [false, Callback]): void };
  readonly trace: Trace;
}

/** Replaces dynalite's own store: a crash can separate its writes, and it cannot read the past. */
export function createStore(options: SpaceOptions): TracedStore {
  const trace: Trace = { reads: [], walks: [], writes: [] };
  const items = createItemSpaces(options, trace);
  const store = {
    options: OPTIONS,
    getItemDb: items.ofTable,
    getIndexDb: items.ofIndex,
    // The space of tables removes the content in the same batch as the table.
    deleteItemDb: callBack,
    deleteIndexDb: callBack,
    deleteTagDb: callBack,
    get tableDb() {
      return { ...createTableSpace(options), awsAccountId: LOCAL_ACCOUNT, awsRegion: LOCAL_REGION };
    },
    getTagDb(tableName: string) {
      return createSpace(options, prefixes.tags(tableName));
    },
    /** With three arguments, the error contains the table's name. */
    getTable(tableName: string, ...rest: [Callback] | [false, Callback]) {
      const callback = rest.at(-1) as Callback;
      const table = options.reader.get(prefixes.table + tableName);
      if (table !== undefined) return callback(undefined, table);
      callback(notFound(rest.length === 2 ? `: Table: ${tableName} not found` : ''));
    },
  };
  return { store, trace };
}

function callBack(...names: unknown[]): void {
  (names.at(-1) as Callback)();
}

function notFound(detail: string): Error {
  const message = `Requested resource not found${detail}`;
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException', message };
  return Object.assign(new Error(message), { name: 'NotFoundError', statusCode: 400, body });
}
