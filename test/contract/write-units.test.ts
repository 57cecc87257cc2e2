import { randomUUID } from 'node:crypto';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { monotonicFactory } from 'ulid';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClock } from '../../local/clock.ts';
import { createDynamoDb } from '../../local/dynamodb/index.ts';
import { NO_FAULTS } from '../../local/faults.ts';
import { DEFAULT_SIZE_LIMITS, TARIFF } from '../../protocol/index.ts';
import { userAddress } from '../../server/address.ts';
import { createDynamoDbAddressStates } from '../../server/aws/dynamodb-address-states.ts';
import { createDynamoDbDirectory } from '../../server/aws/dynamodb-directory.ts';
import { createDynamoDbInboxes } from '../../server/aws/dynamodb-inboxes.ts';
import { createDynamoDbMessageLog } from '../../server/aws/dynamodb-message-log.ts';
import { createDynamoDbPresenceStates } from '../../server/aws/dynamodb-presence-states.ts';
import { createDynamoDbUserBudgets } from '../../server/aws/dynamodb-user-budgets.ts';
import { createForget } from '../../server/connections/forget.ts';
import { createPing } from '../../server/connections/ping.ts';
import { createRegister } from '../../server/connections/register.ts';
import { createResume } from '../../server/connections/resume.ts';
import { createGate, createPermit, type Enter, enterAdmitted } from '../../server/gate/gate.ts';
import { createAskPresence } from '../../server/presence/ask-presence.ts';
import { createArrive } from '../../server/presence/presence.ts';
import { createJoin } from '../../server/rooms/join.ts';
import { createLeave } from '../../server/rooms/leave.ts';
import { createSubscribe } from '../../server/rooms/subscribe.ts';
import { createDeliveries } from '../../server/sending/delivery.ts';
import { createInboxGuard } from '../../server/sending/inbox-guard.ts';
import { createPosting } from '../../server/sending/posting.ts';
import { createSend } from '../../server/sending/send.ts';
import { createSendMessage } from '../../server/sending/send-message.ts';
import { type AwsServer, startAwsServer } from '../support/aws-server.ts';
import { createMeteredClient, type MeteredClient } from '../support/metered-client.ts';
import { createTable } from '../support/tables.ts';

/** The longest user id with which a frame takes one write unit: 128 bytes. */
const LONGEST_ID = `${'x'.repeat(92)}${randomUUID()}`;

let server: AwsServer;
let meter: MeteredClient;

beforeAll(async () => {
  const options = { clock: createClock(), faults: NO_FAULTS, authorize: () => undefined, log: () => undefined };
  server = await startAwsServer(await createDynamoDb(options));
  meter = createMeteredClient(new DynamoDBClient(server.client()));
  for (const table of ['connections', 'messages'] as const) await createTable(meter.client, table, table);
});

afterAll(() => server.close());

/** The server's operations over the tables. */
function operations() {
  const now = Date.now;
  const { client } = meter;
  const inConnections = { client, tableName: 'connections', now };
  const directory = createDynamoDbDirectory(inConnections);
  const log = createDynamoDbMessageLog({ client, tableName: 'messages', now });
  const states = createDynamoDbAddressStates({ ...inConnections, retentionSeconds: 3600 });
  const presenceStates = createDynamoDbPresenceStates(inConnections);
  const tasks = { add: async () => undefined };
  const callbackUrl = 'https://abcdefghij.execute-api.ap-southeast-2.amazonaws.com/production';
  const unlimited = { perSecond: 100_000, burst: 100_000 };
  const rates = { rateLimit: unlimited, userRateLimit: unlimited };
  const userBudgets = createDynamoDbUserBudgets(inConnections);
  const { admit, enter } = createGate({ directory, userBudgets, ...rates, now });
  const permit = createPermit(admit);
  const subscribe = createSubscribe({ directory, limits: DEFAULT_SIZE_LIMITS });
  const arrive = createArrive({ presenceStates, tasks });
  const resumeAt = (enter: Enter) =>
    createResume({ enter, log, states, arrive, callbackUrl, retentionSeconds: 3600, now });
  const poster = { post: async () => 'sent' as const, close: async () => 'sent' as const };
  const posting = createPosting({ poster, directory, tasks });
  const mintSerial = monotonicFactory();
  const guard = createInboxGuard({
    inboxes: createDynamoDbInboxes({ ...inConnections, retentionSeconds: 3600 }),
    states,
    limit: { messages: 100, bytes: 1024 * 1024 },
  });
  const send = createSend({
    deliveries: createDeliveries({ directory, log, guard, posting, tasks, now, mintSerial }),
    now,
    retentionSeconds: 3600,
    mintSerial,
    mintId: randomUUID,
    onFailure: (error) => {
      throw error;
    },
  });
  return {
    directory,
    register: createRegister({
      resume: resumeAt(enter),
      admit,
      directory,
      surcharge: async () => undefined,
      authenticate: () => Promise.reject(new Error('nobody renews a token')),
      revocations: { revokedUntil: async () => undefined },
      tasks,
      callbackUrl,
      expectedConnections: 0,
      rateLimit: unlimited,
      sizeLimits: DEFAULT_SIZE_LIMITS,
      tariff: TARIFF,
      now,
    }),
    ping: createPing({ admit, log, states, now }),
    sendMessage: createSendMessage({ send, admit, limits: DEFAULT_SIZE_LIMITS, tariff: TARIFF }),
    join: createJoin({ permit, subscribe, resume: resumeAt(enterAdmitted(directory)), now }),
    leave: createLeave({ admit, directory, tasks }),
    askPresence: createAskPresence({ permit, subscribe, directory, presenceStates, tasks, callbackUrl, now }),
    forget: createForget({ directory, tasks }),
  };
}

/** Measures the write units of each operation of a connection with some rooms and watches. */
async function unitsOf(userId: string, subscribed: { readonly rooms: number; readonly watches: number }) {
  const { directory, register, ping, sendMessage, join, leave, askPresence, forget } = operations();
  const connection = {
    connectionId: `${randomUUID().slice(0, 15)}=`,
    userId,
    tokenExpiresAt: Math.floor(Date.now() / 1000) + 7200,
    capability: { 'user:*': ['send', 'presence'], 'room:*': ['join'] },
  } as const;
  const measure = async (operation: () => Promise<unknown>) => {
    meter.reset();
    const outcome = await operation();
    if (outcome !== undefined) expect(outcome).toMatchObject({ ok: true });
    return meter.written();
  };
  const watch = (users: string[], isOn: boolean) => askPresence(connection, { action: 'presence', users, watch: isOn });

  const there = randomUUID();
  await register({ ...connection, userId: there, connectionId: `${there.slice(0, 15)}=` }, { attempt: 1 });
  await register(connection, { attempt: 1 });
  for (let room = 0; room < subscribed.rooms; room += 1) await join(connection, { room: randomUUID() });
  for (let watched = 0; watched < subscribed.watches; watched += 50) {
    const users = Array.from({ length: Math.min(50, subscribed.watches - watched) }, () => randomUUID());
    await watch(users, true);
  }
  const room = randomUUID();
  const users = [randomUUID()];
  meter.reset();
  expect(await directory.find(userAddress(userId), { consistent: true })).toHaveLength(1);
  expect(meter.read(), 'read units of a sender’s look').toBe(1);
  return {
    register: await measure(() => register(connection, { attempt: 2 })),
    ping: await measure(() => ping(connection, {})),
    sendMessage: await measure(() => sendMessage(connection, { action: 'sendMessage', to: { user: there }, data: 0 })),
    'sendMessage, nobody there': await measure(() =>
      sendMessage(connection, { action: 'sendMessage', to: { user: randomUUID() }, data: 0 }),
    ),
    join: await measure(() => join(connection, { room, attempt: 1 })),
    leave: await measure(() => leave(connection, { room, attempt: 2 })),
    'presence, watch': await measure(() => watch(users, true)),
    'presence, watch no more': await measure(() => watch(users, false)),
    disconnect: await measure(() =>
      forget({ address: userAddress(userId), connectionId: connection.connectionId, userId }),
    ),
  };
}

// Only the subscriptions item grows with its contents, here by 53 bytes for each address.
const ALL = { rooms: 49, watches: 199 };

test('a connection without subscriptions', async () => {
  expect(await unitsOf(randomUUID(), { rooms: 0, watches: 0 })).toEqual({
    register: 1,
    ping: 1,
    // Two more units for the message, in the log and in the index, and one for the copy of the sender's other devices.
    sendMessage: 4,
    // One more unit for the count of waiting messages.
    'sendMessage, nobody there': 5,
    join: 3,
    leave: 3,
    'presence, watch': 3,
    'presence, watch no more': 3,
    disconnect: 2,
  });
});

const SUBSCRIBED_TO_ALL = {
  register: 1,
  ping: 1,
  sendMessage: 4,
  'sendMessage, nobody there': 5,
  join: 13,
  leave: 13,
  'presence, watch': 13,
  'presence, watch no more': 13,
  disconnect: 1 + 11 + ALL.rooms + ALL.watches,
};

test('a connection with the most rooms and watches', async () => {
  expect(await unitsOf(randomUUID(), ALL)).toEqual(SUBSCRIBED_TO_ALL);
});

test('a large subscriptions item costs its user one unit more for each ten write units', async () => {
  const { client } = meter;
  const surcharges: unknown[] = [];
  const surcharge = async (...charged: [string, number]) => {
    surcharges.push(charged);
  };
  const directory = createDynamoDbDirectory({ client, tableName: 'connections', now: Date.now, surcharge });
  const userId = randomUUID();
  const change = (count: number) => ({
    kind: 'watches' as const,
    addresses: Array.from({ length: count }, () => userAddress(`${randomUUID()}${'x'.repeat(220)}`)),
  });
  const one = change(1);
  await directory.addSubscriptions(userAddress(userId), 'c1=', one, 200);
  await directory.addSubscriptions(userAddress(userId), 'c1=', change(150), 200);
  await directory.removeSubscriptions(userAddress(userId), 'c1=', one);
  expect(surcharges).toEqual([
    [userId, 0],
    [userId, 3],
    [userId, 3],
  ]);
});

test('a user with the longest id for which a frame takes one write unit', async () => {
  expect(await unitsOf(LONGEST_ID, ALL)).toMatchObject({ register: 1, ping: 1, sendMessage: 4 });
});
