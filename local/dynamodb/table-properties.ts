import * as v from 'valibot';
import type { Json } from '../json-protocol.ts';
import { count, flag, propertyError, readProperties } from '../resource-properties.ts';
import { LOCAL_REGION, type Resource } from '../service.ts';

const keySchema = v.array(v.strictObject({ AttributeName: v.string(), KeyType: v.picklist(['HASH', 'RANGE']) }));

const attributeDefinitions = v.array(
  v.strictObject({ AttributeName: v.string(), AttributeType: v.picklist(['S', 'N', 'B']) }),
);

const projection = v.strictObject({
  ProjectionType: v.optional(v.picklist(['ALL', 'KEYS_ONLY', 'INCLUDE'])),
  NonKeyAttributes: v.optional(v.array(v.string())),
});

const throughput = v.strictObject({ ReadCapacityUnits: count, WriteCapacityUnits: count });

const billingMode = v.optional(v.picklist(['PROVISIONED', 'PAY_PER_REQUEST']), 'PROVISIONED');

const timeToLive = v.strictObject({ AttributeName: v.optional(v.string()), Enabled: flag });

const localIndexes = v.array(v.strictObject({ IndexName: v.string(), KeySchema: keySchema, Projection: projection }));

/** Properties without an observable effect here. */
const inert = v.optional(v.unknown());

const table = v.object({
  TableName: v.optional(v.string()),
  KeySchema: keySchema,
  AttributeDefinitions: v.optional(attributeDefinitions),
  BillingMode: billingMode,
  ProvisionedThroughput: v.optional(throughput),
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.strictObject({
        IndexName: v.string(),
        KeySchema: keySchema,
        Projection: projection,
        ProvisionedThroughput: v.optional(throughput),
        ContributorInsightsSpecification: inert,
        OnDemandThroughput: inert,
        WarmThroughput: inert,
      }),
    ),
  ),
  LocalSecondaryIndexes: v.optional(localIndexes),
  TimeToLiveSpecification: v.optional(timeToLive),
  DeletionProtectionEnabled: v.optional(flag, false),
});

const globalTable = v.object({
  TableName: v.optional(v.string()),
  KeySchema: keySchema,
  AttributeDefinitions: attributeDefinitions,
  BillingMode: billingMode,
  GlobalSecondaryIndexes: v.optional(
    v.array(
      v.strictObject({
        IndexName: v.string(),
        KeySchema: keySchema,
        Projection: projection,
        ReadOnDemandThroughputSettings: inert,
        WriteOnDemandThroughputSettings: inert,
        WarmThroughput: inert,
      }),
    ),
  ),
  LocalSecondaryIndexes: v.optional(localIndexes),
  TimeToLiveSpecification: v.optional(timeToLive),
  Replicas: v.array(
    v.strictObject({
      Region: v.string(),
      DeletionProtectionEnabled: v.optional(flag, false),
      ContributorInsightsSpecification: inert,
      GlobalSecondaryIndexes: inert,
      GlobalTableSettingsReplicationMode: inert,
      PointInTimeRecoverySpecification: inert,
      ReadOnDemandThroughputSettings: inert,
      SSESpecification: inert,
      TableClass: inert,
      Tags: inert,
    }),
  ),
});

/** The settings of a table resource, in terms of the API. */
export interface TableRequest {
  readonly createTable: Json & { readonly TableName: string; readonly DeletionProtectionEnabled: boolean };
  /** Absent: items never expire. */
  readonly timeToLiveAttribute?: string;
}

/** Reads an `AWS::DynamoDB::Table`. */
export function readTable(resource: Resource): TableRequest {
  const properties = readProperties(resource, table);
  const { TableName, TimeToLiveSpecification, GlobalSecondaryIndexes, ...rest } = properties;
  const indexes = GlobalSecondaryIndexes?.map((index) => ({
    ...coreOf(index),
    ...(index.ProvisionedThroughput && { ProvisionedThroughput: index.ProvisionedThroughput }),
  }));
  return request(resource, TimeToLiveSpecification, {
    ...rest,
    ...(indexes && { GlobalSecondaryIndexes: indexes }),
    TableName: TableName ?? resource.physicalName,
  });
}

/** Reads an `AWS::DynamoDB::GlobalTable`, which the CDK's `TableV2` creates. Its only replica is the local one. */
export function readGlobalTable(resource: Resource): TableRequest {
  const { TableName, TimeToLiveSpecification, GlobalSecondaryIndexes, Replicas, ...rest } = readProperties(
    resource,
    globalTable,
  );
  const [replica, other] = Replicas;
  if (replica?.Region !== LOCAL_REGION || other) {
    const regions = Replicas.map((each) => each.Region).join(', ');
    throw propertyError(resource, 'Replicas', `only one, in ${LOCAL_REGION}, is supported locally, got ${regions}`);
  }
  if (rest.BillingMode !== 'PAY_PER_REQUEST') {
    throw propertyError(resource, 'BillingMode', 'only PAY_PER_REQUEST is supported locally for a global table');
  }
  return request(resource, TimeToLiveSpecification, {
    ...rest,
    ...(GlobalSecondaryIndexes && { GlobalSecondaryIndexes: GlobalSecondaryIndexes.map(coreOf) }),
    TableName: TableName ?? resource.physicalName,
    DeletionProtectionEnabled: replica.DeletionProtectionEnabled,
  });
}

function coreOf({ IndexName, KeySchema, Projection }: { IndexName: string; KeySchema: unknown; Projection: unknown }) {
  return { IndexName, KeySchema, Projection };
}

function request(
  resource: Resource,
  expiry: v.InferOutput<typeof timeToLive> | undefined,
  createTable: TableRequest['createTable'],
): TableRequest {
  if (!expiry?.Enabled) return { createTable };
  if (expiry.AttributeName === undefined) {
    throw propertyError(resource, 'TimeToLiveSpecification.AttributeName', 'expected a name, since it is enabled');
  }
  return { createTable, timeToLiveAttribute: expiry.AttributeName };
}
