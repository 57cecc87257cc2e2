import type { Json } from '../json-protocol.ts';
import { AwsError } from '../service.ts';
import { indexArn, tableArn, tableNameOf } from './arn.ts';

/** One table or index of a request, and so one permission that it needs. */
export interface Access {
  readonly action: string;
  readonly resourceArn: string;
  /** Absent for operations without a table. */
  readonly tableName?: string;
  readonly indexName?: string;
  /** The part of the request for this table. */
  readonly part: Json;
}

type AccessOf = (operation: string, input: Json) => Access[];

const oneTable: AccessOf = (operation, input) => [accessTo(operation, input['TableName'], input)];

const tableOrIndex: AccessOf = (operation, input) => {
  const access = accessTo(operation, input['TableName'], input);
  const indexName = input['IndexName'];
  if (typeof indexName !== 'string') return [access];
  return [{ ...access, indexName, resourceArn: indexArn(access.tableName, indexName) }];
};

const eachTable: AccessOf = (operation, input) =>
  Object.entries(objectOf(input['RequestItems'])).map(([tableName, requests]) =>
    accessTo(operation, tableName, Array.isArray(requests) ? { Requests: requests } : objectOf(requests)),
  );

const taggedResource: AccessOf = (operation, input) => [accessTo(operation, input['ResourceArn'], input)];

const noTable: AccessOf = (operation, input) => [{ action: `dynamodb:${operation}`, resourceArn: '*', part: input }];

const OPERATIONS: ReadonlyMap<string, AccessOf> = new Map([
  ['GetItem', oneTable],
  ['PutItem', oneTable],
  ['UpdateItem', oneTable],
  ['DeleteItem', oneTable],
  ['Query', tableOrIndex],
  ['Scan', tableOrIndex],
  ['BatchGetItem', eachTable],
  ['BatchWriteItem', eachTable],
  ['CreateTable', oneTable],
  ['DeleteTable', oneTable],
  ['DescribeTable', oneTable],
  ['DescribeTimeToLive', oneTable],
  ['UpdateTable', oneTable],
  ['UpdateTimeToLive', oneTable],
  ['ListTables', noTable],
  ['ListTagsOfResource', taggedResource],
  ['TagResource', taggedResource],
  ['UntagResource', taggedResource],
]);

/**
 * Returns the permissions that a request needs: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
 * @throws AwsError `UnknownOperationException` naming an unsupported operation
 */
export function accessesOf(operation: string, input: Json): Access[] {
  const accesses = OPERATIONS.get(operation);
  if (accesses) return accesses(operation, input);
  throw new AwsError('UnknownOperationException', `The DynamoDB operation ${operation} is not supported locally.`);
}

function accessTo(operation: string, nameOrArn: unknown, part: Json): Access & { readonly tableName: string } {
  if (typeof nameOrArn !== 'string') {
    throw new AwsError('ValidationException', `${operation} must name its table, got ${JSON.stringify(nameOrArn)}.`);
  }
  const tableName = tableNameOf(nameOrArn);
  return { action: `dynamodb:${operation}`, resourceArn: tableArn(tableName), tableName, part };
}

function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}
