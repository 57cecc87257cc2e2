import { randomUUID } from 'node:crypto';
import { DeleteTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { createDynamoDbAddressStates } from '../../server/aws/dynamodb-address-states.ts';
import { createDynamoDbConversationList } from '../../server/aws/dynamodb-conversation-list.ts';
import { createDynamoDbDirectory } from '../../server/aws/dynamodb-directory.ts';
import { createDynamoDbInboxes } from '../../server/aws/dynamodb-inboxes.ts';
import { createDynamoDbMarkers } from '../../server/aws/dynamodb-markers.ts';
import { createDynamoDbMessageLog } from '../../server/aws/dynamodb-message-log.ts';
import { createDynamoDbOffences } from '../../server/aws/dynamodb-offences.ts';
import { createDynamoDbPresenceStates } from '../../server/aws/dynamodb-presence-states.ts';
import { createDynamoDbSearchIndex } from '../../server/aws/dynamodb-search-index.ts';
import { createDynamoDbTranscripts } from '../../server/aws/dynamodb-transcripts.ts';
import { createDynamoDbUserBudgets } from '../../server/aws/dynamodb-user-budgets.ts';
import type { TableName } from '../../server/aws/tables.ts';
import type { Now } from '../../server/clock.ts';
import { createMemoryAddressStates } from '../../testing/memory/address-states.ts';
import { createMemoryConversationList } from '../../testing/memory/conversation-list.ts';
import { createMemoryDirectory } from '../../testing/memory/directory.ts';
import { createMemoryInboxes } from '../../testing/memory/inboxes.ts';
import { createMemoryMarkers } from '../../testing/memory/markers.ts';
import { createMemoryMessageLog } from '../../testing/memory/message-log.ts';
import { createMemoryOffences } from '../../testing/memory/offences.ts';
import { createMemoryPresenceStates } from '../../testing/memory/presence-states.ts';
import { createMemorySearchIndex } from '../../testing/memory/search-index.ts';
import { createMemoryTranscripts } from '../../testing/memory/transcripts.ts';
import { createMemoryUserBudgets } from '../../testing/memory/user-budgets.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { createTable, declaredKind, scanTable } from '../support/tables.ts';
import { addressStatesContract } from './address-states.ts';
import { conversationListContract } from './conversation-list.ts';
import { directoryContract } from './directory.ts';
import { inboxesContract } from './inboxes.ts';
import { markersContract } from './markers.ts';
import { messageLogContract } from './message-log.ts';
import { offencesContract } from './offences.ts';
import { presenceStatesContract } from './presence-states.ts';
import { sameDirectory } from './same-directory.ts';
import { searchIndexContract } from './search-index.ts';
import { transcriptsContract } from './transcripts.ts';
import { userBudgetsContract } from './user-budgets.ts';

/** Runs against AWS, with the credentials and region of the environment, if it is set. */
const REMOTE = process.env['REMOTE'] !== undefined;

let server: AwsServer | undefined;
let client: DynamoDBClient;
const tables: { readonly name: string; readonly table: TableName }[] = [];

beforeAll(async () => {
  if (!REMOTE) {
    const options = { clock: createClock(), faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };
    server = await startAwsServer(await createDynamoDb(options));
  }
  client = new DynamoDBClient(server ? server.client() : {});
});

afterAll(async () => {
  await Promise.all(tables.map(({ name }) => client.send(new DeleteTableCommand({ TableName: name }))));
  await server?.close();
});

async function emptyTable(table: TableName): Promise<string> {
  const name = `beckon-contract-${randomUUID()}`;
  tables.push({ name, table });
  await createTable(client, name, table);
  return name;
}

const DYNAMODB = REMOTE ? 'DynamoDB' : "DynamoDB's rules";

const inMemory = async (now: Now) => createMemoryDirectory(now);
const onDynamoDb = async (now: Now) =>
  createDynamoDbDirectory({ client, tableName: await emptyTable('connections'), now });
directoryContract('memory', inMemory);
directoryContract(DYNAMODB, onDynamoDb);
sameDirectory(`memory and ${DYNAMODB}`, [inMemory, onDynamoDb], REMOTE ? 3 : 100);

messageLogContract('memory', async (now) => createMemoryMessageLog(now));
messageLogContract(DYNAMODB, async (now) =>
  createDynamoDbMessageLog({ client, tableName: await emptyTable('messages'), now }),
);

userBudgetsContract('memory', async (now) => createMemoryUserBudgets(now));
userBudgetsContract(DYNAMODB, async (now) =>
  createDynamoDbUserBudgets({ client, tableName: await emptyTable('connections'), now }),
);

offencesContract('memory', async (now) => createMemoryOffences(now));
offencesContract(DYNAMODB, async (now) =>
  createDynamoDbOffences({ client, tableName: await emptyTable('connections'), now }),
);

presenceStatesContract('memory', async () => createMemoryPresenceStates());
presenceStatesContract(DYNAMODB, async (now) =>
  createDynamoDbPresenceStates({ client, tableName: await emptyTable('connections'), now }),
);

addressStatesContract('memory', async (now) => createMemoryAddressStates(now));
addressStatesContract(DYNAMODB, async (now) =>
  createDynamoDbAddressStates({ client, tableName: await emptyTable('connections'), now, retentionSeconds: 3600 }),
);

transcriptsContract('memory', async (now) => {
  const log = createMemoryMessageLog(now);
  return { log, transcripts: createMemoryTranscripts(log, now) };
});
transcriptsContract(DYNAMODB, async (now) => {
  const table = { client, tableName: await emptyTable('messages'), now };
  return { log: createDynamoDbMessageLog(table), transcripts: createDynamoDbTranscripts(table) };
});

markersContract('memory', async () => createMemoryMarkers());
markersContract(DYNAMODB, async (now) =>
  createDynamoDbMarkers({ client, tableName: await emptyTable('connections'), now, retentionSeconds: 3600 }),
);

conversationListContract('memory', async () => {
  const markers = createMemoryMarkers();
  return { markers, list: createMemoryConversationList(markers) };
});
conversationListContract(DYNAMODB, async (now) => {
  const table = { client, tableName: await emptyTable('connections'), now, retentionSeconds: 3600 };
  return { markers: createDynamoDbMarkers(table), list: createDynamoDbConversationList(table) };
});

inboxesContract('memory', async (now) => createMemoryInboxes(now, 3600));
inboxesContract(DYNAMODB, async (now) =>
  createDynamoDbInboxes({ client, tableName: await emptyTable('connections'), now, retentionSeconds: 3600 }),
);

searchIndexContract('memory', async (now) => {
  const log = createMemoryMessageLog(now);
  return { log, index: createMemorySearchIndex(log, now) };
});
searchIndexContract(DYNAMODB, async (now) => {
  const table = { client, tableName: await emptyTable('messages'), now };
  return { log: createDynamoDbMessageLog(table), index: createDynamoDbSearchIndex(table) };
});

test('every item of these tests has a declared kind, and only declared attributes', async () => {
  const kinds = new Set<string>();
  for (const { name, table } of tables) {
    for (const item of await scanTable(client, name)) kinds.add(declaredKind(table, item));
  }
  expect(kinds.size).toBeGreaterThan(10);
}, 60_000);
