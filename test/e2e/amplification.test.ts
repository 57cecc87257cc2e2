import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import {
  checkFrame,
  frameCharge,
  INDEXED_TARIFF,
  jsonByteLength,
  type MessageInput,
  messageCharge,
  RATE_PER_SECOND,
} from '../../protocol/index.ts';
import { documentTable } from '../support/document-table.ts';
import { createEffectsMeter, type Effects, type EffectsMeter } from '../support/effects.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

/*
 * Measures the effects and the charge of each frame, with search: the table in docs/security.md. The test fails when a row grows
 * or exceeds the bound. After an improvement, run it with UPDATE_TABLES=1.
 */

const TABLE = documentTable('docs/security.md', 'amplification', 'frame', {
  bytes: 'bytes',
  charge: 'units charged',
  calls: 'DynamoDB calls',
  writes: 'write units',
  reads: 'read units',
  posts: 'posts',
  returned: 'bytes returned',
});

/** The bounds for each charged unit. */
const MOST = { writes: 12, posts: 100 };

interface Row extends Effects {
  /** The frame. */
  readonly what: string;
  /** Of the frame. */
  readonly bytes: number;
  /** The charged units, later charges included. */
  readonly charge: number;
  /** Of the reply. */
  readonly returned: number;
}

/** Opens a connection of a new user. It stays open: the effects of its end would fall into a later row. */
interface Device extends WireClient {
  readonly userId: string;
  readonly connectionId: string;
}

/** The measured frames. A device of a new user sends each, unless the scene has a device. */
interface Case {
  readonly frame: string;
  /** Prepares the scene. Returns the frame. */
  readonly scene: (device: Device) => Promise<object> | object;
  /** The units charged after the work. @default 0 */
  readonly surcharge?: number;
}

let cloud: LocalCloud;
let meter: EffectsMeter;
let users = 0;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('searchApp'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  meter = await createEffectsMeter(cloud);
});

afterAll(async () => {
  meter?.close();
  await cloud?.close();
});

/** As long as a UUID. */
const name = (index: number, kind = 'user') => `${kind}-${String(index).padStart(31, '0')}`;
const names = (count: number, kind?: string) => Array.from({ length: count }, (_, index) => name(index, kind));
const freshUser = () => {
  users += 1;
  return name(users, 'from');
};

const CAPABILITY = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send', 'history', 'presence'] };

async function open(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability: CAPABILITY })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(userId = freshUser()): Promise<Device> {
  const client = await open(userId);
  const { connectionId } = await client.ask({ action: 'register' });
  return { ...client, userId, connectionId: String(connectionId) };
}

const text = (bytes: number) => 'x'.repeat(bytes - 2);
/** A hundred words of one ideograph each. */
const words = Array.from({ length: 100 }, (_, index) => String.fromCodePoint(0x4e00 + index)).join(' ');
const send = (...messages: object[]) => ({ action: 'sendMessage', messages });
const to = (user: string, data: unknown, more = {}) => ({ to: { user }, data, echo: false, ...more });
const peers = (count: number) => names(count, 'peer').map((user) => ({ user }));

/** Returns the serial of a message to the device. */
async function serialFor(receiver: Device): Promise<string> {
  const sender = await device();
  const { results } = await sender.ask(send(to(receiver.userId, 'hello')));
  return (results as { serial: string }[])[0]?.serial ?? '';
}

async function joinRooms(client: Device, count: number): Promise<void> {
  for (const room of names(count, 'room'))
    expect(await client.ask({ action: 'join', room })).toMatchObject({ type: 'joined' });
}

async function watchUsers(client: Device, count: number): Promise<void> {
  for (let from = 0; from < count; from += 100) {
    const asked = names(count).slice(from, from + 100);
    expect(await client.ask({ action: 'presence', users: asked, watch: true })).toMatchObject({ type: 'presence' });
  }
}

const CASES: readonly Case[] = [
  { frame: '`register`, again', scene: () => ({ action: 'register', attempt: 1 }) },
  {
    frame: '`register` with a newer token, in 50 rooms and with 200 watches',
    surcharge: 25,
    scene: async (client) => {
      await joinRooms(client, 50);
      await watchUsers(client, 200);
      const token = await cloud.token({ sub: client.userId, capability: CAPABILITY });
      return { action: 'register', attempt: 1, token };
    },
  },
  {
    frame: '`register`, the next page of a full inbox',
    scene: async (client) => {
      const sender = await device();
      const serial = await serialFor(client);
      for (let frame = 0; frame < 10; frame += 1) await sender.ask(send(to(client.userId, text(30_000))));
      return { action: 'register', after: serial };
    },
  },
  { frame: '`ping`', scene: () => ({ action: 'ping' }) },
  {
    frame: '`ping` that says which 100 messages were shown',
    scene: async (client) => {
      const cursor = await serialFor(client);
      const ids = Array.from({ length: 100 }, (_, index) => `${'i'.repeat(60)}${index}`);
      return { action: 'ping', cursor, shown: [{ from: { user: 'a' }, ids }] };
    },
  },
  { frame: '`sendMessage` to a user, 2 bytes', scene: () => send(to('nobody', '')) },
  { frame: '`sendMessage` to a user, with a copy', scene: () => send(to('nobody', '', { echo: true })) },
  { frame: '`sendMessage` to a user, 3 KB in one word', scene: () => send(to('nobody', text(3072))) },
  { frame: '`sendMessage` to a user, 30 KB in one word', scene: () => send(to('nobody', text(30_000))) },
  { frame: '`sendMessage` to a user, 100 short words', scene: () => send(to('nobody', words)) },
  {
    frame: '`sendMessage`, 50 messages to a user',
    scene: () => send(...Array.from({ length: 50 }, () => to('nobody', ''))),
  },
  { frame: '`sendMessage` to 100 users', scene: () => send({ to: { users: names(100) }, data: '', echo: false }) },
  {
    frame: '`sendMessage` to 10 users, 100 short words',
    scene: () => send({ to: { users: names(10) }, data: words, echo: false }),
  },
  {
    frame: '`sendMessage`, 10 messages to 100 users',
    scene: () =>
      send(
        ...Array.from({ length: 10 }, () => ({
          to: { users: names(100, '').map((id) => id.slice(-3)) },
          data: '',
          echo: false,
        })),
      ),
  },
  { frame: '`sendMessage` to a room, 2 bytes', scene: () => send({ to: { room: 'empty' }, data: '' }) },
  { frame: '`sendMessage` to a room, 30 KB', scene: () => send({ to: { room: 'empty' }, data: text(30_000) }) },
  {
    frame: '`sendMessage` to a room with 250 connections',
    surcharge: 16,
    scene: async () => {
      await crowd('crowded');
      return send({ to: { room: 'crowded' }, data: '' });
    },
  },
  {
    frame: '`sendMessage` to a room with 150 connections',
    surcharge: 1,
    scene: async () => {
      await crowd('busy', 150);
      return send({ to: { room: 'busy' }, data: '' });
    },
  },
  { frame: '`join`', scene: () => ({ action: 'join', room: 'empty' }) },
  {
    frame: '`join`, in 49 rooms and with 200 watches',
    surcharge: 1,
    scene: async (client) => {
      await joinRooms(client, 49);
      await watchUsers(client, 200);
      return { action: 'join', room: 'empty' };
    },
  },
  {
    frame: '`leave`',
    scene: async (client) => {
      await client.ask({ action: 'join', room: 'left' });
      return { action: 'leave', room: 'left' };
    },
  },
  { frame: '`presence` of 100 users', scene: () => ({ action: 'presence', users: names(100) }) },
  { frame: '`presence`, watch 100 users', scene: () => ({ action: 'presence', users: names(100), watch: true }) },
  {
    frame: '`presence`, watch the same 100 users again',
    scene: async (client) => {
      await watchUsers(client, 100);
      return { action: 'presence', users: names(100), watch: true };
    },
  },
  {
    frame: '`presence`, watch one more than 199 users and 50 rooms',
    surcharge: 1,
    scene: async (client) => {
      await joinRooms(client, 50);
      await watchUsers(client, 199);
      return { action: 'presence', users: [name(199)], watch: true };
    },
  },
  {
    frame: '`presence`, watch 100 users no more',
    scene: async (client) => {
      await watchUsers(client, 100);
      return { action: 'presence', users: names(100), watch: false };
    },
  },
  {
    frame: '`mark`, 50 of the same user with two devices',
    scene: async (client) => {
      const victim = await device();
      await device(victim.userId);
      const serials = [];
      for (let mark = 0; mark < 50; mark += 1) serials.push(await markable(client, victim));
      return { action: 'mark', marks: serials.map((read) => ({ conversation: { user: victim.userId }, read })) };
    },
  },
  {
    frame: '`mark`, 50 conversations, received and read',
    scene: async (client) => {
      const serial = await serialFor(client);
      const marks = peers(50).map((conversation) => ({ conversation, received: serial, read: serial }));
      return { action: 'mark', marks };
    },
  },
  {
    frame: '`mark`, 50 rooms, with two other devices',
    scene: async (client) => {
      await device(client.userId);
      await device(client.userId);
      const read = await serialFor(client);
      return { action: 'mark', marks: names(50, 'room').map((room) => ({ conversation: { room }, read })) };
    },
  },
  { frame: '`block`, one more', scene: () => ({ action: 'block', user: 'somebody', blocked: true }) },
  {
    frame: '`block`, the first page of 100',
    scene: async (client) => {
      for (const user of names(100, 'bore')) await client.ask({ action: 'block', user, blocked: true });
      return { action: 'block' };
    },
  },
  { frame: '`unread` in all conversations', scene: () => ({ action: 'unread' }) },
  { frame: '`conversations`', scene: () => ({ action: 'conversations' }) },
  { frame: '`unread`, 50 conversations', scene: () => ({ action: 'unread', conversations: peers(50) }) },
  {
    frame: '`history`, a page of 100',
    scene: async (client) => {
      for (let frame = 0; frame < 2; frame += 1) {
        await client.ask(send(...Array.from({ length: 50 }, () => to('archive', ''))));
      }
      return { action: 'history', conversation: { user: 'archive' }, limit: 100 };
    },
  },
  {
    frame: '`search`, 8 words',
    scene: () => ({ action: 'search', conversation: { user: 'nobody' }, text: 'a b c d e f g h', limit: 100 }),
  },
];

/** Returns the serial of a message from the victim to the device. */
async function markable(client: Device, victim: Device): Promise<string> {
  const { results } = await victim.ask(send(to(client.userId, '')));
  return (results as { serial: string }[])[0]?.serial ?? '';
}

/** Opens connections in a room, of as few users as the handshake limit allows. */
async function crowd(room: string, count = 250): Promise<void> {
  let userId = freshUser();
  for (let from = 0; from < count; from += 10) {
    if (from % 80 === 0) userId = freshUser();
    await Promise.all(
      Array.from({ length: 10 }, async () => {
        const member = await device(userId);
        expect(await member.ask({ action: 'join', room })).toMatchObject({ type: 'joined' });
      }),
    );
  }
}

/** The gate's charge by the tariff of the protocol. */
function chargeOf(frame: object): number {
  const action = String((frame as { action: string }).action);
  if (action === 'sendMessage') {
    const { messages } = frame as { readonly messages: readonly MessageInput[] };
    return messages.reduce((sum, each) => sum + messageCharge(each, jsonByteLength(each.data), INDEXED_TARIFF), 0);
  }
  const checked = checkFrame(action as 'ping', frame);
  if (!checked.ok) throw new Error(JSON.stringify(checked.problem));
  return frameCharge(checked.value, INDEXED_TARIFF);
}

async function measure({ frame: what, scene, surcharge = 0 }: Case): Promise<Row> {
  const client = await device();
  const { userId, connectionId } = client;
  const frame = await scene(client);
  const gate = chargeOf(frame);
  await meter.untilIdle(userId, connectionId);
  const before = await meter.charged(userId, connectionId);
  const startedAt = Date.now();
  let reply: Record<string, unknown> = {};
  const effects = await meter.measure(async () => {
    reply = await client.ask(frame as Record<string, unknown>);
  });
  expect(reply['type'], JSON.stringify(reply)).not.toBe('error');
  expect((await meter.charged(userId, connectionId)) - before, `${what}: charged at the gate`).toBe(gate);
  if (surcharge > 0) {
    const endsAt = await meter.budgetEndsAt(userId);
    expect(endsAt, `${what}: charged afterwards`).toBeGreaterThanOrEqual(
      startedAt + (surcharge * 1000) / RATE_PER_SECOND,
    );
  }
  return {
    what,
    bytes: jsonByteLength(frame),
    charge: gate + surcharge,
    ...effects,
    returned: jsonByteLength(reply),
  };
}

/**
 * The random part of a room message that goes out in parts. Each part may charge at its second attempt. Each part reads a share
 * of the mappings that depends on the connection ids, rounded up.
 */
function slackOf({ what }: { readonly what: string }, column: string): number {
  const { surcharge = 0 } = CASES.find(({ frame }) => frame === what) ?? {};
  return ['calls', 'writes', 'reads'].includes(column) ? surcharge : 0;
}

test('no frame causes more work than the table says, or more than its charge covers', {
  timeout: 600_000,
}, async () => {
  const rows: Row[] = [];
  for (const each of CASES) rows.push(await measure(each));
  TABLE.hold(rows, slackOf);
  const above = rows.filter(
    ({ charge, writes, posts }) => writes > MOST.writes * charge || posts > MOST.posts * charge,
  );
  expect(above, 'rows above the bound').toEqual([]);
});
