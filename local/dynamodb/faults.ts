import type { Fault, Faults } from '../faults.ts';
import type { Json, JsonAnswer } from '../json-protocol.ts';
import type { Access } from './access.ts';
import { type Engine, errorAnswer } from './engine.ts';

const EVENTUAL_READS = ['GetItem', 'BatchGetItem', 'Query', 'Scan'];

/** The message of an on-demand table. */
const THROTTLED =
  'Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or ' +
  'index so please try again shortly.';
const ALWAYS = ['throttle', 'error', 'lost'];

/** Calls the engine, unless a fault strikes. Then it does what AWS does in that case. */
export async function callWithFaults(
  engine: Engine,
  faults: Faults,
  operation: string,
  input: Json,
  accesses: readonly Access[],
): Promise<JsonAnswer> {
  const tables = [...new Set(accesses.map((access) => access.tableName))].join(',');
  const kinds = engine.canBeStale && isEventual(operation, accesses) ? [...ALWAYS, 'stale'] : ALWAYS;
  const fault = faults.strike('dynamodb', { operation, table: tables }, kinds);
  return fault ? misbehave(engine, fault, operation, input) : engine.call(operation, input);
}

function isEventual(operation: string, accesses: readonly Access[]): boolean {
  return EVENTUAL_READS.includes(operation) && accesses.every((access) => access.part['ConsistentRead'] !== true);
}

async function misbehave(engine: Engine, fault: Fault, operation: string, input: Json): Promise<JsonAnswer> {
  switch (fault.kind) {
    case 'throttle':
      return throttle(engine, operation, input);
    case 'stale':
      return engine.call(operation, input, { staleByMs: fault.delayMs });
    case 'lost':
      await engine.call(operation, input);
      return internalError();
    case 'error':
      return internalError();
    default:
      throw new Error(`DynamoDB has no fault of the kind ${fault.kind}`);
  }
}

function internalError(): JsonAnswer {
  return errorAnswer('InternalServerError', 'Internal server error', 500);
}

/** Throttles a part of a batch, which returns as unprocessed. */
async function throttle(engine: Engine, operation: string, input: Json): Promise<JsonAnswer> {
  const split = splitBatch(operation, input);
  if (!split) {
    return errorAnswer('ThrottlingException', THROTTLED);
  }
  const answer = await engine.call(operation, { ...input, RequestItems: split.done });
  if (answer.statusCode !== 200) return answer;
  const unprocessed = operation === 'BatchGetItem' ? 'UnprocessedKeys' : 'UnprocessedItems';
  return { ...answer, body: { ...answer.body, [unprocessed]: split.left } };
}

interface Split {
  readonly done: Json;
  readonly left: Json;
}

/** Splits a batch's requests in two halves. Returns `undefined` for fewer than two requests. */
function splitBatch(operation: string, input: Json): Split | undefined {
  if (operation !== 'BatchGetItem' && operation !== 'BatchWriteItem') return undefined;
  const tables = Object.entries((input['RequestItems'] ?? {}) as Json);
  const requests = tables.flatMap(([tableName, part]) => listOf(part).map((request) => ({ tableName, part, request })));
  if (requests.length < 2) return undefined;
  const gather = (some: typeof requests) => {
    const gathered = new Map<string, unknown>();
    for (const { tableName, part, request } of some) {
      gathered.set(tableName, append(gathered.get(tableName), part, request));
    }
    return Object.fromEntries(gathered);
  };
  const middle = Math.floor(requests.length / 2);
  return { done: gather(requests.slice(0, middle)), left: gather(requests.slice(middle)) };
}

/** `BatchWriteItem` has a list for each table, `BatchGetItem` an object with `Keys` and how to read them. */
function listOf(part: unknown): unknown[] {
  const requests = Array.isArray(part) ? part : (part as Json | null)?.['Keys'];
  return Array.isArray(requests) ? requests : [];
}

function append(gathered: unknown, part: unknown, request: unknown): unknown {
  const requests = [...listOf(gathered), request];
  return Array.isArray(part) ? requests : { ...(part as Json), Keys: requests };
}
