import validations from 'dynalite/validations/index.js';
import type { Clock } from '../../clock.ts';
import type { Json } from '../../json-protocol.ts';
import { type CallOptions, type Charge, type EngineAnswer, errorAnswer } from '../engine.ts';
import { type Action, actions } from './actions.ts';
import { batchGetItem } from './batch-get.ts';
import { capacityUnits, chargesOf, consumedCapacity, refusedUnits } from './capacity.ts';
import { createMutex, type Mutex } from './mutex.ts';
import type { Storage } from './storage.ts';
import { createStore } from './store.ts';
import type { Trace } from './trace.ts';

/** Runs an operation with dynalite's rules on our storage. */
export type Dynalite = (operation: string, input: Json, options?: CallOptions) => Promise<EngineAnswer>;

export function createDynalite(storage: Storage, clock: Clock): Dynalite {
  const mutex = createMutex();
  return async (operation, input, { staleByMs } = {}) => {
    const action = actions.get(operation);
    if (!action) return errorAnswer('UnknownOperationException', `${operation} is not supported locally.`);
    const reader = staleByMs === undefined ? storage : storage.asOf(clock.now() - staleByMs);
    return run({ storage, mutex, reader }, operation, action, input);
  };
}

const getItem = actions.get('GetItem')?.run ?? unavailable;

function unavailable(): never {
  throw new Error('dynalite lacks GetItem');
}

interface Ground {
  readonly storage: Storage;
  readonly mutex: Mutex;
  readonly reader: ReturnType<Storage['asOf']>;
}

async function run(ground: Ground, operation: string, action: Action, input: Json): Promise<EngineAnswer> {
  // dynalite removes unknown members from its input, and adds the parsed expressions.
  const asked = { ...input };
  let fail: (error: unknown) => void = () => undefined;
  const { store, trace } = createStore({ ...ground, fail: (error) => fail(error) });
  try {
    const body = await new Promise<Json>((resolve, reject) => {
      fail = reject;
      const data = validations.checkTypes(input, action.validation.types);
      validations.checkValidations(data, action.validation.types, action.validation.custom, store);
      if (operation === 'BatchGetItem') {
        const requestItems = data['RequestItems'] as Parameters<typeof batchGetItem>[1];
        return resolve(batchGetItem({ store, trace, getItem }, requestItems));
      }
      action.run(store, data, (error, result) => (error ? reject(error) : resolve((result || {}) as Json)));
    });
    const charges = chargesOf(asked, body, trace);
    return {
      statusCode: 200,
      body: withCapacity(operation, asked, body, charges),
      units: capacityUnits(charges),
      charges,
    };
  } catch (error) {
    return refusal(error, asked, trace);
  }
}

function withCapacity(operation: string, asked: Json, body: Json, charges: readonly Charge[]): Json {
  if (asked['ReturnConsumedCapacity'] !== 'TOTAL' && asked['ReturnConsumedCapacity'] !== 'INDEXES') return body;
  return { ...body, ConsumedCapacity: consumedCapacity(operation, asked, charges) };
}

/** Turns an expected error into an answer. Throws any other one, which is a defect. */
function refusal(error: unknown, asked: Json, trace: Trace): EngineAnswer {
  if (!isRefusal(error)) throw error;
  const { statusCode, body } = error;
  if (!String(body['__type']).endsWith('#ConditionalCheckFailedException')) return { statusCode, body };
  const wantsItem = asked['ReturnValuesOnConditionCheckFailure'] === 'ALL_OLD';
  const item = trace.reads.at(-1)?.item;
  return { statusCode, body: { ...body, ...(wantsItem && item && { Item: item }) }, units: refusedUnits(trace) };
}

function isRefusal(error: unknown): error is { statusCode: number; body: Json } {
  return error instanceof Error && 'statusCode' in error && 'body' in error;
}
