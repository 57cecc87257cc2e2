import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createDynamoDb } from '../../../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../../../local/faults.ts';
import type { AwsService } from '../../../../local/service.ts';
import { call, provision, resource } from '../../../support/aws-server.ts';
import { createSteppedClock } from '../../../support/stepped-clock.ts';

let service: AwsService;

const open = (dataDirectory?: string) =>
  createDynamoDb({
    clock: createSteppedClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    ...(dataDirectory !== undefined && { dataDirectory }),
  });

beforeEach(async () => {
  service = await open();
});

afterEach(() => service.close());

const KeySchema = [{ AttributeName: 'pk', KeyType: 'HASH' }];
const AttributeDefinitions = [{ AttributeName: 'pk', AttributeType: 'S' }];
const onDemand = { KeySchema, AttributeDefinitions, BillingMode: 'PAY_PER_REQUEST' };

const table = (properties: object = {}) => resource('AWS::DynamoDB::Table', { ...onDemand, ...properties }, 'Items');

const globalTable = (properties: object = {}) =>
  resource('AWS::DynamoDB::GlobalTable', { ...onDemand, Replicas: [{ Region: 'us-east-1' }], ...properties }, 'Items');

const describeTable = async (TableName: string) => (await call(service, 'DescribeTable', { TableName })).body['Table'];

test.each([
  ['AWS::DynamoDB::Table', table()],
  ['AWS::DynamoDB::GlobalTable', globalTable()],
])('%s: its Ref is the name, made up if need be; Arn and TableId are attributes', async (_type, made) => {
  expect(await provision(service, made)).toEqual({
    ref: 'Stack-Items-1a2b3c',
    attributes: {
      Arn: 'arn:aws:dynamodb:us-east-1:000000000000:table/Stack-Items-1a2b3c',
      TableId: expect.stringMatching(/^[0-9a-f-]{30,}$/),
    },
  });
});

test('indexes, throughput as texts, and protection are taken over', async () => {
  const KeySchemaOfIndex = [{ AttributeName: 'g', KeyType: 'HASH' }];
  const throughput = { ReadCapacityUnits: '1', WriteCapacityUnits: 2 };
  await provision(
    service,
    table({
      TableName: 'Named',
      BillingMode: 'PROVISIONED',
      ProvisionedThroughput: throughput,
      AttributeDefinitions: [...AttributeDefinitions, { AttributeName: 'g', AttributeType: 'S' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byG',
          KeySchema: KeySchemaOfIndex,
          Projection: { ProjectionType: 'KEYS_ONLY' },
          ProvisionedThroughput: throughput,
        },
      ],
      DeletionProtectionEnabled: 'true',
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      Tags: [{ Key: 'a', Value: 'b' }],
    }),
  );
  expect(await describeTable('Named')).toMatchObject({
    KeySchema,
    ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 2 },
    GlobalSecondaryIndexes: [{ IndexName: 'byG', KeySchema: KeySchemaOfIndex, IndexStatus: 'ACTIVE' }],
    DeletionProtectionEnabled: true,
  });
});

test('a protected table is not deleted until the protection is off', async () => {
  await provision(service, globalTable({ Replicas: [{ Region: 'us-east-1', DeletionProtectionEnabled: true }] }));
  const TableName = 'Stack-Items-1a2b3c';
  const refused = await call(service, 'DeleteTable', { TableName });
  expect(refused).toMatchObject({
    statusCode: 400,
    body: { message: expect.stringContaining('protected against deletion') },
  });
  await call(service, 'UpdateTable', { TableName, DeletionProtectionEnabled: false });
  expect(await call(service, 'DeleteTable', { TableName })).toMatchObject({ statusCode: 200 });
  expect(await call(service, 'DescribeTable', { TableName })).toMatchObject({ statusCode: 400 });
});

test('a deleted table takes its items, indexes and time to live with it', async () => {
  const TableName = 'Stack-Items-1a2b3c';
  const made = table({ TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } });
  await provision(service, made);
  await call(service, 'PutItem', { TableName, Item: { pk: { S: 'a' } } });
  await call(service, 'DeleteTable', { TableName });
  await provision(service, table());
  expect((await call(service, 'Scan', { TableName })).body).toMatchObject({ Count: 0 });
  expect((await call(service, 'DescribeTimeToLive', { TableName })).body).toEqual({
    TimeToLiveDescription: { TimeToLiveStatus: 'DISABLED' },
  });
});

test.each([
  [table({ TimeToLiveSpecification: { Enabled: true } }), 'TimeToLiveSpecification.AttributeName: expected a name'],
  [table({ KeySchema: 'pk' }), 'KeySchema: expected Array, got "pk"'],
  [table({ BillingMode: 'FREE' }), 'BillingMode: expected ("PROVISIONED" | "PAY_PER_REQUEST"), got "FREE"'],
  [
    table({ GlobalSecondaryIndexes: [{ IndexName: 'i', KeySchema, Projection: {}, Vector: 1 }] }),
    'GlobalSecondaryIndexes.0.Vector: this property is not supported locally',
  ],
  [table({ AttributeDefinitions: [] }), 'CreateTable failed: '],
  [
    globalTable({ Replicas: [{ Region: 'eu-west-1' }] }),
    'Replicas: only one, in us-east-1, is supported locally, got eu-west-1',
  ],
  [
    globalTable({ Replicas: [{ Region: 'us-east-1' }, { Region: 'eu-west-1' }] }),
    'Replicas: only one, in us-east-1, is supported locally, got us-east-1, eu-west-1',
  ],
  [globalTable({ BillingMode: 'PROVISIONED' }), 'BillingMode: only PAY_PER_REQUEST'],
  [
    globalTable({ Replicas: [{ Region: 'us-east-1', ResourcePolicy: {} }] }),
    'Replicas.0.ResourcePolicy: this property is not supported locally',
  ],
])('%j is refused by name', async (made, message) => {
  await expect(provision(service, made)).rejects.toThrow(`Items (${made.type}) in Stack: ${message}`);
});

test('streams and resource policies are on no list, so that the template is refused', () => {
  for (const { properties, inertProperties } of service.providers) {
    expect([...properties, ...(inertProperties ?? [])]).not.toContain('StreamSpecification');
    expect([...properties, ...(inertProperties ?? [])]).not.toContain('ResourcePolicy');
  }
});

describe('a table of an earlier run', () => {
  let folder: string;
  const TableName = 'Stack-Items-1a2b3c';

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tables-'));
    await service.close();
    service = await open(folder);
    await provision(service, table({ TimeToLiveSpecification: { AttributeName: 'ttl', Enabled: true } }));
    await call(service, 'PutItem', { TableName, Item: { pk: { S: 'kept' } } });
    await service.close();
    service = await open(folder);
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  test('keeps its items', async () => {
    await provision(service, table());
    expect((await call(service, 'Scan', { TableName })).body).toMatchObject({ Items: [{ pk: { S: 'kept' } }] });
  });

  test('with other keys is refused, with advice', async () => {
    const other = {
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    };
    await expect(provision(service, table(other))).rejects.toThrow(
      `the table ${TableName} exists from an earlier run with other keys or indexes. Use another --data directory`,
    );
  });

  test.each([
    [
      { AttributeName: 'ttl', Enabled: true },
      { TimeToLiveStatus: 'ENABLED', AttributeName: 'ttl' },
    ],
    [
      { AttributeName: 'until', Enabled: true },
      { TimeToLiveStatus: 'ENABLED', AttributeName: 'until' },
    ],
    [{ AttributeName: 'ttl', Enabled: false }, { TimeToLiveStatus: 'DISABLED' }],
    [undefined, { TimeToLiveStatus: 'DISABLED' }],
  ])('gets the time to live of the template: %j', async (TimeToLiveSpecification, expected) => {
    await provision(service, table({ TimeToLiveSpecification }));
    expect((await call(service, 'DescribeTimeToLive', { TableName })).body['TimeToLiveDescription']).toEqual(expected);
  });

  test('gets the protection of the template', async () => {
    await provision(service, table({ DeletionProtectionEnabled: true }));
    expect(await describeTable(TableName)).toMatchObject({ DeletionProtectionEnabled: true });
  });
});
