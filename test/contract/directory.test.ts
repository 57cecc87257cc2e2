import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { createDynamoDbDirectory } from '../../server/aws/dynamodb-directory.ts';
import type { Now } from '../../server/clock.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { createMemoryDirectory } from '../support/memory-directory.ts';
import { directoryContract } from './directory.ts';

/** Set to run against AWS itself, with the credentials and region of the environment. */
const REMOTE = process.env['REMOTE'] !== undefined;

let server: AwsServer | undefined;
let client: DynamoDBClient;
const tables: string[] = [];

beforeAll(async () => {
  if (!REMOTE) {
    const options = { clock: createClock(), faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };
    server = await startAwsServer(await createDynamoDb(options));
  }
  client = new DynamoDBClient(server ? server.client() : {});
});

afterAll(async () => {
  await Promise.all(tables.map((TableName) => client.send(new DeleteTableCommand({ TableName }))));
  await server?.close();
});

async function emptyTable(): Promise<string> {
  const TableName = `beckon-contract-${randomUUID()}`;
  tables.push(TableName);
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: 'address', AttributeType: 'S' },
        { AttributeName: 'connectionId', AttributeType: 'S' },
      ],
      KeySchema: [
        { AttributeName: 'address', KeyType: 'HASH' },
        { AttributeName: 'connectionId', KeyType: 'RANGE' },
      ],
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  return TableName;
}

directoryContract('memory', async (now: Now) => createMemoryDirectory(now));

directoryContract(REMOTE ? 'DynamoDB' : "DynamoDB's rules", async (now: Now) =>
  createDynamoDbDirectory({ client, tableName: await emptyTable(), now }),
);
