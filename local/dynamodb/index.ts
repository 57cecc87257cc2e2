import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { type Faults, NO_FAULTS } from '../faults.ts';
import { isObject } from '../json.ts';
import { type Json, serveJson } from '../json-protocol.ts';
import { type Authorize, AwsError, type AwsService, type Log, type Principal } from '../service.ts';
import { type Access, accessesOf } from './access.ts';
import { tableNameOf } from './arn.ts';
import type { ExpiryOptions } from './builtin/expiry.ts';
import { createBuiltinEngine } from './builtin/index.ts';
import { conditionKeys, type PartitionKeys } from './condition-keys.ts';
import type { Engine } from './engine.ts';
import { callWithFaults } from './faults.ts';
import { createRemoteEngine } from './remote-engine.ts';
import { partitionKeysOf } from './schema.ts';
import { createTableProviders } from './table-provider.ts';
import { createThroughput, type PartitionQuotas } from './throughput.ts';

export interface DynamoDbOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly authorize: Authorize;
  readonly log: Log;
  /** The folder whose subfolder `dynamodb` keeps the tables. Default: tables are in memory. */
  readonly dataDirectory?: string;
  /** The URL of another engine that keeps the tables, such as AWS's DynamoDB Local. */
  readonly endpoint?: string;
  /** The throughput of one partition key. Default: no limit. */
  readonly quotas?: PartitionQuotas;
  /** When the built-in engine deletes expired items. */
  readonly expiry?: ExpiryOptions;
}

/**
 * The service `dynamodb`: tables, items, batches, queries, time to live. It refuses streams, transactions and PartiQL.
 * @throws Error naming a data directory that is in use or unreadable, or an endpoint that is no URL
 */
export async function createDynamoDb(options: DynamoDbOptions): Promise<AwsService> {
  const engine = await createEngine(options);
  const guard = createGuard(engine, options.authorize);
  const callWithin = createThroughput(options.clock, options.quotas ?? {}, guard.knownPartitionKeys);
  const call = async (principal: Principal, operation: string, input: Json) => {
    const accesses = accessesOf(operation, input);
    await guard.check(principal, accesses);
    const answer = await callWithin(operation, withPlainNames(input), accesses, (name, asked) =>
      callWithFaults(engine, options.faults, name, asked, accesses),
    );
    if (operation === 'DeleteTable') guard.forget(accesses);
    return answer;
  };
  return {
    name: 'dynamodb',
    providers: createTableProviders(engine, options.clock),
    handle: (request) => serveJson(request, '1.0', (operation, input) => call(request.principal, operation, input)),
    close: () => engine.close(),
  };
}

function createEngine(options: DynamoDbOptions): Promise<Engine> | Engine {
  if (options.endpoint !== undefined) {
    if (options.faults !== NO_FAULTS) {
      const message = `Reads cannot be made stale at ${options.endpoint}: such faults will not strike.`;
      options.log({ level: 'warn', source: 'dynamodb', message });
    }
    return createRemoteEngine(options.endpoint);
  }
  return createBuiltinEngine({
    clock: options.clock,
    log: options.log,
    remembersPast: options.faults !== NO_FAULTS,
    ...(options.dataDirectory !== undefined && { directory: join(options.dataDirectory, 'dynamodb') }),
    ...(options.expiry && { expiry: options.expiry }),
  });
}

/** Checks each permission that a request needs, with the condition keys that depend on the table's keys. */
function createGuard(engine: Engine, authorize: Authorize) {
  const known = new Map<string, PartitionKeys>();
  const partitionKeys = async (tableName: string): Promise<PartitionKeys | undefined> => {
    const keys = known.get(tableName);
    if (keys) return keys;
    const { statusCode, body } = await engine.call('DescribeTable', { TableName: tableName });
    if (statusCode !== 200) return undefined;
    const described = partitionKeysOf(body['Table'] as Json);
    known.set(tableName, described);
    return described;
  };
  return {
    async check(principal: Principal, accesses: readonly Access[]): Promise<void> {
      for (const { action, resourceArn, tableName, indexName = '', part } of accesses) {
        const keys = tableName === undefined ? undefined : await partitionKeys(tableName);
        authorize(principal, action, resourceArn, conditionKeys(part, keys?.get(indexName)));
      }
    },
    /** Returns the partition keys of a table that a checked request has named. */
    knownPartitionKeys: (tableName: string) => known.get(tableName),
    forget(accesses: readonly Access[]): void {
      for (const { tableName } of accesses) if (tableName !== undefined) known.delete(tableName);
    },
  };
}

/** Replaces ARNs by names, because engines know tables by name only. */
function withPlainNames(input: Json): Json {
  const { TableName, RequestItems } = input;
  return {
    ...input,
    ...(typeof TableName === 'string' && { TableName: tableNameOf(TableName) }),
    ...(isObject(RequestItems) && { RequestItems: byPlainName(RequestItems) }),
  };
}

function byPlainName(requestItems: Json): Json {
  const byName = new Map(Object.entries(requestItems).map(([name, part]) => [tableNameOf(name), part]));
  if (byName.size === Object.keys(requestItems).length) return Object.fromEntries(byName);
  throw new AwsError('ValidationException', 'RequestItems names a table twice, once by its ARN.');
}
