import { ownField } from '../json.ts';
import type { Json } from '../json-protocol.ts';

/** The partition keys of a table's indexes, by name, and of the table itself, under ''. */
export type PartitionKeys = ReadonlyMap<string, string>;

/** Words of the expression language that are not attribute names. */
const KEYWORDS = new Set(
  'SET REMOVE ADD DELETE AND OR NOT IN BETWEEN attribute_exists attribute_not_exists attribute_type begins_with contains size if_not_exists list_append'
    .split(' ')
    .map((word) => word.toLowerCase()),
);

const EXPRESSIONS = [
  'ProjectionExpression',
  'KeyConditionExpression',
  'FilterExpression',
  'ConditionExpression',
  'UpdateExpression',
];

/**
 * Returns the condition keys of a request to one table. Each is computed when a policy reads it.
 * Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
 */
export function conditionKeys(
  part: Json,
  partitionKey: string | undefined,
): Readonly<Record<string, string | readonly string[]>> {
  return {
    ...parameterKeys(part),
    get 'dynamodb:LeadingKeys'() {
      return leadingKeys(part, partitionKey);
    },
    get 'dynamodb:Attributes'() {
      return attributes(part);
    },
  };
}

function parameterKeys(part: Json): Record<string, string> {
  const keys: Record<string, string> = {};
  for (const name of ['Select', 'ReturnValues', 'ReturnConsumedCapacity']) {
    const value = part[name];
    if (typeof value === 'string') keys[`dynamodb:${name}`] = value;
  }
  return keys;
}

function leadingKeys(part: Json, partitionKey: string | undefined): readonly string[] {
  return partitionKey === undefined ? [] : leadingKeyValues(part, partitionKey).flatMap(scalar);
}

/** Returns the values of a partition key in a request to one table, such as `{ S: 'alice' }`. */
export function leadingKeyValues(part: Json, partitionKey: string): readonly unknown[] {
  const values = keysOf(part).map((key) => ownField(key, partitionKey));
  return [...values, queried(part, partitionKey)].filter((value) => value !== undefined);
}

/** Returns the keys of a request's items, including those that it puts. */
function keysOf(part: Json): Json[] {
  const batched = list(part['Requests']).flatMap((request) => [
    object(object(request['PutRequest'])['Item']),
    object(object(request['DeleteRequest'])['Key']),
  ]);
  return [object(part['Key']), object(part['Item']), ...list(part['Keys']), ...batched];
}

/** Returns the value of the partition key in a query's condition. */
function queried(part: Json, partitionKey: string): unknown {
  const legacy = object(object(part['KeyConditions'])[partitionKey]);
  if (Array.isArray(legacy['AttributeValueList'])) return legacy['AttributeValueList'][0];
  const names = object(part['ExpressionAttributeNames']);
  const expression = text(part['KeyConditionExpression']);
  for (const [, left = '', right = ''] of expression.matchAll(/([#:]?\w+)\s*=\s*([#:]?\w+)/g)) {
    const [name, value] = left.startsWith(':') ? [right, left] : [left, right];
    if (nameBehind(names, name) === partitionKey) return object(part['ExpressionAttributeValues'])[value];
  }
  return undefined;
}

function scalar(value: unknown): string[] {
  return Object.values(object(value)).filter((content): content is string => typeof content === 'string');
}

function attributes(part: Json): readonly string[] {
  const names = object(part['ExpressionAttributeNames']);
  const inExpressions = EXPRESSIONS.flatMap((expression) =>
    [...text(part[expression]).matchAll(/(?<![.\w:#])#?[A-Za-z_]\w*/g)]
      .map(([name]) => nameBehind(names, name))
      .filter((name) => !KEYWORDS.has(name.toLowerCase())),
  );
  const listed = Array.isArray(part['AttributesToGet']) ? part['AttributesToGet'].map(String) : [];
  return [...new Set([...keysOf(part).flatMap(Object.keys), ...listed, ...inExpressions])];
}

/** Returns an attribute's name, which may have a placeholder in the expression. */
function nameBehind(names: Json, name: string): string {
  return Object.hasOwn(names, name) ? text(names[name]) : name;
}

function object(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
