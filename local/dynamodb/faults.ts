import type { Fault, Faults } from '../faults.ts';
import type { Json } from '../json-protocol.ts';
import type { Access } from './access.ts';
import { splitBatch } from './batch.ts';
import { callPart, type Engine, type EngineAnswer, errorAnswer, throttled } from './engine.ts';

const EVENTUAL_READS = ['GetItem', 'BatchGetItem', 'Query', 'Scan'];

const ALWAYS = ['throttle', 'error', 'lost'];

/** Calls the engine, unless a fault strikes. Then it does what AWS does in that case. */
export async function callWithFaults(
  engine: Engine,
  faults: Faults,
  operation: string,
  input: Json,
  accesses: readonly Access[],
): Promise<EngineAnswer> {
  const tables = [...new Set(accesses.map((access) => access.tableName))].join(',');
  const kinds = engine.canBeStale && isEventual(operation, accesses) ? [...ALWAYS, 'stale'] : ALWAYS;
  const fault = faults.strike('dynamodb', { operation, table: tables }, kinds);
  return fault ? misbehave(engine, fault, operation, input) : engine.call(operation, input);
}

function isEventual(operation: string, accesses: readonly Access[]): boolean {
  return EVENTUAL_READS.includes(operation) && accesses.every((access) => access.part['ConsistentRead'] !== true);
}

async function misbehave(engine: Engine, fault: Fault, operation: string, input: Json): Promise<EngineAnswer> {
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

function internalError(): EngineAnswer {
  return errorAnswer('InternalServerError', 'Internal server error', 500);
}

/** Throttles half of a batch, which returns as unprocessed, and other requests whole. */
async function throttle(engine: Engine, operation: string, input: Json): Promise<EngineAnswer> {
  const split = splitBatch(operation, input, (_, index, count) => index < Math.floor(count / 2));
  if (!split || split.counts.done === 0) return throttled();
  return callPart(engine, operation, input, split);
}
