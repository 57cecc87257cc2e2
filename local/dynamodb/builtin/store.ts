import { LOCAL_ACCOUNT, LOCAL_REGION } from '../../service.ts';
import { createItemSpaces } from './item-spaces.ts';
import { type Callback, createSpace, prefixes, type SpaceOptions } from './space.ts';
import { createTableSpace } from './table-space.ts';
import type { Trace } from './trace.ts';

// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html#limits-items
const MAX_ITEM_BYTES = 400 * 1024;

/** The store that dynalite's actions work on, for one request, and what the request did to it. */
export interface TracedStore {
  readonly store: object;
  readonly trace: Trace;
}

/** Takes the place of dynalite's own store, whose writes a crash can part and which cannot read the past. */
export function createStore(options: SpaceOptions): TracedStore {
  const trace: Trace = { reads: [], walks: [], writes: [] };
  const items = createItemSpaces(options, trace);
  // The table's space removes a table's contents in the batch that removes the table.
  const removed = (...names: unknown[]) => (names.at(-1) as Callback)();
  const store = {
    options: { maxItemSize: MAX_ITEM_BYTES, createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 },
    tableDb: { ...createTableSpace(options), awsAccountId: LOCAL_ACCOUNT, awsRegion: LOCAL_REGION },
    getItemDb: items.ofTable,
    getIndexDb: items.ofIndex,
    getTagDb: (tableName: string) => createSpace(options, prefixes.tags(tableName)),
    deleteItemDb: removed,
    deleteIndexDb: removed,
    deleteTagDb: removed,
    /** With three arguments the caller wants the table's name in the error. */
    getTable(tableName: string, ...rest: [Callback] | [false, Callback]) {
      const callback = rest.at(-1) as Callback;
      const table = options.reader.get(prefixes.table + tableName);
      if (table !== undefined) return callback(undefined, table);
      callback(notFound(rest.length === 2 ? `: Table: ${tableName} not found` : ''));
    },
  };
  return { store, trace };
}

function notFound(detail: string): Error {
  const message = `Requested resource not found${detail}`;
  const body = { __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException', message };
  return Object.assign(new Error(message), { name: 'NotFoundError', statusCode: 400, body });
}
