/**
 * The throughput of one partition key, as an option. Sources:
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html (3,000 and 1,000 units a second),
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/throttling-key-range-limit-exceeded-mitigation.html (reads and
 * writes are independent, the reasons), https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html (keys
 * that are left).
 */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { expect, onTestFinished, test } from 'vitest';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { provision, resource, startAwsServer } from '../support/aws-server.ts';
import { createManualClock } from '../support/manual-clock.ts';

const TableName = 'Hot';
const ARN = `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`;

async function open(quotas = { partitionReadUnits: 10, partitionWriteUnits: 5 }) {
  const clock = createManualClock();
  const service = await createDynamoDb({
    clock,
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    quotas,
  });
  const server = await startAwsServer(service);
  const client = new DynamoDBClient(server.client());
  onTestFinished(async () => {
    client.destroy();
    await server.close();
  });
  await provision(
    service,
    resource('AWS::DynamoDB::Table', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: ['pk', 'sk', 'g'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byG',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  const put = (pk: string, more: Record<string, { S: string }> = {}, sk = '1') =>
    client.send(new PutItemCommand({ TableName, Item: { ...key(pk, sk), ...more } }));
  const get = (pk: string) => client.send(new GetItemCommand({ TableName, Key: key(pk), ConsistentRead: true }));
  return { clock, client, put, get };
}

const key = (pk: string, sk = '1') => ({ pk: { S: pk }, sk: { S: sk } });
const throttledBy = (reason: string, resourceArn = ARN) => ({
  name: 'ThrottlingException',
  throttlingReasons: [{ reason, resource: resourceArn }],
});

async function times(count: number, run: () => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 1) await run();
}

test('writes of one key beyond its units are throttled; other keys and reads are not', async () => {
  const { clock, put, get } = await open();
  await times(5, () => put('hot'));
  await expect(put('hot')).rejects.toMatchObject(throttledBy('TableWriteKeyRangeThroughputExceeded'));
  await put('cold');
  await get('hot');
  clock.advance(1000);
  await put('hot');
});

test('a large item uses up as many units as it costs, and the next request waits until they are refilled', async () => {
  const { clock, put } = await open();
  await put('hot', { data: { S: 'x'.repeat(10 * 1024) } });
  await expect(put('hot')).rejects.toMatchObject({ name: 'ThrottlingException' });
  clock.advance(1000);
  await expect(put('hot')).rejects.toMatchObject({ name: 'ThrottlingException' });
  clock.advance(500);
  await put('hot');
});

test('a query counts what it reads, and a missing item counts, too', async () => {
  const { put, get, client } = await open({ partitionReadUnits: 10, partitionWriteUnits: 100 });
  const query = () =>
    client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': { S: 'hot' } },
        ConsistentRead: true,
      }),
    );
  // Two items of 8 KB: each query costs 4 units.
  for (const sk of ['1', '2']) await put('hot', { data: { S: 'x'.repeat(8 * 1000) } }, sk);
  await times(3, query);
  await expect(query()).rejects.toMatchObject(throttledBy('TableReadKeyRangeThroughputExceeded'));
  await times(10, () => get('missing'));
  await expect(get('missing')).rejects.toMatchObject({ name: 'ThrottlingException' });
  // A scan reads every partition.
  await client.send(new ScanCommand({ TableName }));
});

test('the entries of an index have partition keys of their own', async () => {
  const { put } = await open();
  for (let item = 0; item < 5; item += 1) await put(`item-${item}`, { g: { S: 'same' } });
  await expect(put('item-5', { g: { S: 'same' } })).rejects.toMatchObject(
    throttledBy('IndexWriteKeyRangeThroughputExceeded', `${ARN}/index/byG`),
  );
  await put('item-5', { g: { S: 'other' } });
});

test('a batch leaves the requests of hot keys, and fails if it leaves all', async () => {
  const { client, put, get } = await open();
  const readBatch = (...pks: string[]) =>
    client.send(
      new BatchGetItemCommand({
        RequestItems: { [TableName]: { Keys: pks.map((pk) => key(pk)), ConsistentRead: true } },
      }),
    );
  const writeBatch = (...pks: string[]) =>
    client.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: pks.map((pk) => ({ PutRequest: { Item: key(pk) } })) },
      }),
    );
  await put('cold');
  await times(10, () => get('hot'));
  const read = await readBatch('hot', 'cold');
  expect(read.Responses?.[TableName]).toEqual([key('cold')]);
  expect(read.UnprocessedKeys).toEqual({ [TableName]: { Keys: [key('hot')], ConsistentRead: true } });
  await expect(readBatch('hot')).rejects.toMatchObject({ name: 'ThrottlingException' });
  await times(5, () => writeBatch('hot'));
  const written = await writeBatch('hot', 'cold');
  expect(written.UnprocessedItems).toEqual({ [TableName]: [{ PutRequest: { Item: key('hot') } }] });
});
