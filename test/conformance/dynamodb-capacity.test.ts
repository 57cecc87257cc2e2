import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  type ConsumedCapacity,
  DeleteItemCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ScanCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { type AwsServer, provision, resource, startAwsServer } from '../support/aws-server.ts';

// The rules: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const TableName = 'Capacity';
const KB = 1024;

let server: AwsServer;
let client: DynamoDBClient;

beforeAll(async () => {
  const service = await createDynamoDb({
    clock: createClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
  });
  server = await startAwsServer(service);
  client = new DynamoDBClient(server.client());
  await provision(
    service,
    resource('AWS::DynamoDB::Table', {
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: ['pk', 'sk', 'g', 'l'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byG',
          KeySchema: [{ AttributeName: 'g', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['shown'] },
        },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'byL',
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'l', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    }),
  );
});

afterAll(async () => {
  client.destroy();
  await server.close();
});

const total = { TableName, ReturnConsumedCapacity: 'TOTAL' } as const;
const indexes = { TableName, ReturnConsumedCapacity: 'INDEXES' } as const;
const key = (pk: string, sk = '1') => ({ pk: { S: pk }, sk: { S: sk } });

/** An item of exactly so many bytes. */
function sized(pk: string, bytes: number, sk = '1') {
  const rest = bytes - 'pk'.length - pk.length - 'sk'.length - sk.length - 'data'.length;
  return { ...key(pk, sk), data: { S: 'x'.repeat(rest) } };
}

const put = (Item: Record<string, { S: string }>) => client.send(new PutItemCommand({ ...total, Item }));
const units = (answer: { ConsumedCapacity?: ConsumedCapacity | undefined }) => answer.ConsumedCapacity?.CapacityUnits;

test('a write costs one unit for each kilobyte begun, counted in bytes', async () => {
  expect(units(await put(sized('a', KB)))).toBe(1);
  expect(units(await put(sized('b', KB + 1)))).toBe(2);
  expect(units(await put({ ...key('c'), data: { S: 'é'.repeat(600) } }))).toBe(2);
});

test('the larger of the item before and after counts', async () => {
  await put(sized('shrinks', 3 * KB));
  expect(units(await put(sized('shrinks', 100)))).toBe(3);
  expect(units(await client.send(new DeleteItemCommand({ ...total, Key: key('shrinks') })))).toBe(1);
});

test('a write of nothing costs one unit', async () => {
  expect(units(await client.send(new DeleteItemCommand({ ...total, Key: key('nothing') })))).toBe(1);
});

test('an update costs as much as the whole item', async () => {
  await put(sized('updated', 2 * KB + 1));
  const update = new UpdateItemCommand({
    ...total,
    Key: key('updated'),
    UpdateExpression: 'SET n = :n',
    ExpressionAttributeValues: { ':n': { N: '1' } },
  });
  expect(units(await client.send(update))).toBe(3);
});

test('a strongly consistent read costs one unit for each 4 KB begun, an eventual one half of it', async () => {
  await put(sized('small', 4 * KB));
  await put(sized('large', 4 * KB + 1));
  const get = (pk: string, ConsistentRead: boolean) =>
    client.send(new GetItemCommand({ ...total, Key: key(pk), ConsistentRead }));
  expect(units(await get('small', true))).toBe(1);
  expect(units(await get('small', false))).toBe(0.5);
  expect(units(await get('large', true))).toBe(2);
  expect(units(await get('large', false))).toBe(1);
  expect(units(await get('nothing', true))).toBe(1);
  expect(units(await get('nothing', false))).toBe(0.5);
});

test('a query sums up what it reads before it rounds, filtered or not', async () => {
  for (const sk of ['1', '2', '3']) await put(sized('query', 3 * KB, sk));
  const query = (more: object) =>
    client.send(
      new QueryCommand({
        ...total,
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': { S: 'query' } },
        ...more,
      }),
    );
  expect(units(await query({ ConsistentRead: true }))).toBe(3);
  expect(units(await query({}))).toBe(1.5);
  expect(units(await query({ FilterExpression: 'attribute_exists(nothing)' }))).toBe(1.5);
  expect(units(await query({ Limit: 1 }))).toBe(0.5);
  expect(units(await query({ ExpressionAttributeValues: { ':p': { S: 'nothing' } } }))).toBe(0.5);
});

test('a batch rounds each item, and answers for each table', async () => {
  const requests = [sized('batch', KB + 1), sized('batch', 50, '2')].map((Item) => ({ PutRequest: { Item } }));
  const written = await client.send(
    new BatchWriteItemCommand({ ReturnConsumedCapacity: 'TOTAL', RequestItems: { [TableName]: requests } }),
  );
  expect(written.ConsumedCapacity).toEqual([{ TableName, CapacityUnits: 3 }]);
  const Keys = [key('batch'), key('batch', '2'), key('batch', '3')];
  const read = await client.send(
    new BatchGetItemCommand({ ReturnConsumedCapacity: 'TOTAL', RequestItems: { [TableName]: { Keys } } }),
  );
  expect(read.ConsumedCapacity).toEqual([{ TableName, CapacityUnits: 1.5 }]);
});

// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
describe('BatchGetItem', () => {
  const read = async (keys: readonly ReturnType<typeof key>[]) => {
    const { Responses, UnprocessedKeys, ConsumedCapacity } = await client.send(
      new BatchGetItemCommand({
        ReturnConsumedCapacity: 'TOTAL',
        RequestItems: {
          [TableName]: {
            Keys: [...keys],
            ConsistentRead: true,
            ProjectionExpression: '#sk',
            ExpressionAttributeNames: { '#sk': 'sk' },
          },
        },
      }),
    );
    const found = Responses?.[TableName]?.length ?? 0;
    return { found, left: UnprocessedKeys?.[TableName], units: ConsumedCapacity?.[0]?.CapacityUnits };
  };
  const putAll = async (items: readonly ReturnType<typeof sized>[]) => {
    for (const Item of items) await client.send(new PutItemCommand({ TableName, Item }));
    return items.map(({ pk, sk }) => ({ pk, sk })) as ReturnType<typeof key>[];
  };

  test('returns up to 16 MB, and charges for no key that it leaves', async () => {
    const keys = await putAll(Array.from({ length: 42 }, (_, index) => sized(`large-${index}`, 400 * KB)));
    const { found, left, units } = await read(keys);
    expect([found, left?.Keys?.length, units]).toEqual([40, 2, 40 * 100]);
    expect(left).toMatchObject({ ConsistentRead: true, ProjectionExpression: '#sk' });
    expect(await read(left?.Keys as typeof keys)).toMatchObject({ found: 2, left: undefined, units: 200 });
  });

  test('returns up to 1 MB of one partition', async () => {
    const keys = await putAll(Array.from({ length: 4 }, (_, index) => sized('one', 300 * KB, String(index))));
    const { found, left, units } = await read(keys);
    expect([found, left?.Keys?.length, units]).toEqual([3, 1, 3 * 75]);
  });
});

test('index entries cost what they cause: to add, to change, to move, to remove; and nothing if they stay', async () => {
  const write = async (more: Record<string, { S: string }>) => {
    const { ConsumedCapacity } = await client.send(
      new PutItemCommand({ ...indexes, Item: { ...key('indexed'), ...more } }),
    );
    return [
      ConsumedCapacity?.CapacityUnits,
      ConsumedCapacity?.Table?.CapacityUnits,
      ConsumedCapacity?.GlobalSecondaryIndexes?.['byG']?.CapacityUnits,
      ConsumedCapacity?.LocalSecondaryIndexes?.['byL']?.CapacityUnits,
    ];
  };
  const none = undefined;
  expect(await write({ data: { S: 'x' } })).toEqual([1, 1, none, none]);
  expect(await write({ g: { S: '1' } })).toEqual([2, 1, 1, none]);
  expect(await write({ g: { S: '1' }, data: { S: 'not projected' } })).toEqual([1, 1, none, none]);
  expect(await write({ g: { S: '1' }, shown: { S: 'projected' } })).toEqual([2, 1, 1, none]);
  expect(await write({ g: { S: '2' }, l: { S: '1' } })).toEqual([4, 1, 2, 1]);
  expect(await write({})).toEqual([3, 1, 1, 1]);
});

test('a read of an index counts there, with what it fetches of the table', async () => {
  await put({ ...sized('fetched', 5 * KB), l: { S: '1' } });
  const query = (more: object) =>
    client.send(
      new QueryCommand({
        ...indexes,
        IndexName: 'byL',
        KeyConditionExpression: 'pk = :p',
        ExpressionAttributeValues: { ':p': { S: 'fetched' } },
        ConsistentRead: true,
        ...more,
      }),
    );
  expect((await query({})).ConsumedCapacity).toEqual({
    TableName,
    CapacityUnits: 1,
    Table: { CapacityUnits: 0 },
    LocalSecondaryIndexes: { byL: { CapacityUnits: 1 } },
  });
  expect((await query({ Select: 'ALL_ATTRIBUTES' })).ConsumedCapacity).toMatchObject({
    CapacityUnits: 3,
    Table: { CapacityUnits: 2 },
  });
});

test('unless asked for, it is not told', async () => {
  expect((await client.send(new ScanCommand({ TableName, Limit: 1 }))).ConsumedCapacity).toBeUndefined();
});
