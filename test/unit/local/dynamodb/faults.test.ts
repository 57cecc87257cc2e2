import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDynamoDb } from '../../../../local/dynamodb/index.ts';
import { createFaults, type PlannedFaults } from '../../../../local/faults.ts';
import type { AwsService } from '../../../../local/service.ts';
import { call } from '../../../support/aws-server.ts';
import { createSteppedClock, type SteppedClock } from '../../../support/stepped-clock.ts';

const TableName = 'Items';

let clock: SteppedClock;
let faults: PlannedFaults;
let service: AwsService;

async function open(...rules: object[]): Promise<void> {
  await service?.close();
  clock = createSteppedClock();
  const plan = { seed: 1, rules: rules.map((rule) => ({ point: 'dynamodb', afterMs: 1000, ...rule })) };
  faults = createFaults(plan, { clock, log: () => undefined });
  service = await createDynamoDb({ clock, faults, authorize: () => undefined, log: () => undefined });
  await call(service, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['pk', 'sk', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
    GlobalSecondaryIndexes: [
      { IndexName: 'byG', KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }], Projection: { ProjectionType: 'ALL' } },
    ],
  });
}

const key = (sk: string) => ({ pk: { S: 'a' }, sk: { S: sk } });
const put = (sk: string, g = 'g') => call(service, 'PutItem', { TableName, Item: { ...key(sk), g: { S: g } } });

/** The sort keys that a query of the table, or of the index, finds. */
async function query(more: object = {}): Promise<string[]> {
  const { body } = await call(service, 'Query', {
    TableName,
    KeyConditionExpression: 'pk = :p',
    ExpressionAttributeValues: { ':p': { S: 'a' } },
    ...more,
  });
  return (body['Items'] as { sk: { S: string } }[]).map((item) => item.sk.S).sort();
}

const queryIndex = (g: string) =>
  query({ IndexName: 'byG', KeyConditionExpression: 'g = :g', ExpressionAttributeValues: { ':g': { S: g } } });

beforeEach(() => open());
afterEach(() => service.close());

test('throttle: nothing is done', async () => {
  await open({ kind: 'throttle', match: { operation: 'PutItem' } });
  await clock.advance(1000);
  const { statusCode, body } = await put('1');
  expect([statusCode, body['__type']]).toEqual([400, 'com.amazonaws.dynamodb.v20120810#ThrottlingException']);
  expect(await query()).toEqual([]);
});

test('throttle: of a batch of writes the second half comes back', async () => {
  await open({ kind: 'throttle' });
  const requests = ['1', '2', '3'].map((sk) => ({ PutRequest: { Item: key(sk) } }));
  await clock.advance(1000);
  const { body } = await call(service, 'BatchWriteItem', { RequestItems: { [TableName]: requests } });
  expect(body).toEqual({ UnprocessedItems: { [TableName]: requests.slice(1) } });
  const single = await call(service, 'BatchWriteItem', { RequestItems: { [TableName]: requests.slice(0, 1) } });
  expect(single.body['__type']).toContain('ThrottlingException');
  await open();
});

test('throttle: of a batch of reads the second half comes back, with how to read it', async () => {
  await open({ kind: 'throttle' });
  await put('1');
  await put('2');
  await clock.advance(1000);
  const part = { Keys: [key('1'), key('2')], ConsistentRead: true, ProjectionExpression: 'sk' };
  const { body } = await call(service, 'BatchGetItem', { RequestItems: { [TableName]: part } });
  expect(body).toEqual({
    Responses: { [TableName]: [{ sk: { S: '1' } }] },
    UnprocessedKeys: { [TableName]: { ...part, Keys: [key('2')] } },
  });
});

test('error: nothing is done, and the answer is a 500', async () => {
  await open({ kind: 'error', match: { operation: 'PutItem' } });
  await clock.advance(1000);
  const { statusCode, body } = await put('1');
  expect([statusCode, body['__type']]).toEqual([500, 'com.amazonaws.dynamodb.v20120810#InternalServerError']);
  expect(await query()).toEqual([]);
});

test('lost: it is done, and the answer is a 500', async () => {
  await open({ kind: 'lost', match: { operation: 'PutItem', table: 'It*' } });
  await clock.advance(1000);
  expect((await put('1')).statusCode).toBe(500);
  expect(await query()).toEqual(['1']);
  expect(faults.log()).toMatchObject([{ kind: 'lost', subject: { operation: 'PutItem', table: TableName } }]);
});

test('stale: an eventually consistent read returns an older state', async () => {
  await open({ kind: 'stale', minDelayMs: 500, maxDelayMs: 500 });
  await put('1', 'old');
  await put('2', 'old');
  await clock.advance(2000);
  await put('1', 'new');
  await put('3', 'old');
  await call(service, 'DeleteItem', { TableName, Key: key('2') });
  await clock.advance(100);

  expect(await query()).toEqual(['1', '2']);
  expect(await queryIndex('old')).toEqual(['1', '2']);
  expect(await queryIndex('new')).toEqual([]);
  expect((await call(service, 'GetItem', { TableName, Key: key('1') })).body['Item']).toMatchObject({
    g: { S: 'old' },
  });
  expect((await call(service, 'GetItem', { TableName, Key: key('3') })).body).toEqual({});
  expect((await call(service, 'Scan', { TableName })).body).toMatchObject({ Count: 2 });
  const batch = { RequestItems: { [TableName]: { Keys: [key('3')] } } };
  expect((await call(service, 'BatchGetItem', batch)).body['Responses']).toEqual({ [TableName]: [] });

  await clock.advance(401);
  expect(await query()).toEqual(['1', '3']);
  expect((await queryIndex('old')).concat(await queryIndex('new'))).toEqual(['3', '1']);
});

test('stale: strongly consistent reads, conditions and writes are not', async () => {
  await open({ kind: 'stale', minDelayMs: 500, maxDelayMs: 500 });
  await clock.advance(1000);
  await put('1');
  expect(await query({ ConsistentRead: true })).toEqual(['1']);
  const again = await call(service, 'PutItem', {
    TableName,
    Item: key('1'),
    ConditionExpression: 'attribute_not_exists(pk)',
  });
  expect(again.statusCode).toBe(400);
  expect(faults.counts()).toEqual({});
  expect(await query()).toEqual([]);
  expect(faults.counts()).toEqual({ 'dynamodb/stale': 1 });
});
