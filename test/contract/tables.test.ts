import { randomUUID } from 'node:crypto';
import { CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { createDynamoDbAccounts } from '../../server/aws/dynamodb-accounts.ts';
import { createDynamoDbAddressStates } from '../../server/aws/dynamodb-address-states.ts';
import { createDynamoDbAnnouncements } from '../../server/aws/dynamodb-announcements.ts';
import { createDynamoDbDirectory } from '../../server/aws/dynamodb-directory.ts';
import { createDynamoDbMarkers } from '../../server/aws/dynamodb-markers.ts';
import { createDynamoDbMessageLog } from '../../server/aws/dynamodb-message-log.ts';
import { createDynamoDbSearchIndex } from '../../server/aws/dynamodb-search-index.ts';
import { createDynamoDbTranscripts } from '../../server/aws/dynamodb-transcripts.ts';
import type { Now } from '../../server/clock.ts';
import { PAIR_INDEX } from '../../server/config.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { createMemoryAccounts } from '../support/memory-accounts.ts';
import { createMemoryAddressStates } from '../support/memory-address-states.ts';
import { createMemoryAnnouncements } from '../support/memory-announcements.ts';
import { createMemoryDirectory } from '../support/memory-directory.ts';
import { createMemoryMarkers } from '../support/memory-markers.ts';
import { createMemoryMessageLog } from '../support/memory-message-log.ts';
import { createMemorySearchIndex } from '../support/memory-search-index.ts';
import { createMemoryTranscripts } from '../support/memory-transcripts.ts';
import { accountsContract } from './accounts.ts';
import { addressStatesContract } from './address-states.ts';
import { announcementsContract } from './announcements.ts';
import { directoryContract } from './directory.ts';
import { markersContract } from './markers.ts';
import { messageLogContract } from './message-log.ts';
import { sameDirectory } from './same-directory.ts';
import { searchIndexContract } from './search-index.ts';
import { transcriptsContract } from './transcripts.ts';

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

async function emptyTable(sortKey: string, ...indexes: string[]): Promise<string> {
  const TableName = `beckon-contract-${randomUUID()}`;
  tables.push(TableName);
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['address', sortKey, ...indexes].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S',
      })),
      KeySchema: [
        { AttributeName: 'address', KeyType: 'HASH' },
        { AttributeName: sortKey, KeyType: 'RANGE' },
      ],
      ...(indexes.length > 0 && {
        GlobalSecondaryIndexes: indexes.map((IndexName) => ({
          IndexName,
          KeySchema: [
            { AttributeName: IndexName, KeyType: 'HASH' },
            { AttributeName: sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        })),
      }),
    }),
  );
  await waitUntilTableExists({ client, maxWaitTime: 60, minDelay: 1 }, { TableName });
  return TableName;
}

const DYNAMODB = REMOTE ? 'DynamoDB' : "DynamoDB's rules";

const inMemory = async (now: Now) => createMemoryDirectory(now);
const onDynamoDb = async (now: Now) =>
  createDynamoDbDirectory({ client, tableName: await emptyTable('connectionId'), now });
directoryContract('memory', inMemory);
directoryContract(DYNAMODB, onDynamoDb);
sameDirectory(`memory and ${DYNAMODB}`, [inMemory, onDynamoDb], REMOTE ? 3 : 100);

messageLogContract('memory', async (now) => createMemoryMessageLog(now));
messageLogContract(DYNAMODB, async (now) =>
  createDynamoDbMessageLog({ client, tableName: await emptyTable('serial'), now }),
);

accountsContract('memory', async (now) => createMemoryAccounts(now));
accountsContract(DYNAMODB, async (now) =>
  createDynamoDbAccounts({ client, tableName: await emptyTable('connectionId'), now }),
);

announcementsContract('memory', async () => createMemoryAnnouncements());
announcementsContract(DYNAMODB, async (now) =>
  createDynamoDbAnnouncements({ client, tableName: await emptyTable('connectionId'), now }),
);

addressStatesContract('memory', async (now) => createMemoryAddressStates(now));
addressStatesContract(DYNAMODB, async (now) =>
  createDynamoDbAddressStates({ client, tableName: await emptyTable('connectionId'), now, retentionSeconds: 3600 }),
);

transcriptsContract('memory', async (now) => {
  const log = createMemoryMessageLog(now);
  return { log, transcripts: createMemoryTranscripts(log, now) };
});
transcriptsContract(DYNAMODB, async (now) => {
  const table = { client, tableName: await emptyTable('serial', PAIR_INDEX), now };
  return { log: createDynamoDbMessageLog(table), transcripts: createDynamoDbTranscripts(table) };
});

markersContract('memory', async () => createMemoryMarkers());
markersContract(DYNAMODB, async (now) =>
  createDynamoDbMarkers({ client, tableName: await emptyTable('connectionId'), now, retentionSeconds: 3600 }),
);

searchIndexContract('memory', async (now) => {
  const log = createMemoryMessageLog(now);
  return { log, index: createMemorySearchIndex(log, now) };
});
searchIndexContract(DYNAMODB, async (now) => {
  const table = { client, tableName: await emptyTable('serial'), now };
  return { log: createDynamoDbMessageLog(table), index: createDynamoDbSearchIndex(table) };
});
