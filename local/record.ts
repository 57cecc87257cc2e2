import * as v from 'valibot';
import { isObject } from './json.ts';

/**
 * An object whose keys are names from outside, of any kind. `v.record` drops those that every object inherits a property
 * of, such as `constructor`: what was given under them would be as if it had not been.
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
