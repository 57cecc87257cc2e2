import { createSpace, prefixes, type Space, type SpaceOptions, settle, within } from './space.ts';
import type { Write } from './storage.ts';

/** A table's description as dynalite stores it. */
export interface TableDescription {
  readonly TableName: string;
  readonly TableStatus: string;
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
  readonly GlobalSecondaryIndexes?: readonly object[];
}

/**
 * The descriptions of tables. One write creates an active table, and one write removes it. So a crashed process never has to
 * recover from a state in between.
 */
export function createTableSpace(options: SpaceOptions): Space {
  const space = createSpace(options, prefixes.table);
  return {
    ...space,
    put(tableName, value, callback) {
      const table = value as TableDescription;
      if (table.TableStatus === 'DELETING') return settle(remove(options, tableName), callback, options.fail);
      // dynalite writes again on a timer, once a table is active. Here it is active from the start.
      if (table.TableStatus === 'ACTIVE') return callback();
      space.put(tableName, active(table), callback);
    },
    del: (_tableName, callback) => callback(),
  };
}

function active(table: TableDescription): TableDescription {
  const indexes = table.GlobalSecondaryIndexes;
  return {
    ...table,
    TableStatus: 'ACTIVE',
    ...(indexes && { GlobalSecondaryIndexes: indexes.map((index) => ({ ...index, IndexStatus: 'ACTIVE' })) }),
  };
}

async function remove({ storage, reader }: SpaceOptions, tableName: string): Promise<void> {
  const keys = [prefixes.table + tableName, prefixes.settings + tableName];
  const contents = [
    prefixes.items(tableName),
    prefixes.tags(tableName),
    prefixes.indexes('local', tableName),
    prefixes.indexes('global', tableName),
  ];
  for (const prefix of contents) for await (const key of reader.keys(within(prefix))) keys.push(key);
  await storage.commit(keys.map((key): Write => ({ type: 'del', key })));
}
