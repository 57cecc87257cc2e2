import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { pairOf, presenceAddress, roomAddress, type Topic, userAddress } from '../../server/address.ts';
import { createDynamoDbAddressStates } from '../../server/aws/dynamodb-address-states.ts';
import { createDynamoDbDirectory } from '../../server/aws/dynamodb-directory.ts';
import { createDynamoDbErasure } from '../../server/aws/dynamodb-erasure.ts';
import { createDynamoDbInboxes } from '../../server/aws/dynamodb-inboxes.ts';
import { createDynamoDbMarkers } from '../../server/aws/dynamodb-markers.ts';
import { createDynamoDbMessageLog } from '../../server/aws/dynamodb-message-log.ts';
import { createDynamoDbOffences } from '../../server/aws/dynamodb-offences.ts';
import { createDynamoDbPresenceStates } from '../../server/aws/dynamodb-presence-states.ts';
import { createDynamoDbRevocations } from '../../server/aws/dynamodb-revocations.ts';
import { createDynamoDbSearchIndex } from '../../server/aws/dynamodb-search-index.ts';
import { createDynamoDbUserBudgets } from '../../server/aws/dynamodb-user-budgets.ts';
import { type ItemKind, KINDS, type KindName } from '../../server/aws/tables.ts';
import { serialFloor } from '../../server/serial.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { createTable, declaredKind, scanTable } from '../support/tables.ts';

const NOW = 1_800_000_000_000;
const LATER = NOW / 1000 + 3600;
const LOBBY = roomAddress('lobby');
const EVE = userAddress('eve');

let server: AwsServer;
let client: DynamoDBClient;
let connections: string;
let messages: string;

beforeAll(async () => {
  const options = { clock: createClock(), faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };
  server = await startAwsServer(await createDynamoDb(options));
  client = new DynamoDBClient(server.client());
});

afterAll(() => server.close());

beforeEach(async () => {
  connections = `connections-${randomUUID()}`;
  messages = `messages-${randomUUID()}`;
  await createTable(client, connections, 'connections');
  await createTable(client, messages, 'messages');
});

/** Writes an item of each kind about a user, as the server does. A missing kind does not compile. */
function plants(userId: string): Record<KindName, () => Promise<unknown>> {
  const now = () => NOW;
  const inConnections = { client, tableName: connections, now, retentionSeconds: 3600 };
  const inMessages = { client, tableName: messages, now };
  const directory = createDynamoDbDirectory(inConnections);
  const presenceStates = createDynamoDbPresenceStates(inConnections);
  const log = createDynamoDbMessageLog(inMessages);
  const inboxes = createDynamoDbInboxes(inConnections);
  const fromEve = { recipient: userId, sender: 'eve' };
  const { endpoint, region, credentials } = server.client();
  const revocations = createDynamoDbRevocations({
    client: new AwsClient({ ...credentials, service: 'dynamodb', region }),
    endpoint,
    tableName: connections,
    now,
  });

  const user = userAddress(userId);
  const connectionId = `${userId}-1=`;
  const put = (address: Topic) => {
    const claims = { tokenExpiresAt: LATER, capability: {} };
    const times = { registeredAt: NOW / 1000, expiresAt: LATER };
    return directory.put({
      address,
      connectionId,
      userId,
      callbackUrl: 'https://api',
      attempt: 0,
      ...claims,
      ...times,
    });
  };
  const subscribe = (kind: 'rooms' | 'watches', address: typeof LOBBY | typeof EVE) =>
    directory.addSubscriptions(user, connectionId, { kind, addresses: [address] }, 50);
  const message = {
    id: 'm1',
    serial: serialFloor(NOW + userId.length),
    from: { user: userId },
    data: 'hello',
    sentAt: NOW,
  };
  const announced = { userId, online: true, sinceMs: 1 };
  const pair = pairOf(userId, 'zoe');

  return {
    connection: () => put(user),
    member: () => put(LOBBY).then(() => subscribe('rooms', LOBBY)),
    watch: () => put(presenceAddress(EVE)).then(() => subscribe('watches', EVE)),
    subscriptions: () => directory.keepCapability(user, connectionId, { capability: {}, attempt: 1 }),
    state: () => createDynamoDbAddressStates(inConnections).acknowledge(user, serialFloor(NOW)),
    shown: () => createDynamoDbAddressStates(inConnections).keepShown(user, serialFloor(NOW), []),
    sweep: () => presenceStates.setSweep(user, NOW + 1, NOW),
    presenceState: () => presenceStates.announce(user, announced, undefined),
    roomPresenceState: () => presenceStates.announce(LOBBY, announced, undefined),
    budget: () =>
      createDynamoDbUserBudgets(inConnections).charge(userId, { limit: { perSecond: 1, burst: 1 }, cost: 1 }),
    handshakes: () => revocations.admitHandshake(userId),
    offences: () => createDynamoDbOffences(inConnections).add({ userId, connectionId }, 10),
    revocation: () => revocations.revoke(userId, NOW / 1000),
    marker: () => createDynamoDbMarkers(inConnections).move({ userId, peer: EVE }, 'read', serialFloor(NOW)),
    block: () => inboxes.block(fromEve),
    waiting: () =>
      inboxes.take(fromEve, { messages: 1, bytes: 1 }, { most: { messages: 1, bytes: 1 }, cursor: serialFloor(0) }),
    message: () => log.append(user, { ...message, from: { user: 'zoe' }, to: { user: userId } }, LATER, { pair }),
    roomMessage: () => log.append(LOBBY, { ...message, to: { room: 'lobby' } }, LATER),
    searchRow: () =>
      createDynamoDbSearchIndex(inMessages).add(pair, { serial: message.serial, address: user }, ['hello'], LATER),
  };
}

async function plant(userId: string): Promise<void> {
  for (const write of Object.values(plants(userId))) await write();
}

/** Returns the kinds of all items about a user. */
async function kindsOf(userId: string): Promise<readonly string[]> {
  const kinds: string[] = [];
  for (const [table, name] of [
    ['connections', connections],
    ['messages', messages],
  ] as const) {
    for (const item of await scanTable(client, name)) {
      const kind = declaredKind(table, item);
      if (JSON.stringify(item).includes(userId)) kinds.push(kind);
    }
  }
  return kinds.toSorted();
}

const erasure = () => createDynamoDbErasure({ client, connectionsTable: connections, messagesTable: messages });

const ALL = Object.keys(KINDS).toSorted();
const KEPT = Object.entries<ItemKind>(KINDS)
  .filter(([, { erasure }]) => typeof erasure === 'object' && 'kept' in erasure)
  .map(([name]) => name)
  .toSorted();

test('erasing a user deletes every erasable kind of item, and nothing of other users', async () => {
  await plant('bob-b0b');
  await plant('ann-a2222');
  expect(await kindsOf('bob-b0b')).toEqual(ALL);

  await erasure().eraseUser('bob-b0b', 1000);

  expect(await kindsOf('bob-b0b')).toEqual(KEPT);
  expect(await kindsOf('ann-a2222')).toEqual(ALL);
});

test('erasure keeps the items that the declaration keeps, with its reason', () => {
  expect(KEPT).toEqual(['revocation', 'roomMessage', 'roomPresenceState', 'searchRow']);
});

test('erasing a few items at a time deletes the same, and ends', async () => {
  await plant('bob-b0b');
  const counts: number[] = [];
  do counts.push(await erasure().eraseUser('bob-b0b', 1));
  while ((counts.at(-1) ?? 0) > 0);
  expect(await kindsOf('bob-b0b')).toEqual(KEPT);
  expect(counts.length).toBeGreaterThan(5);
});

test('erasure deletes the leftovers of a connection whose mappings are gone', async () => {
  const { member, watch } = plants('bob-b0b');
  await member();
  await watch();
  expect(await kindsOf('bob-b0b')).toEqual(['member', 'subscriptions', 'watch']);
  await erasure().eraseUser('bob-b0b', 1000);
  expect(await kindsOf('bob-b0b')).toEqual([]);
});

test('a kind without a rule of erasure does not compile', () => {
  const declared = { table: 'connections', partition: 'new#{user}', sort: 'new', attributes: [] } as const;
  // @ts-expect-error: `erasure` is missing
  const withoutRule: ItemKind = declared;
  const withRule: ItemKind = { ...declared, erasure: 'deleted' };
  expect([withoutRule, withRule]).toHaveLength(2);
});
