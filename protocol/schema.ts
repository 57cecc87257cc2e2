/**
 * A schema of any library that implements Standard Schema, version 1 (https://standardschema.dev): zod, valibot, arktype and others.
 * @typeParam Input The data that senders send.
 * @typeParam Output The data that recipients get: the schema may convert it.
 */
export interface Schema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    /** Only for the compiler: the schema has no such value. */
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a schema says about a value. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value, and where. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Whether a value is a schema. */
export function isSchema(value: unknown): value is Schema {
  const { validate } = (value as Partial<Schema> | null | undefined)?.['~standard'] ?? {};
  return typeof validate === 'function';
}
