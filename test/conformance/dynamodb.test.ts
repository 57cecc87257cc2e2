import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  DynamoDBClient,
  GetItemCommand,
  ListTablesCommand,
  PutItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  ResourceNotFoundException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { type AwsServer, provision, resource, startAwsServer } from '../support/aws-server.ts';

const TableName = 'Messages';

const MESSAGES = resource('AWS::DynamoDB::GlobalTable', {
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'address', KeyType: 'HASH' },
    { AttributeName: 'serial', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: [
    { AttributeName: 'address', AttributeType: 'S' },
    { AttributeName: 'serial', AttributeType: 'S' },
    { AttributeName: 'conversation', AttributeType: 'S' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: 'byConversation',
      KeySchema: [
        { AttributeName: 'conversation', KeyType: 'HASH' },
        { AttributeName: 'serial', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ],
  TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
  SSESpecification: { SSEEnabled: true },
  Replicas: [{ Region: 'us-east-1', PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true } }],
});

const common = { faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };

describe.each([
  ['the built-in engine', false],
  ['another engine, behind a URL', true],
])('%s', (_name, isRemote) => {
  let behind: AwsServer | undefined;
  let server: AwsServer;
  let client: DynamoDBClient;

  beforeAll(async () => {
    const clock = createClock();
    if (isRemote) behind = await startAwsServer(await createDynamoDb({ ...common, clock }));
    const endpoint = behind?.client().endpoint;
    const service = await createDynamoDb({ ...common, clock, ...(endpoint !== undefined && { endpoint }) });
    server = await startAwsServer(service);
    client = new DynamoDBClient(server.client());
    await provision(service, MESSAGES);
  });

  afterAll(async () => {
    client.destroy();
    await server.close();
    await behind?.close();
  });

  const key = (address: string, serial: string) => ({ address: { S: address }, serial: { S: serial } });

  const put = (address: string, serial: string, more: Record<string, { S: string } | { N: string }> = {}) =>
    client.send(new PutItemCommand({ TableName, Item: { ...key(address, serial), ...more } }));

  test('an item that was put is got', async () => {
    await put('user#got', '1', { data: { S: 'héllo' } });
    const { Item } = await client.send(
      new GetItemCommand({ TableName, Key: key('user#got', '1'), ConsistentRead: true }),
    );
    expect(Item).toEqual({ ...key('user#got', '1'), data: { S: 'héllo' } });
  });

  test('a failed condition is a ConditionalCheckFailedException, with the item that stood in the way if asked for', async () => {
    await put('user#condition', '1', { data: { S: 'old' } });
    const attempt = client.send(
      new PutItemCommand({
        TableName,
        Item: key('user#condition', '1'),
        ConditionExpression: 'attribute_not_exists(address)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
    const error = await attempt.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConditionalCheckFailedException);
    expect((error as ConditionalCheckFailedException).Item?.['data']).toEqual({ S: 'old' });
    expect((error as ConditionalCheckFailedException).$metadata.requestId).toBeTruthy();
  });

  test('a failed condition without ALL_OLD, or on no item, carries none', async () => {
    await put('user#condition', '2');
    const attempt = (serial: string, old: 'ALL_OLD' | 'NONE') =>
      client
        .send(
          new DeleteItemCommand({
            TableName,
            Key: key('user#condition', serial),
            ConditionExpression: 'attribute_exists(nothing)',
            ReturnValuesOnConditionCheckFailure: old,
          }),
        )
        .catch((reason: unknown) => reason);
    expect(await attempt('2', 'NONE')).toMatchObject({ name: 'ConditionalCheckFailedException', Item: undefined });
    expect(await attempt('none', 'ALL_OLD')).toMatchObject({
      name: 'ConditionalCheckFailedException',
      Item: undefined,
    });
  });

  test('a rate limit in one conditional update: if_not_exists, arithmetic, string sets', async () => {
    const update = (
      UpdateExpression: string,
      values: Record<string, { N: string } | { SS: string[] }>,
      condition?: string,
    ) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('user#update', '1'),
          UpdateExpression,
          ExpressionAttributeValues: values,
          ReturnValues: 'ALL_NEW',
          ...(condition && { ConditionExpression: condition }),
        }),
      );
    await update('SET tat = if_not_exists(tat, :zero) + :step ADD rooms :rooms', {
      ':zero': { N: '0' },
      ':step': { N: '5' },
      ':rooms': { SS: ['a', 'b'] },
    });
    const { Attributes } = await update(
      'SET tat = if_not_exists(tat, :zero) + :step DELETE rooms :rooms',
      { ':zero': { N: '0' }, ':step': { N: '5' }, ':rooms': { SS: ['a'] } },
      'tat < :step OR tat = :step',
    );
    expect(Attributes).toEqual({ ...key('user#update', '1'), tat: { N: '10' }, rooms: { SS: ['b'] } });
  });

  test('removing the last member of a set removes the attribute', async () => {
    await client.send(new PutItemCommand({ TableName, Item: { ...key('user#set', '1'), rooms: { SS: ['a'] } } }));
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key('user#set', '1'),
        UpdateExpression: 'DELETE rooms :rooms',
        ExpressionAttributeValues: { ':rooms': { SS: ['a'] } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(Attributes).toEqual(key('user#set', '1'));
  });

  test('DeleteItem gives the old item, once', async () => {
    await put('user#delete', '1', { data: { S: 'x' } });
    const remove = () =>
      client.send(new DeleteItemCommand({ TableName, Key: key('user#delete', '1'), ReturnValues: 'ALL_OLD' }));
    expect((await remove()).Attributes?.['data']).toEqual({ S: 'x' });
    expect((await remove()).Attributes).toBeUndefined();
  });

  test('Query reads a range in order, in pages, both ways', async () => {
    for (const serial of ['3', '1', '2', '5', '4']) await put('user#query', serial);
    const query = (condition: string, values: Record<string, string>, options = {}) =>
      client.send(
        new QueryCommand({
          TableName,
          KeyConditionExpression: `address = :a AND ${condition}`,
          ExpressionAttributeValues: Object.fromEntries(
            Object.entries({ ':a': 'user#query', ...values }).map(([name, value]) => [name, { S: value }]),
          ),
          ConsistentRead: true,
          ...options,
        }),
      );
    const serials = (answer: QueryCommandOutput) => answer.Items?.map((item) => item['serial']?.S);

    const page = await query('serial >= :from', { ':from': '2' }, { Limit: 2 });
    expect(serials(page)).toEqual(['2', '3']);
    expect(page.LastEvaluatedKey).toEqual(key('user#query', '3'));
    const next = await query('serial >= :from', { ':from': '2' }, { ExclusiveStartKey: page.LastEvaluatedKey });
    expect(serials(next)).toEqual(['4', '5']);
    expect(next.LastEvaluatedKey).toBeUndefined();
    expect(serials(await query('serial BETWEEN :from AND :to', { ':from': '2', ':to': '4' }))).toEqual(['2', '3', '4']);
    expect(serials(await query('begins_with(serial, :p)', { ':p': '5' }))).toEqual(['5']);
    const backwards = await query('serial < :to', { ':to': '4' }, { ScanIndexForward: false, Limit: 2 });
    expect(serials(backwards)).toEqual(['3', '2']);
  });

  test('an index follows batches of writes and deletions', async () => {
    const writes = Array.from({ length: 25 }, (_, index) => ({
      PutRequest: {
        Item: {
          ...key('user#batch', String(index).padStart(2, '0')),
          conversation: { S: 'alice/bob' },
          n: { N: `${index}` },
        },
      },
    }));
    const written = await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: writes } }));
    expect(written.UnprocessedItems).toEqual({});
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: [{ DeleteRequest: { Key: key('user#batch', '07') } }, ...writes.slice(0, 3)] },
      }),
    );
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'byConversation',
        KeyConditionExpression: 'conversation = :c',
        ExpressionAttributeValues: { ':c': { S: 'alice/bob' } },
      }),
    );
    const expected = writes.map((write) => write.PutRequest.Item).filter((item) => item.serial.S !== '07');
    expect(Items).toEqual(expected);
  });

  test('BatchGetItem finds the existing items', async () => {
    await put('user#batchget', '1');
    const { Responses, UnprocessedKeys } = await client.send(
      new BatchGetItemCommand({
        RequestItems: {
          [TableName]: { Keys: [key('user#batchget', '1'), key('user#batchget', '2')], ConsistentRead: true },
        },
      }),
    );
    expect(Responses?.[TableName]).toEqual([key('user#batchget', '1')]);
    expect(UnprocessedKeys).toEqual({});
  });

  test('a table is described with its keys, indexes, status and ARN', async () => {
    const { Table } = await client.send(new DescribeTableCommand({ TableName }));
    expect(Table).toMatchObject({
      TableStatus: 'ACTIVE',
      TableArn: `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`,
      BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
      GlobalSecondaryIndexes: [{ IndexName: 'byConversation', IndexStatus: 'ACTIVE' }],
    });
    expect((await client.send(new ListTablesCommand({}))).TableNames).toContain(TableName);
  });

  test('a table answers to its ARN as to its name', async () => {
    await put('user#arn', '1');
    const { Item } = await client.send(
      new GetItemCommand({
        TableName: `arn:aws:dynamodb:us-east-1:000000000000:table/${TableName}`,
        Key: key('user#arn', '1'),
      }),
    );
    expect(Item).toEqual(key('user#arn', '1'));
  });

  test('the time to live of the template is in force', async () => {
    const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName }));
    expect(TimeToLiveDescription).toEqual({ TimeToLiveStatus: 'ENABLED', AttributeName: 'expiresAt' });
  });

  test('a table that does not exist is a ResourceNotFoundException', async () => {
    const attempt = client.send(new GetItemCommand({ TableName: 'Nowhere', Key: key('a', 'b') }));
    await expect(attempt).rejects.toBeInstanceOf(ResourceNotFoundException);
  });

  test('an item has at most 400 KB, counted in bytes', async () => {
    const rest = 400 * 1024 - 'addressuser#largeserial1data'.length;
    await put('user#large', '1', { data: { S: 'x'.repeat(rest) } });
    const tooLarge = { name: 'ValidationException', message: expect.stringContaining('maximum allowed size') };
    await expect(put('user#large', '2', { data: { S: 'x'.repeat(rest + 1) } })).rejects.toMatchObject(tooLarge);
    await expect(put('user#large', '2', { data: { S: 'é'.repeat(rest - 1) } })).rejects.toMatchObject(tooLarge);
    const grow = new UpdateItemCommand({
      TableName,
      Key: key('user#large', '1'),
      UpdateExpression: 'SET conversation = :c',
      ExpressionAttributeValues: { ':c': { S: 'é' } },
    });
    await expect(client.send(grow)).rejects.toMatchObject(tooLarge);
    await put('user#large', '3', { conversation: { S: 'large' } });
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        IndexName: 'byConversation',
        KeyConditionExpression: 'conversation = :c',
        ExpressionAttributeValues: { ':c': { S: 'é' } },
      }),
    );
    expect(Items).toEqual([]);
  });

  test('an operation that is not emulated is refused by name', async () => {
    const attempt = client.send(
      new TransactWriteItemsCommand({ TransactItems: [{ Put: { TableName, Item: key('a', 'b') } }] }),
    );
    await expect(attempt).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('TransactWriteItems'),
    });
  });

  test('a parameter that is not emulated is refused by name', async () => {
    const attempt = client.send(
      new CreateTableCommand({
        TableName: 'Streaming',
        BillingMode: 'PAY_PER_REQUEST',
        KeySchema: [{ AttributeName: 'a', KeyType: 'HASH' }],
        AttributeDefinitions: [{ AttributeName: 'a', AttributeType: 'S' }],
        StreamSpecification: { StreamEnabled: true, StreamViewType: 'KEYS_ONLY' },
      }),
    );
    await expect(attempt).rejects.toMatchObject({
      name: 'ValidationException',
      message: expect.stringContaining('StreamSpecification'),
    });
  });
});

test('an engine that cannot be reached is named', async () => {
  const idle = await startAwsServer();
  const { endpoint } = idle.client();
  await idle.close();
  const service = await createDynamoDb({ ...common, clock: createClock(), endpoint });
  await expect(provision(service, MESSAGES)).rejects.toThrow(`The DynamoDB engine at ${endpoint} cannot be reached`);
});

test('an endpoint that is no URL is refused', async () => {
  const create = createDynamoDb({ ...common, clock: createClock(), endpoint: 'localhost:8000' });
  await expect(create).rejects.toThrow('The DynamoDB endpoint must be an HTTP URL, such as http://127.0.0.1:8000');
});
