import { bytesOf, encodeJson, isBlob } from './data.ts';
import type { Schema, SchemaIssue, SchemaResult } from './schema.ts';

/** Checks data against a schema. A schema that throws rejects the data, and says why in the only issue. */
export async function validate<Output>(schema: Schema<unknown, Output>, data: unknown): Promise<SchemaResult<Output>> {
  try {
    return await schema['~standard'].validate(data);
  } catch (error) {
    return { issues: [{ message: `The schema failed: ${error instanceof Error ? error.message : String(error)}` }] };
  }
}

/**
 * Copies data to the form in which recipients get it.
 * @throws TypeError for data that is neither JSON nor bytes.
 */
export async function arrivingData(data: unknown): Promise<unknown> {
  if (isBlob(data)) return new Uint8Array(await data.arrayBuffer());
  return bytesOf(data) ?? JSON.parse(encodeJson(data));
}

/** Returns the error for data that a schema rejects. It names the path and the message of each issue. */
export function invalidDataError(issues: readonly SchemaIssue[]): TypeError {
  const told = issues.map(({ message, path = [] }) => `"${['data', ...path.map(keyOf)].join('.')}": ${message}`);
  return new TypeError(`The data does not match the schema. Found at ${told.join('; ')}`);
}

function keyOf(segment: PropertyKey | { readonly key: PropertyKey }): string {
  return String(typeof segment === 'object' ? segment.key : segment);
}
