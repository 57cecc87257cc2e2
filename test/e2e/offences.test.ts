import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { isBye, sendUntilClosed } from '../support/flood.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterAll(() => cloud.close());

async function open(sub: string): Promise<WireClient> {
  return connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${await cloud.token({ sub })}` } });
}

async function device(sub: string): Promise<WireClient> {
  const client = await open(sub);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

test.each([
  ['unknown', 'unknown_action', { action: 'fly' }],
  ['no JSON', 'invalid_json', 'hello'],
  ['of the wrong shape', 'invalid_frame', { action: 'ping', colour: 'blue' }],
])(
  '300 frames that are %s: each gets its error, the last one bye, and other connections notice nothing',
  async (_, code, frame) => {
    const [clumsy, other] = await Promise.all([device(`sends-${code}`), device(`sends-${code}`)]);
    expect(await sendUntilClosed(clumsy, frame, 300)).toBeLessThan(300);
    expect(await clumsy.closed).toEqual({ code: 1000, reason: 'Connection Closed Normally' });
    const errors = clumsy.frames.filter(({ type }) => type === 'error');
    expect(errors.length).toBeGreaterThanOrEqual(50);
    expect(new Set(errors.map((error) => error['code']))).toEqual(new Set([code]));
    expect(clumsy.frames.filter(isBye)).toMatchObject([{ code, reconnect: true, retryAfterMs: 60_000 }]);

    expect(await other.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
    expect(other.frames.some(isBye)).toBe(false);
    const again = await device(`sends-${code}`);
    for (const client of [other, again]) client.socket.close();
  },
);

test.each(['ping', 'leave', 'fly'])(
  'the server closes an unregistered connection that keeps sending "%s"',
  async (action) => {
    const client = await open(`never-registers-${action}`);
    const frame = { action, ...(action === 'leave' && { room: 'lobby' }) };
    expect(await sendUntilClosed(client, frame, 300)).toBeLessThan(300);
    const code = action === 'fly' ? 'unknown_action' : 'not_registered';
    expect(client.frames.filter(isBye)).toMatchObject([{ code, reconnect: true, retryAfterMs: 60_000 }]);
  },
);

test('offences at several functions add up', async () => {
  const client = await device('mixes');
  const actions = ['ping', 'join', 'leave', 'history', 'fly'];
  let asked = 0;
  while (client.socket.readyState === client.socket.OPEN && asked < 300) {
    const action = actions[asked % actions.length];
    await Promise.race([client.ask({ action, colour: 'blue' }), client.closed]);
    asked += 1;
  }
  expect(asked).toBeLessThanOrEqual(50 + 9 * actions.length + 10);
  expect(client.frames.filter(isBye)).toHaveLength(1);
});

test('a connection that sends 40 wrong frames and then valid ones stays open', async () => {
  const client = await device('learns');
  await Promise.all(Array.from({ length: 40 }, () => client.ask({ action: 'fly' })));
  for (let time = 0; time < 60; time += 1) expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  expect(client.frames.some(isBye)).toBe(false);
  client.socket.close();
});
