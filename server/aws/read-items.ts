import {
  BatchGetItemCommand,
  type BatchGetItemCommandInput,
  type DynamoDBClient,
  QueryCommand,
  type QueryCommandInput,
  type QueryCommandOutput,
} from '@aws-sdk/client-dynamodb';
import { mapConcurrently } from '../concurrency.ts';
import type { Item } from './attributes.ts';

/**
 * The most keys of one BatchGetItem.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (read 2026-11)
 */
const MAX_BATCH_KEYS = 100;

/** Batches that are read at once. */
const MAX_CONCURRENT_BATCHES = 25;

/** The waits before unread keys of a batch are asked for again, in milliseconds. After the last one, the read fails. */
const RETRY_DELAYS_MS = [50, 100, 200, 400];

/** All items of a query, page by page. */
export async function* queryItems(client: DynamoDBClient, input: QueryCommandInput): AsyncGenerator<Item> {
  let page: QueryCommandInput | undefined = input;
  while (page) {
    const { Items = [], LastEvaluatedKey }: QueryCommandOutput = await client.send(new QueryCommand(page));
    yield* Items;
    page = LastEvaluatedKey && { ...input, ExclusiveStartKey: LastEvaluatedKey };
  }
}

/** The items with some keys of a table, in any order. No key may come twice. */
export async function readItems(
  client: DynamoDBClient,
  TableName: string,
  keys: readonly Item[],
  { consistent }: { readonly consistent: boolean },
): Promise<Item[]> {
  const batches: Item[][] = [];
  for (let at = 0; at < keys.length; at += MAX_BATCH_KEYS) batches.push(keys.slice(at, at + MAX_BATCH_KEYS));
  const read = await mapConcurrently(batches, MAX_CONCURRENT_BATCHES, (Keys) =>
    readBatch(client, { [TableName]: { Keys, ConsistentRead: consistent } }),
  );
  return read.flat();
}

/** DynamoDB may leave keys unread without an error, so the SDK does not retry. */
async function readBatch(
  client: DynamoDBClient,
  first: NonNullable<BatchGetItemCommandInput['RequestItems']>,
): Promise<Item[]> {
  const items: Item[] = [];
  let RequestItems = first;
  for (const delayMs of [...RETRY_DELAYS_MS, undefined]) {
    const { Responses = {}, UnprocessedKeys = {} } = await client.send(new BatchGetItemCommand({ RequestItems }));
    items.push(...Object.values(Responses).flat());
    if (Object.keys(UnprocessedKeys).length === 0) return items;
    if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs));
    RequestItems = UnprocessedKeys;
  }
  throw new Error('DynamoDB left keys of a batch unread in every attempt');
}
