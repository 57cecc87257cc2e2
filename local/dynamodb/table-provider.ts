import type { Clock } from '../clock.ts';
import type { Json } from '../json-protocol.ts';
import type { Provisioned, Resource, ResourceProvider } from '../service.ts';
import { tableArn } from './arn.ts';
import type { Engine } from './engine.ts';
import { isSameSchema } from './schema.ts';
import { readGlobalTable, readTable, type TableRequest } from './table-properties.ts';

const CREATION_POLL_MS = 50;

/** The properties of both types. */
const PROPERTIES = [
  'TableName',
  'KeySchema',
  'AttributeDefinitions',
  'BillingMode',
  'GlobalSecondaryIndexes',
  'LocalSecondaryIndexes',
  'TimeToLiveSpecification',
];

/** Creates `AWS::DynamoDB::Table` and `AWS::DynamoDB::GlobalTable`, without streams and resource policies. */
export function createTableProviders(engine: Engine, clock: Clock): ResourceProvider[] {
  return [
    {
      type: 'AWS::DynamoDB::Table',
      properties: [...PROPERTIES, 'ProvisionedThroughput', 'DeletionProtectionEnabled'],
      inertProperties: [
        'ContributorInsightsSpecification',
        'OnDemandThroughput',
        'PointInTimeRecoverySpecification',
        'SSESpecification',
        'TableClass',
        'Tags',
        'WarmThroughput',
      ],
      create: (resource) => provision(engine, clock, resource, readTable(resource)),
    },
    {
      type: 'AWS::DynamoDB::GlobalTable',
      properties: [...PROPERTIES, 'Replicas'],
      inertProperties: [
        'ReadOnDemandThroughputSettings',
        'SSESpecification',
        'WarmThroughput',
        'WriteOnDemandThroughputSettings',
      ],
      create: (resource) => provision(engine, clock, resource, readGlobalTable(resource)),
    },
  ];
}

/** Creates the table, or keeps that of an earlier run with its items. */
async function provision(
  engine: Engine,
  clock: Clock,
  resource: Resource,
  request: TableRequest,
): Promise<Provisioned> {
  const { TableName, DeletionProtectionEnabled } = request.createTable;
  const existing = await describe(engine, TableName);
  if (!existing) {
    await callOrThrow(engine, 'CreateTable', request.createTable, resource);
  } else if (!isSameSchema(existing, request.createTable)) {
    throw new Error(
      `${resource.logicalId} (${resource.type}) in ${resource.stackName}: the table ${TableName} exists from an earlier ` +
        'run with other keys or indexes. Use another --data directory, or delete this one.',
    );
  } else if ((existing['DeletionProtectionEnabled'] ?? false) !== DeletionProtectionEnabled) {
    await callOrThrow(engine, 'UpdateTable', { TableName, DeletionProtectionEnabled }, resource);
  }
  const table = await untilActive(engine, clock, TableName);
  await provisionTimeToLive(engine, resource, request);
  return { ref: TableName, attributes: { Arn: tableArn(TableName), TableId: table['TableId'] } };
}

async function untilActive(engine: Engine, clock: Clock, tableName: string): Promise<Json> {
  for (;;) {
    const table = await describe(engine, tableName);
    if (table?.['TableStatus'] === 'ACTIVE') return table;
    await clock.sleep(CREATION_POLL_MS * clock.timeScale);
  }
}

async function provisionTimeToLive(engine: Engine, resource: Resource, request: TableRequest): Promise<void> {
  const { TableName } = request.createTable;
  const answer = await callOrThrow(engine, 'DescribeTimeToLive', { TableName }, resource);
  const { TimeToLiveStatus, AttributeName } = answer['TimeToLiveDescription'] as Json;
  const current = TimeToLiveStatus === 'ENABLED' ? String(AttributeName) : undefined;
  const wanted = request.timeToLiveAttribute;
  if (current === wanted) return;
  const update = (name: string, Enabled: boolean) => {
    const TimeToLiveSpecification = { AttributeName: name, Enabled };
    return callOrThrow(engine, 'UpdateTimeToLive', { TableName, TimeToLiveSpecification }, resource);
  };
  if (current !== undefined) await update(current, false);
  if (wanted !== undefined) await update(wanted, true);
}

async function describe(engine: Engine, TableName: string): Promise<Json | undefined> {
  const { statusCode, body } = await engine.call('DescribeTable', { TableName });
  if (statusCode === 200) return body['Table'] as Json;
  if (String(body['__type']).endsWith('#ResourceNotFoundException')) return undefined;
  throw new Error(`cannot describe the table ${TableName}: ${reasonOf(body)}`);
}

async function callOrThrow(engine: Engine, operation: string, input: Json, resource: Resource): Promise<Json> {
  const { statusCode, body } = await engine.call(operation, { ...input });
  if (statusCode === 200) return body;
  const where = `${resource.logicalId} (${resource.type}) in ${resource.stackName}`;
  throw new Error(`${where}: ${operation} failed: ${reasonOf(body)}`);
}

function reasonOf(body: Json): string {
  return String(body['message'] ?? body['Message'] ?? body['__type']);
}
