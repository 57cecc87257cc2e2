import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { userAddress } from '../address.ts';
import { topicsOf } from '../connections/directory.ts';
import type { Erasure } from '../operations/erasure.ts';
import { type Item, textOf } from './attributes.ts';
import { toSubscriptions } from './dynamodb-subscriptions.ts';
import { queryItems } from './read-items.ts';
import {
  type ErasedPartition,
  erasedPartitions,
  isKept,
  kindOf,
  mappingKey,
  SORT_KEYS,
  type TableName,
} from './tables.ts';
import { writeItems } from './write-items.ts';

/** Deletes what the declaration of the tables says, some items at a time: the next call finds the rest. */
export function createDynamoDbErasure(options: {
  readonly client: DynamoDBClient;
  readonly connectionsTable: string;
  readonly messagesTable: string;
}): Erasure {
  const { client, connectionsTable, messagesTable } = options;
  const names = { connections: connectionsTable, messages: messagesTable } as const satisfies Record<TableName, string>;

  /**
   * The keys to delete for a partition: at least `limit`, if there are as many. Items that another item names come
   * before it.
   */
  async function keysOf({ table, partition }: ErasedPartition, limit: number): Promise<readonly Item[]> {
    const sortKey = SORT_KEYS[table];
    const items = queryItems(client, {
      TableName: names[table],
      ConsistentRead: true,
      KeyConditionExpression: 'address = :address',
      ExpressionAttributeValues: { ':address': { S: partition } },
      ExpressionAttributeNames: { '#sortKey': sortKey },
      ProjectionExpression: 'address, #sortKey, rooms, watches',
    });
    const keys: Item[] = [];
    for await (const item of items) {
      if (isKept(table, item)) continue;
      const { address, [sortKey]: sort } = item;
      keys.push(...keysWith(table, item), { ...(address && { address }), ...(sort && { [sortKey]: sort }) });
      if (keys.length >= limit) break;
    }
    return keys;
  }

  return {
    async eraseUser(userId, limit) {
      let deleted = 0;
      for (const partition of erasedPartitions(userAddress(userId))) {
        const keys = await keysOf(partition, limit - deleted);
        const requests = keys.map((Key) => ({ DeleteRequest: { Key } }));
        await writeItems(client, names[partition.table], requests);
        deleted += keys.length;
        if (deleted >= limit) return deleted;
      }
      return deleted;
    },
  };
}

/** The keys of the items that go with an item, because it names them. */
function keysWith(table: TableName, item: Item): readonly Item[] {
  if (kindOf(table, item) !== 'subscriptions') return [];
  const connectionId = textOf(item, 'connectionId');
  return topicsOf(toSubscriptions(item)).map((topic) => mappingKey(topic, connectionId));
}
