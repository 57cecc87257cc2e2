import { CreateTableCommand, type DynamoDBClient, paginateScan, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { expect } from 'vitest';
import type { Item } from '../../server/aws/attributes.ts';
import { KINDS, type KindName, kindOf, SORT_KEYS, type TableName } from '../../server/aws/tables.ts';
import { PAIR_INDEX } from '../../server/config.ts';

/** Creates a table with the keys of one of Beckon's tables. */
export async function createTable(client: DynamoDBClient, TableName: string, table: TableName): Promise<void> {
  const sortKey = SORT_KEYS[table];
  const indexes = table === 'messages' ? [PAIR_INDEX] : [];
  const keySchema = (partitionKey: string) => [
    { AttributeName: partitionKey, KeyType: 'HASH' as const },
    { AttributeName: sortKey, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['address', sortKey, ...indexes].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S',
      })),
      KeySchema: keySchema('address'),
      ...(indexes.length > 0 && {
        GlobalSecondaryIndexes: indexes.map((IndexName) => ({
          IndexName,
          KeySchema: keySchema(IndexName),
          Projection: { ProjectionType: 'ALL' as const },
        })),
      }),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
}

/** Returns all items of a table. */
export async function scanTable(client: DynamoDBClient, TableName: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName })) items.push(...Items);
  return items;
}

/** Returns the kind of an item. Fails if no kind matches, or the kind does not declare one of the item's attributes. */
export function declaredKind(table: TableName, item: Item): KindName {
  const name = kindOf(table, item);
  if (name === undefined) return expect.fail(`server/aws/tables.ts declares no such item: ${JSON.stringify(item)}`);
  const declared: readonly string[] = ['address', SORT_KEYS[table], ...KINDS[name].attributes];
  const undeclared = Object.keys(item).filter((attribute) => !declared.includes(attribute));
  expect(undeclared, `attributes of "${name}" that server/aws/tables.ts does not declare`).toEqual([]);
  return name;
}
