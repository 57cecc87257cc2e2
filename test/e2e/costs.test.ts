import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { documentTable } from '../support/document-table.ts';
import { createEffectsMeter, type Effects, type EffectsMeter } from '../support/effects.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

// The cost of each operation of a normal client: the table in docs/costs.md. After a change, run it with UPDATE_TABLES=1.

const TABLE = documentTable('docs/costs.md', 'costs', 'operation', {
  calls: 'DynamoDB calls',
  writes: 'write units',
  reads: 'read units',
  posts: 'posts',
  messages: 'messages of API Gateway',
  dollars: '$ a million',
});

/**
 * US dollars for a million, on demand, in us-east-1.
 * @see https://aws.amazon.com/dynamodb/pricing/on-demand/ and https://aws.amazon.com/api-gateway/pricing/ (read 2026-11)
 */
const PRICES = { writes: 0.625, reads: 0.125, messages: 1 };

let cloud: LocalCloud;
let meter: EffectsMeter;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  meter = await createEffectsMeter(cloud);
});

afterAll(async () => {
  meter?.close();
  await cloud?.close();
});

const CAPABILITY = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send', 'history', 'presence'] };

async function connect(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability: CAPABILITY })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

/** As long as a UUID. */
const name = (kind: string) => kind.padEnd(36, '0');

interface Device extends WireClient {
  readonly userId: string;
  readonly connectionId: string;
}

async function device(kind: string): Promise<Device> {
  const userId = name(kind);
  const client = await connect(userId);
  const { connectionId } = await client.ask({ action: 'register' });
  return { ...client, userId, connectionId: String(connectionId) };
}

test('no operation costs more than the table says', { timeout: 120_000 }, async () => {
  const rows: (Effects & { readonly what: string; readonly messages: number; readonly dollars: number })[] = [];
  /** @param frames The number of incoming frames and replies. */
  const row = async (what: string, frames: number, act: () => Promise<unknown>) => {
    const effects = await meter.measure(act);
    const messages = frames + effects.posts;
    const { writes, reads } = effects;
    const dollars = writes * PRICES.writes + reads * PRICES.reads + messages * PRICES.messages;
    rows.push({ what, ...effects, messages, dollars: Math.round(dollars * 100) / 100 });
  };
  /** Sends a frame of the device after a pause. */
  const frame = async (what: string, client: Device, question: Record<string, unknown>) => {
    await meter.untilIdle(client.userId, client.connectionId);
    await row(what, 2, async () => {
      const reply = await client.ask(question);
      expect(reply['type'], JSON.stringify(reply)).not.toBe('error');
    });
  };

  await row('a user connects and registers', 2, () => device('early'));
  const alice = await device('alice');
  const bob = await device('bob');
  const send = (to: object, more = {}) => ({
    action: 'sendMessage',
    to,
    data: 'hello',
    ...('user' in to && { echo: false }),
    ...more,
  });
  // A frame that waits for its function to start may be overtaken by a retry, so its messages cost history a query more.
  await alice.ask(send({ user: name('nobody') }));
  await frame('`sendMessage`, stored, to a user with one device', alice, send({ user: bob.userId }));
  await frame(
    '`sendMessage`, not stored, to a user with one device',
    alice,
    send({ user: bob.userId }, { ephemeral: true }),
  );
  await frame('`sendMessage`, stored, to a user who is away', alice, send({ user: name('away') }));
  await frame('`sendMessage`, stored, to a user, with a copy', alice, send({ user: bob.userId }, { echo: true }));
  await frame('`join`', bob, { action: 'join', room: 'lobby' });
  await frame('`sendMessage`, stored, to a room with one connection', alice, send({ room: 'lobby' }));
  await frame('`leave`', bob, { action: 'leave', room: 'lobby' });
  await frame('`ping`', alice, { action: 'ping' });
  const { messages } = await bob.ask({ action: 'history', conversation: { user: alice.userId }, limit: 1 });
  const [{ serial }] = messages as [{ serial: string }];
  await frame('`ping` that acknowledges', bob, { action: 'ping', cursor: serial });
  const mark = { conversation: { user: alice.userId }, read: serial };
  await frame('`mark`, one conversation, with its receipt', bob, { action: 'mark', marks: [mark] });
  await frame('`unread`, one conversation', alice, { action: 'unread', conversations: [{ user: bob.userId }] });
  await frame('`unread`, in all conversations', alice, { action: 'unread' });
  await frame('`conversations`, two conversations', alice, { action: 'conversations' });
  const archive = { user: name('archive') };
  await alice.ask({
    action: 'sendMessage',
    messages: Array.from({ length: 50 }, () => ({ to: archive, data: 'hello', echo: false })),
  });
  await frame('`history`, a page of 50 short messages', alice, { action: 'history', conversation: archive });
  await frame('`presence` of a user', alice, { action: 'presence', users: [bob.userId] });
  await frame('`presence`, watch a user', alice, { action: 'presence', users: [name('away')], watch: true });
  await frame('`block`', bob, { action: 'block', user: name('bore'), blocked: true });
  await frame('`register`, again', alice, { action: 'register', attempt: 1 });
  const { results } = await alice.ask(send({ room: 'lobby' }));
  const [{ serial: read }] = results as [{ serial: string }];
  await device('bob');
  await frame('`mark`, one room, with another device', bob, {
    action: 'mark',
    marks: [{ conversation: { room: 'lobby' }, read }],
  });
  TABLE.hold(rows);
});
