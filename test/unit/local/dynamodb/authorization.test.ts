import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDynamoDb } from '../../../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../../../local/faults.ts';
import { type Authorize, AwsError, type AwsService } from '../../../../local/service.ts';
import { call } from '../../../support/aws-server.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

const ARN = 'arn:aws:dynamodb:us-east-1:000000000000:table/';
const authorize = vi.fn<Authorize>();
let service: AwsService;

beforeEach(async () => {
  authorize.mockReset();
  service = await createDynamoDb({ clock: createSteppedClock(), faults: NO_FAULTS, authorize, log: () => undefined });
  for (const TableName of ['One', 'Two']) {
    await call(service, 'CreateTable', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
      AttributeDefinitions: ['pk', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byG',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
  }
  authorize.mockClear();
});

afterEach(() => service.close());

const deny = (resource: string) =>
  authorize.mockImplementation((_principal, _action, resourceArn) => {
    if (resourceArn === ARN + resource) throw new AwsError('AccessDeniedException', 'No.');
  });

const put = (pk: string) => ({ PutRequest: { Item: { pk: { S: pk } } } });
const count = async (TableName: string) => (await call(service, 'Scan', { TableName })).body['Count'];

test('permission is asked with the partition keys and attributes of the item', async () => {
  await call(service, 'PutItem', { TableName: 'One', Item: { pk: { S: 'a' }, data: { S: 'x' } } });
  const [principal, action, resourceArn, context] = authorize.mock.calls[0] ?? [];
  expect([principal, action, resourceArn]).toEqual([{ kind: 'admin' }, 'dynamodb:PutItem', `${ARN}One`]);
  expect(context).toEqual({ 'dynamodb:LeadingKeys': ['a'], 'dynamodb:Attributes': ['pk', 'data'] });
});

test('a query of an index is about the index, and its partition key', async () => {
  await call(service, 'Query', {
    TableName: 'One',
    IndexName: 'byG',
    KeyConditionExpression: 'g = :g',
    ExpressionAttributeValues: { ':g': { S: 'x' } },
  });
  const [, action, resourceArn, context] = authorize.mock.calls[0] ?? [];
  expect([action, resourceArn]).toEqual(['dynamodb:Query', `${ARN}One/index/byG`]);
  expect(context?.['dynamodb:LeadingKeys']).toEqual(['x']);
});

test('a batch that may not touch one of its tables touches none', async () => {
  deny('Two');
  const batch = call(service, 'BatchWriteItem', { RequestItems: { One: [put('a')], Two: [put('b')] } });
  await expect(batch).rejects.toMatchObject({ code: 'AccessDeniedException' });
  expect(authorize.mock.calls.map(([, , resourceArn]) => resourceArn)).toEqual([`${ARN}One`, `${ARN}Two`]);
  authorize.mockReset();
  expect(await count('One')).toBe(0);
});

test('naming a table by its ARN is no way around', async () => {
  deny('One');
  await expect(call(service, 'Scan', { TableName: `${ARN}One` })).rejects.toMatchObject({
    code: 'AccessDeniedException',
  });
});

test('naming a table twice in a batch, once by its ARN, is refused', async () => {
  const batch = call(service, 'BatchWriteItem', { RequestItems: { One: [put('a')], [`${ARN}One`]: [put('b')] } });
  await expect(batch).rejects.toMatchObject({ code: 'ValidationException' });
});

test('a table that was made anew has its new partition key', async () => {
  const TableName = 'One';
  await call(service, 'DeleteTable', { TableName });
  await call(service, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  });
  authorize.mockClear();
  await call(service, 'GetItem', { TableName, Key: { id: { S: 'a' } } });
  expect(authorize.mock.calls[0]?.[3]?.['dynamodb:LeadingKeys']).toEqual(['a']);
});
