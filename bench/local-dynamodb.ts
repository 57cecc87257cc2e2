/**
 * Measures the DynamoDB calls per second of the local cloud, in one process without HTTP, in memory and on disk. The calls are those
 * of a stored direct message: gate, two reads of the directory, append to the log.
 *
 *     npx tsx bench/local-dynamodb.ts
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClock } from '../local/clock.ts';
import { createDynamoDb } from '../local/dynamodb/index.ts';
import { NO_FAULTS } from '../local/faults.ts';
import type { AwsService } from '../local/service.ts';

const CALLS = 20_000;
const CONCURRENCY = 32;
const USERS = 500;
const DEVICES = 2;

type Call = readonly [operation: string, input: (index: number) => object];

const TableName = 'Table';
const user = (index: number) => ({ S: `user#${index % USERS}` });
const device = (index: number) => ({ S: `device-${index % DEVICES}` });

const mapping = (index: number) => ({
  TableName,
  Item: { address: user(index), key: device(index), expiresAt: { N: '4000000000' }, callbackUrl: { S: 'https://x' } },
});

const gate: Call = [
  'UpdateItem',
  (index) => ({
    TableName,
    Key: { address: user(index), key: device(index) },
    UpdateExpression: 'SET lastSeenAt = :now, tat = if_not_exists(tat, :zero) + :step',
    ConditionExpression: 'attribute_exists(address) AND expiresAt > :now',
    ExpressionAttributeValues: { ':now': { N: '1700000000' }, ':zero': { N: '0' }, ':step': { N: '50' } },
  }),
];

const directory = (ConsistentRead: boolean): Call => [
  'Query',
  (index) => ({
    TableName,
    KeyConditionExpression: 'address = :a',
    FilterExpression: 'expiresAt > :now',
    ExpressionAttributeValues: { ':a': user(index), ':now': { N: '1700000000' } },
    ConsistentRead,
  }),
];

let serial = 0;

const append: Call = [
  'PutItem',
  (index) => ({
    TableName,
    Item: {
      address: { S: `log#${index % USERS}` },
      key: { S: String(serial++).padStart(26, '0') },
      from: user(index),
      data: { S: 'x'.repeat(200) },
      expiresAt: { N: '4000000000' },
    },
    ConditionExpression: 'attribute_not_exists(address)',
  }),
];

const get: Call = ['GetItem', (index) => ({ TableName, Key: { address: user(index), key: device(index) } })];

const MIX = [gate, directory(false), append, directory(true)];

async function start(dataDirectory?: string): Promise<AwsService> {
  const service = await createDynamoDb({
    clock: createClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    log: () => undefined,
    ...(dataDirectory && { dataDirectory }),
  });
  await send(service, 'CreateTable', {
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    KeySchema: [
      { AttributeName: 'address', KeyType: 'HASH' },
      { AttributeName: 'key', KeyType: 'RANGE' },
    ],
    AttributeDefinitions: ['address', 'key'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  });
  for (let index = 0; index < USERS * DEVICES; index++) await send(service, 'PutItem', mapping(index));
  return service;
}

async function send(service: AwsService, operation: string, input: object): Promise<void> {
  const answer = await service.handle({
    service: 'dynamodb',
    principal: { kind: 'admin' },
    method: 'POST',
    host: 'localhost',
    path: '/',
    query: new URLSearchParams(),
    headers: { 'x-amz-target': `DynamoDB_20120810.${operation}` },
    body: Buffer.from(JSON.stringify(input)),
  });
  if (answer.statusCode !== 200) throw new Error(`${operation}: ${answer.body}`);
}

async function measure(service: AwsService, name: string, calls: readonly Call[]): Promise<void> {
  let index = 0;
  const worker = async () => {
    while (index < CALLS) {
      const mine = index++;
      const [operation, input] = calls[mine % calls.length] ?? gate;
      await send(service, operation, input(Math.floor(mine / calls.length)));
    }
  };
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  const seconds = (performance.now() - startedAt) / 1000;
  const { user: userMicros, system } = process.cpuUsage(cpu);
  const perCall = Math.round((userMicros + system) / CALLS);
  process.stdout.write(
    `${name.padEnd(24)} ${String(Math.round(CALLS / seconds)).padStart(7)} calls/s ${String(perCall).padStart(5)} µs CPU/call\n`,
  );
}

const folder = await mkdtemp(join(tmpdir(), 'bench-dynamodb-'));
for (const [where, dataDirectory] of [
  ['memory', undefined],
  ['disk', folder],
] as const) {
  const service = await start(dataDirectory);
  await measure(service, `${where}: warm-up`, MIX);
  await measure(service, `${where}: message mix`, MIX);
  await measure(service, `${where}: UpdateItem`, [gate]);
  await measure(service, `${where}: Query`, [directory(true)]);
  await measure(service, `${where}: GetItem`, [get]);
  await service.close();
}
await rm(folder, { recursive: true });
