import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

/* Delivery to a room that takes several parts: through the queue, the function `deliver` and the Management API. */

const ROOM = 'everybody';
const CAPABILITY = { [`room:${ROOM}`]: ['join', 'send'] };

let cloud: LocalCloud;

beforeAll(async () => {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, quotas: { requestsPerSecond: 200 } });
});

afterAll(() => cloud?.close());

async function member(sub: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub, capability: CAPABILITY })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  await client.ask({ action: 'register' });
  expect(await client.ask({ action: 'join', room: ROOM })).toMatchObject({ type: 'joined' });
  return client;
}

/** Sends to the room, and waits until all members have the message and the log has each part. */
async function sendToRoom(sender: WireClient, members: readonly WireClient[]): Promise<void> {
  const received = Promise.all(members.map((client) => client.frame(isMessage)));
  const ack = await sender.ask({ action: 'sendMessage', to: { room: ROOM }, data: 'hello' });
  expect(ack).toMatchObject({ results: [{ status: 'queued' }] });
  await received;
  await vi.waitUntil(() => posts().filter(({ statusCode }) => statusCode === 200).length >= members.length);
}

const isMessage = ({ type }: { type?: unknown }) => type === 'messages';
const posts = () => cloud.calls().filter(({ operation }) => operation === 'PostToConnection');
const log = (route: string, reason: string) =>
  cloud.log().filter(({ message }) => message.includes(`"route":"${route}"`) && message.includes(`"${reason}"`));

test('an account at its quota delays a room of 250: each connection gets the message once, and stays', async () => {
  const members: WireClient[] = [];
  for (let index = 0; index < 250; index += 1) members.push(await member(`u${index}`));
  const sender = await member('sender');
  await sendToRoom(sender, members);
  await vi.waitUntil(() => log('deliver', 'deliver').length > 1);
  expect(posts().some(({ statusCode }) => statusCode === 429)).toBe(true);
  expect(new Set(members.map(({ frames }) => frames.filter(isMessage).length))).toEqual(new Set([1]));
  expect(sender.frames.some(isMessage)).toBe(false);
  expect(log('tasks', 'close')).toEqual([]);
}, 120_000);
