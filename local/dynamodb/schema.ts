import type { Json } from '../json-protocol.ts';

/** Whether two descriptions of a table have the same keys and the same indexes. */
export function isSameSchema(one: Json, other: Json): boolean {
  return schemaOf(one) === schemaOf(other);
}

/** Returns the partition keys of a described table's indexes, by name, and of the table itself, under ''. */
export function partitionKeysOf(table: Json): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const { name, keySchema } of [{ name: '', keySchema: table['KeySchema'] }, ...indexesOf(table)]) {
    const partition = list(keySchema).find((key) => key['KeyType'] === 'HASH');
    if (partition) keys.set(name, String(partition['AttributeName']));
  }
  return keys;
}

function schemaOf(table: Json): string {
  const attributes = list(table['AttributeDefinitions']).map(
    (each) => `${each['AttributeName']}:${each['AttributeType']}`,
  );
  const indexes = indexesOf(table).map(
    ({ name, keySchema, projection }) => `${name} ${keysText(keySchema)} ${projectionText(projection)}`,
  );
  return [keysText(table['KeySchema']), ...attributes.sort(), ...indexes.sort()].join('\n');
}

function indexesOf(table: Json) {
  return ['GlobalSecondaryIndexes', 'LocalSecondaryIndexes']
    .flatMap((kind) => list(table[kind]))
    .map((index) => ({
      name: String(index['IndexName']),
      keySchema: index['KeySchema'],
      projection: index['Projection'] as Json | undefined,
    }));
}

function keysText(keySchema: unknown): string {
  return list(keySchema)
    .map((key) => `${key['AttributeName']} ${key['KeyType']}`)
    .join(', ');
}

function projectionText(projection: Json | undefined): string {
  const attributes = projection?.['NonKeyAttributes'];
  return [projection?.['ProjectionType'], ...(Array.isArray(attributes) ? attributes.map(String).sort() : [])].join(
    ' ',
  );
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value : [];
}
