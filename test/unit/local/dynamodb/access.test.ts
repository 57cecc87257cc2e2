import { expect, test } from 'vitest';
import { accessesOf } from '../../../../local/dynamodb/access.ts';

const ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/';

const permissions = (operation: string, input: Record<string, unknown>) =>
  accessesOf(operation, input).map(({ action, resourceArn }) => `${action} ${resourceArn.replace(ARN, '')}`);

test.each<[string, Record<string, unknown>, string[]]>([
  ['GetItem', { TableName: 'T' }, ['dynamodb:GetItem T']],
  ['GetItem', { TableName: `${ARN}T` }, ['dynamodb:GetItem T']],
  ['Query', { TableName: 'T' }, ['dynamodb:Query T']],
  ['Query', { TableName: 'T', IndexName: 'I' }, ['dynamodb:Query T/index/I']],
  ['Scan', { TableName: `${ARN}T`, IndexName: 'I' }, ['dynamodb:Scan T/index/I']],
  ['PutItem', { TableName: 'T', IndexName: 'I' }, ['dynamodb:PutItem T']],
  ['BatchGetItem', { RequestItems: { T: {}, U: {} } }, ['dynamodb:BatchGetItem T', 'dynamodb:BatchGetItem U']],
  ['BatchWriteItem', { RequestItems: { [`${ARN}T`]: [] } }, ['dynamodb:BatchWriteItem T']],
  ['ListTables', {}, ['dynamodb:ListTables *']],
  ['TagResource', { ResourceArn: `${ARN}T` }, ['dynamodb:TagResource T']],
  ['UpdateTimeToLive', { TableName: 'T' }, ['dynamodb:UpdateTimeToLive T']],
])('%s of %j needs %j', (operation, input, expected) => {
  expect(permissions(operation, input)).toEqual(expected);
});

test('a table of another account stays what it is called', () => {
  const foreign = 'arn:aws:dynamodb:us-east-1:111111111111:table/T';
  expect(permissions('GetItem', { TableName: foreign })).toEqual([`dynamodb:GetItem ${foreign}`]);
});

test.each(['TransactWriteItems', 'TransactGetItems', 'ExecuteStatement', 'CreateBackup', 'constructor'])(
  '%s is refused by name',
  (operation) => {
    expect(() => accessesOf(operation, { TableName: 'T' })).toThrow(`${operation} is not supported locally`);
  },
);

test.each([undefined, 3, null])('a table called %j is refused', (TableName) => {
  expect(() => accessesOf('GetItem', { TableName })).toThrow('GetItem must name its table');
});
