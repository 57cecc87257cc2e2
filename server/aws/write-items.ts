import { BatchWriteItemCommand, type DynamoDBClient, type WriteRequest } from '@aws-sdk/client-dynamodb';
import { mapConcurrently } from '../concurrency.ts';

/**
 * Items of one call.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html (read 2026-11)
 */
const MAX_BATCH_ITEMS = 25;

/** Calls under way at once. */
const MAX_CONCURRENT_CALLS = 4;

/** The first wait before throttled writes are tried again, in milliseconds; waits double. */
const FIRST_WAIT_MS = 50;
const MAX_ATTEMPTS = 5;

/**
 * Puts and deletes any number of items of one table. DynamoDB may take only a part of a call: the rest is tried again.
 * @throws Error if DynamoDB does not take all items in the end
 */
export async function writeItems(
  client: DynamoDBClient,
  tableName: string,
  requests: readonly WriteRequest[],
): Promise<void> {
  async function writeBatch(batch: readonly WriteRequest[]): Promise<void> {
    let left = [...batch];
    for (let attempt = 0; left.length > 0; attempt += 1) {
      if (attempt === MAX_ATTEMPTS)
        throw new Error(`DynamoDB did not take ${left.length} items in ${attempt} attempts`);
      if (attempt > 0) await wait(FIRST_WAIT_MS * 2 ** (attempt - 1));
      const { UnprocessedItems } = await client.send(
        new BatchWriteItemCommand({ RequestItems: { [tableName]: left } }),
      );
      left = UnprocessedItems?.[tableName] ?? [];
    }
  }

  await mapConcurrently(chunks(requests, MAX_BATCH_ITEMS), MAX_CONCURRENT_CALLS, writeBatch);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function chunks<T>(items: readonly T[], size: number): readonly T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}
