import { BatchWriteItemCommand, type DynamoDBClient, QueryCommand } from '@aws-sdk/client-dynamodb';
import { userAddress } from '../address.ts';
import type { Records } from '../records.ts';
import type { Item } from './attributes.ts';

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (read 2026-11) */
const MAX_BATCH_ITEMS = 25;

interface Table {
  readonly name: string;
  readonly sortKey: string;
}

/** In the connections and messages tables, a page at a time: what is left is found again by the next call. */
export function createDynamoDbRecords(options: {
  readonly client: DynamoDBClient;
  readonly connectionsTable: string;
  readonly messagesTable: string;
}): Records {
  const { client, connectionsTable, messagesTable } = options;

  async function keysOf({ name, sortKey }: Table, partition: string, limit: number): Promise<readonly Item[]> {
    const command = new QueryCommand({
      TableName: name,
      ConsistentRead: true,
      KeyConditionExpression: 'address = :address',
      // Who is forgotten must not be let in again by tokens that were revoked.
      FilterExpression: 'attribute_not_exists(revokedUntil)',
      ExpressionAttributeValues: { ':address': { S: partition } },
      ExpressionAttributeNames: { '#sortKey': sortKey },
      ProjectionExpression: 'address, #sortKey',
      Limit: limit,
    });
    const { Items = [] } = await client.send(command);
    return Items;
  }

  async function deleteAll(table: Table, keys: readonly Item[]): Promise<void> {
    for (let start = 0; start < keys.length; start += MAX_BATCH_ITEMS) {
      let left = keys.slice(start, start + MAX_BATCH_ITEMS).map((Key) => ({ DeleteRequest: { Key } }));
      while (left.length > 0) {
        const { UnprocessedItems } = await client.send(
          new BatchWriteItemCommand({ RequestItems: { [table.name]: left } }),
        );
        left = (UnprocessedItems?.[table.name] ?? []) as typeof left;
      }
    }
  }

  return {
    async deleteOf(userId, limit) {
      const address = userAddress(userId);
      const connections = { name: connectionsTable, sortKey: 'connectionId' };
      const places: readonly (readonly [Table, string])[] = [
        [{ name: messagesTable, sortKey: 'serial' }, address],
        [connections, `marker#${address}`],
        [connections, `state#${address}`],
        [connections, address],
      ];
      let deleted = 0;
      for (const [table, partition] of places) {
        for (let keys = await keysOf(table, partition, limit - deleted); keys.length > 0; ) {
          await deleteAll(table, keys);
          deleted += keys.length;
          if (deleted >= limit) return deleted;
          keys = await keysOf(table, partition, limit - deleted);
        }
      }
      return deleted;
    },
  };
}
