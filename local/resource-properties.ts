import * as v from 'valibot';
import type { Resource } from './service.ts';

/** A boolean. CloudFormation accepts the text `"true"` as well. */
export const flag = v.pipe(
  v.union([v.boolean(), v.picklist(['true', 'false'])]),
  v.transform((value) => value === true || value === 'true'),
);

/** A whole number. CloudFormation accepts the text `"5"` as well. */
export const count = v.pipe(v.union([v.number(), v.pipe(v.string(), v.toNumber())]), v.integer('an integer'));

/**
 * Reads a resource's properties.
 * @throws Error naming the resource, the property, the expected value and the given one
 */
export function readProperties<const TSchema extends v.GenericSchema>(
  resource: Resource,
  schema: TSchema,
): v.InferOutput<TSchema> {
  const result = v.safeParse(schema, resource.properties);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw propertyError(resource, v.getDotPath(issue) ?? '', expectation(issue));
}

/** Makes an error that names the resource and the property. */
export function propertyError(resource: Resource, property: string, problem: string): PropertyError {
  return new PropertyError(resource, property, problem);
}

/** A property that prevents the creation of its resource. */
export class PropertyError extends Error {
  override readonly name = 'PropertyError';
  /** The name of the property at the top level. */
  readonly property: string;

  constructor({ logicalId, type, stackName }: Resource, path: string, problem: string) {
    super(`${logicalId} (${type}) in ${stackName}: ${path}: ${problem}`);
    this.property = path.split('.')[0] ?? path;
  }
}

function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.type === 'strict_object' && issue.expected === 'never') return 'this property is not supported locally';
  return `expected ${issue.expected ?? issue.message}, got ${issue.received}`;
}
