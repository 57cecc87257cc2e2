import type { Json } from '../../json-protocol.ts';
import { itemBytes } from './capacity.ts';
import type { Callback } from './space.ts';
import type { Item, Trace } from './trace.ts';

/**
 * "A single operation can retrieve up to 16 MB of data", and it "returns a partial result if … more than 1 MB per partition is
 * requested": https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (read November 2026).
 * A partition holds many keys on AWS. Here each partition key counts by itself.
 */
const MAX_ANSWER_BYTES = 16 * 1024 ** 2;
const MAX_PARTITION_BYTES = 1024 ** 2;

/** The part of one table in the request, after dynalite's checks. */
interface TableRequest extends Json {
  readonly Keys: readonly Item[];
}

interface DescribedTable {
  readonly KeySchema: readonly { readonly AttributeName: string; readonly KeyType: string }[];
}

export interface BatchGetItemOptions {
  readonly store: { getTable(tableName: string, callback: Callback): void };
  readonly trace: Trace;
  /** dynalite's `GetItem`, which answers in the same turn of the event loop on our store. */
  readonly getItem: (store: object, input: unknown, callback: Callback) => void;
}

/** Replaces dynalite's own, which stops at 1 MB in all, and charges for the keys that it leaves. */
export function batchGetItem(options: BatchGetItemOptions, requestItems: Readonly<Record<string, TableRequest>>): Json {
  const { trace } = options;
  const limits = createLimits();
  const Responses: Record<string, unknown[]> = {};
  const UnprocessedKeys: Record<string, Json> = {};
  for (const [TableName, { Keys, ...how }] of Object.entries(requestItems)) {
    const partitionKey = partitionKeyOf(options, TableName);
    const found: unknown[] = [];
    const left: Item[] = [];
    for (const Key of Keys) {
      const { Item } = get(options, { ...how, TableName, Key });
      const whole = trace.reads.pop()?.item;
      const partition = `${TableName} ${JSON.stringify(Key[partitionKey])}`;
      if (whole === undefined || limits.tryTake(partition, itemBytes(whole))) {
        trace.reads.push({ tableName: TableName, item: whole, key: Key });
        if (Item !== undefined) found.push(Item);
      } else {
        left.push(Key);
      }
    }
    Responses[TableName] = shuffled(found);
    if (left.length > 0) UnprocessedKeys[TableName] = { ...asAsked(how), Keys: left };
  }
  return { Responses, UnprocessedKeys };
}

function createLimits() {
  const byPartition = new Map<string, number>();
  let total = 0;
  return {
    tryTake(partition: string, bytes: number): boolean {
      const inPartition = (byPartition.get(partition) ?? 0) + bytes;
      if (total + bytes > MAX_ANSWER_BYTES || inPartition > MAX_PARTITION_BYTES) return false;
      total += bytes;
      byPartition.set(partition, inPartition);
      return true;
    },
  };
}

function partitionKeyOf({ store }: BatchGetItemOptions, tableName: string): string {
  const table = now<DescribedTable>((callback) => store.getTable(tableName, callback));
  return table.KeySchema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '';
}

function get({ store, getItem }: BatchGetItemOptions, input: Json): { readonly Item?: unknown } {
  return now((callback) => getItem(store, input, callback));
}

/** Returns the result of a function that calls back in the same turn of the event loop. Throws its error. */
function now<Result>(run: (callback: Callback) => void): Result {
  let outcome: { readonly error?: unknown; readonly result?: unknown } | undefined;
  run((error, result) => {
    outcome = { error, result };
  });
  if (outcome === undefined) throw new Error('the store has not answered at once');
  if (outcome.error) throw outcome.error;
  return outcome.result as Result;
}

/** Removes the parsed expressions that dynalite adds to a request. */
function asAsked(how: Json): Json {
  return Object.fromEntries(Object.entries(how).filter(([name]) => !name.startsWith('_')));
}

/** AWS answers in no particular order. */
function shuffled<Each>(values: readonly Each[]): Each[] {
  return values
    .map((value) => ({ value, rank: Math.random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value);
}
