import type { Clock } from '../clock.ts';
import { ownField } from '../json.ts';
import type { Json } from '../json-protocol.ts';
import { createThrottle, type Throttle } from '../throttle.ts';
import type { Access } from './access.ts';
import { indexArn, tableArn } from './arn.ts';
import { type BatchRequest, splitBatch } from './batch.ts';
import { leadingKeyValues, type PartitionKeys } from './condition-keys.ts';
import { type Charge, callPart, type Engine, type EngineAnswer, throttled } from './engine.ts';

/** Capacity units a second of one partition key. Absent: no limit. */
export interface PartitionQuotas {
  readonly partitionReadUnits?: number | undefined;
  readonly partitionWriteUnits?: number | undefined;
}

/** Calls the engine, unless a partition key of the request has used up its throughput. */
export type CallWithin = (
  operation: string,
  input: Json,
  accesses: readonly Access[],
  call: Engine['call'],
) => Promise<EngineAnswer>;

const READS: ReadonlySet<string> = new Set(['GetItem', 'BatchGetItem', 'Query']);
const WRITES: ReadonlySet<string> = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem']);

/** Buckets of partition keys that nobody uses any more are full. From this many on, the full ones go. */
const MAX_IDLE_BUCKETS = 10_000;

/**
 * Limits the throughput of each partition key, of tables and of indexes: "each partition … 3,000 read capacity units, 1,000
 * write capacity units", and one key is never in more than one partition, unless it is split by its sort key
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). DynamoDB knows what a
 * request costs at its end, so a key that has tokens left may exceed its quota once. Scans are not limited.
 * @param partitionKeys the partition keys of a known table
 */
export function createThroughput(
  clock: Clock,
  quotas: PartitionQuotas,
  partitionKeys: (tableName: string) => PartitionKeys | undefined,
): CallWithin {
  const reads = createBuckets(clock, quotas.partitionReadUnits);
  const writes = createBuckets(clock, quotas.partitionWriteUnits);

  const exhausted = (isWrite: boolean, tableName: string, part: Json): Place | undefined =>
    placesOf(tableName, part, partitionKeys(tableName), isWrite).find(
      (place) => !(isWrite ? writes : reads).isOpen(place.id),
    );
  const charge = ({ charges = [] }: EngineAnswer, fallback: Place | undefined) => {
    for (const each of charges) {
      const id = placeOfCharge(each, partitionKeys(each.tableName)) ?? fallback?.id;
      if (id !== undefined) (each.isWrite ? writes : reads).charge(id, each.units);
    }
  };

  return async (operation, input, accesses, call) => {
    const isWrite = WRITES.has(operation);
    if (!isWrite && !READS.has(operation)) return call(operation, input);
    const isOpen = ({ tableName, request }: BatchRequest) => !exhausted(isWrite, tableName, requestPart(request));
    const split = splitBatch(operation, input, isOpen);
    const [access] = accesses;
    if (split) {
      if (split.counts.done === 0 && split.counts.left > 0) return refusal(isWrite, undefined);
      const answer = await (split.counts.left === 0
        ? call(operation, input)
        : callPart({ call }, operation, input, split));
      charge(answer, undefined);
      return answer;
    }
    const { tableName = '', part = {}, indexName } = access ?? {};
    const place = exhausted(isWrite, tableName, indexName === undefined ? part : { ...part, IndexName: indexName });
    if (place) return refusal(isWrite, place);
    const answer = await call(operation, input);
    charge(answer, placesOf(tableName, part, partitionKeys(tableName), isWrite)[0]);
    return answer;
  };
}

/** One partition key of a table or an index. */
interface Place {
  readonly id: string;
  readonly tableName: string;
  /** Empty for the table itself. */
  readonly indexName: string;
}

/** Returns the partition keys that a request for a table names: a read has one, a write also those of its index entries. */
function placesOf(tableName: string, part: Json, keys: PartitionKeys = new Map(), isWrite: boolean): Place[] {
  const read = typeof part['IndexName'] === 'string' ? part['IndexName'] : '';
  return [...keys]
    .filter(([indexName]) => isWrite || indexName === read)
    .flatMap(([indexName, attribute]) =>
      leadingKeyValues(part, attribute).map((value) => place(tableName, indexName, value)),
    );
}

function placeOfCharge({ tableName, index, item }: Charge, keys: PartitionKeys | undefined): string | undefined {
  const indexName = index?.indexName ?? '';
  const attribute = keys?.get(indexName);
  const value = attribute === undefined || item === undefined ? undefined : ownField(item, attribute);
  return value === undefined ? undefined : place(tableName, indexName, value).id;
}

function place(tableName: string, indexName: string, value: unknown): Place {
  return { id: `${tableName} ${indexName} ${JSON.stringify(value)}`, tableName, indexName };
}

/** Returns a batch's request in the form of a single one. */
function requestPart(request: Json): Json {
  return 'PutRequest' in request || 'DeleteRequest' in request ? { Requests: [request] } : { Keys: [request] };
}

function refusal(isWrite: boolean, place: Place | undefined): EngineAnswer {
  if (place === undefined) return throttled();
  const { tableName, indexName } = place;
  const reason = `${indexName === '' ? 'Table' : 'Index'}${isWrite ? 'Write' : 'Read'}KeyRangeThroughputExceeded`;
  const resource = indexName === '' ? tableArn(tableName) : indexArn(tableName, indexName);
  return throttled({ throttlingReasons: [{ reason, resource }] });
}

function createBuckets(clock: Clock, unitsPerSecond: number | undefined) {
  const buckets = new Map<string, Throttle>();
  const bucketOf = (id: string, limit: number): Throttle => {
    const known = buckets.get(id);
    if (known) return known;
    if (buckets.size >= MAX_IDLE_BUCKETS) for (const [each, { isFull }] of buckets) if (isFull()) buckets.delete(each);
    const made = createThrottle(clock, limit, limit);
    buckets.set(id, made);
    return made;
  };
  return {
    isOpen: (id: string) => unitsPerSecond === undefined || bucketOf(id, unitsPerSecond).isOpen(),
    charge(id: string, units: number) {
      if (unitsPerSecond !== undefined) bucketOf(id, unitsPerSecond).charge(units);
    },
  };
}
