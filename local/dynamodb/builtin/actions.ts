import { createRequire } from 'node:module';
import type { Json } from '../../json-protocol.ts';
import { cacheExpressions } from './expression-cache.ts';
import type { Callback } from './space.ts';

/** dynalite's implementation of one operation. */
export interface Action {
  run(store: object, input: unknown, callback: Callback): void;
  readonly validation: {
    readonly types: Readonly<Record<string, unknown>>;
    readonly custom?: unknown;
  };
}

const OPERATIONS = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'UpdateItem',
];

const require = createRequire(import.meta.url);
cacheExpressions();

/** dynalite's operations, by name. We call its files directly, because its HTTP server ends the process on an error. */
export const actions: ReadonlyMap<string, Action> = new Map(
  OPERATIONS.map((operation) => {
    const file = `${operation.charAt(0).toLowerCase()}${operation.slice(1)}.js`;
    const action: Action = {
      run: require(`dynalite/actions/${file}`),
      validation: require(`dynalite/validations/${file}`),
    };
    return [operation, action];
  }),
);

/** Parameters that we accept in addition to those of dynalite. */
const OWN_PARAMETERS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    CreateTable: ['DeletionProtectionEnabled'],
    DeleteItem: ['ReturnValuesOnConditionCheckFailure'],
    DescribeTimeToLive: ['TableName'],
    PutItem: ['ReturnValuesOnConditionCheckFailure'],
    UpdateItem: ['ReturnValuesOnConditionCheckFailure'],
    UpdateTable: ['TableName', 'DeletionProtectionEnabled'],
    UpdateTimeToLive: ['TableName', 'TimeToLiveSpecification'],
  }),
);

/** Returns a sentence that names unsupported parameters, or `undefined`. */
export function unsupportedParameters(operation: string, input: Json): string | undefined {
  const known = actions.get(operation)?.validation.types ?? {};
  const own = OWN_PARAMETERS.get(operation) ?? [];
  const unsupported = Object.keys(input).filter((name) => !Object.hasOwn(known, name) && !own.includes(name));
  if (unsupported.length === 0) return undefined;
  return `Not supported locally by ${operation}: ${unsupported.join(', ')}.`;
}
