import * as v from 'valibot';
import { isObject } from './json.ts';

/**
 * A schema for an object whose keys are names from outside. `v.record` drops keys that are names of inherited properties,
 * such as `constructor`.
 */
export function record<const TValue extends v.GenericSchema>(value: TValue) {
  return v.pipe(
    v.unknown(),
    v.check(isObject, 'Object'),
    v.transform((given) => new Map(Object.entries(given as object))),
    v.map(v.string(), value),
    v.transform((entries): Record<string, v.InferOutput<TValue>> => Object.fromEntries(entries)),
  );
}
