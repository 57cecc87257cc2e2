import type { Json } from '../../json-protocol.ts';
import type { CapacityUnits } from '../../service.ts';
import type { Charge } from '../engine.ts';
import type { Item, ItemWrite, Trace } from './trace.ts';

// One unit: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const WRITE_UNIT_BYTES = 1024;
const READ_UNIT_BYTES = 4 * 1024;

/** The overhead of a list or a map, and of each element, in bytes: same source as {@link itemBytes}. */
const CONTAINER_BYTES = 3;
const ELEMENT_BYTES = 1;

/**
 * Returns an item's size in bytes: names and values.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: Item): number {
  return sum(Object.entries(item), ([name, value]) => Buffer.byteLength(name) + valueBytes(value as Json));
}

function valueBytes(value: Json): number {
  const [type, content] = Object.entries(value)[0] ?? [];
  switch (type) {
    case 'S':
      return Buffer.byteLength(content as string);
    case 'N':
      return numberBytes(content as string);
    case 'B':
      return Buffer.byteLength(content as string, 'base64');
    case 'SS':
    case 'NS':
    case 'BS':
      return sum(content as string[], (member) => valueBytes({ [type.charAt(0)]: member }));
    case 'L':
      return CONTAINER_BYTES + sum(content as Json[], (element) => ELEMENT_BYTES + valueBytes(element));
    case 'M':
      return CONTAINER_BYTES + ELEMENT_BYTES * Object.keys(content as Json).length + itemBytes(content as Item);
    default:
      return 1;
  }
}

/** About one byte for two significant digits, one more byte, and another for a sign. */
function numberBytes(number: string): number {
  const [mantissa = ''] = number.toLowerCase().split('e');
  const digits = mantissa.replace(/[-+.]/g, '').replace(/^0+|0+$/g, '');
  return Math.ceil(digits.length / 2) + 1 + (number.startsWith('-') ? 1 : 0);
}

function sum<T>(values: readonly T[], size: (value: T) => number): number {
  return values.reduce((total, value) => total + size(value), 0);
}

/** The units that a request consumed, of one table and its indexes. */
interface Tally {
  table: number;
  readonly local: Map<string, number>;
  readonly global: Map<string, number>;
}

/**
 * Returns the answer to `ReturnConsumedCapacity`: for a batch a list with one entry for each table, else that of the only
 * table.
 */
export function consumedCapacity(operation: string, input: Json, charges: readonly Charge[]): unknown {
  const detailed = input['ReturnConsumedCapacity'] === 'INDEXES';
  const perTable = [...talliesOf(charges)].map(([name, tally]) => describe(name, tally, detailed));
  return operation.startsWith('Batch') ? perTable : perTable[0];
}

/** Returns the units that a request consumed in total. */
export function capacityUnits(charges: readonly Charge[]): CapacityUnits {
  const unitsOf = (isWrite: boolean) => sum(charges, (charge) => (charge.isWrite === isWrite ? charge.units : 0));
  return { read: unitsOf(false), write: unitsOf(true) };
}

/** A write with a failed condition costs the units of the existing item, at least one. */
export function refusedUnits({ reads }: Trace): CapacityUnits {
  const item = reads.at(-1)?.item;
  return { read: 0, write: writeUnits(item, undefined) };
}

/** Returns what each access of a request costs. */
export function chargesOf(input: Json, answer: Json, trace: Trace): readonly Charge[] {
  if (trace.writes.length > 0) return trace.writes.flatMap(chargesOfWrite);
  const reads = trace.reads.map(({ tableName, item, key }): Charge => {
    const units = readUnits(item ? itemBytes(item) : 0, isConsistent(input, tableName));
    return { tableName, item: item ?? key, isWrite: false, units };
  });
  const walks = trace.walks.map(({ index, items }): Charge => {
    const tableName = String(input['TableName']);
    const bytes = sum(items.slice(0, Number(answer['ScannedCount'])), itemBytes);
    const units = readUnits(bytes, isConsistent(input, tableName));
    return { tableName, ...(index && { index }), item: items[0], isWrite: false, units };
  });
  return [...reads, ...walks];
}

/** A changed key of an index entry counts as two changes: a removal and an addition. */
function chargesOfWrite({ tableName, before, after, indexes }: ItemWrite): readonly Charge[] {
  const charge = (old: Item | undefined, changed: Item | undefined) => ({
    tableName,
    item: changed ?? old,
    isWrite: true,
    units: writeUnits(old, changed),
  });
  return [charge(before, after), ...indexes.map((index) => ({ ...charge(index.before, index.after), index }))];
}

function talliesOf(charges: readonly Charge[]): ReadonlyMap<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const { tableName, index, units } of charges) {
    const tally = tallies.get(tableName) ?? { table: 0, local: new Map(), global: new Map() };
    tallies.set(tableName, tally);
    if (index) add(tally[index.kind], index.indexName, units);
    else tally.table += units;
  }
  return tallies;
}

function totalOf({ table, local, global }: Tally): number {
  return sum([table, ...local.values(), ...global.values()], (units) => units);
}

function isConsistent(input: Json, tableName: string): boolean {
  const batch = input['RequestItems'] as Record<string, Json> | undefined;
  return (batch ? batch[tableName] : input)?.['ConsistentRead'] === true;
}

/** A read without a result costs as much as a small one. */
function readUnits(bytes: number, consistent: boolean): number {
  return Math.max(1, Math.ceil(bytes / READ_UNIT_BYTES)) * (consistent ? 1 : 0.5);
}

/** The larger of the old and the new item counts. A write without an effect costs as much as a small one. */
function writeUnits(before: Item | undefined, after: Item | undefined): number {
  const bytes = Math.max(before ? itemBytes(before) : 0, after ? itemBytes(after) : 0);
  return Math.max(1, Math.ceil(bytes / WRITE_UNIT_BYTES));
}

function add(units: Map<string, number>, indexName: string, more: number): void {
  units.set(indexName, (units.get(indexName) ?? 0) + more);
}

function describe(tableName: string, tally: Tally, detailed: boolean): Json {
  const { table, local, global } = tally;
  const total = totalOf(tally);
  if (!detailed) return { TableName: tableName, CapacityUnits: total };
  const each = (units: Map<string, number>) =>
    Object.fromEntries([...units].map(([name, CapacityUnits]) => [name, { CapacityUnits }]));
  return {
    TableName: tableName,
    CapacityUnits: total,
    Table: { CapacityUnits: table },
    ...(local.size > 0 && { LocalSecondaryIndexes: each(local) }),
    ...(global.size > 0 && { GlobalSecondaryIndexes: each(global) }),
  };
}
