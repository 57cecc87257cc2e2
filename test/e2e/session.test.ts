import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, inject, test } from 'vitest';
import type { Client, ConnectOptions } from '../../client/index.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import { letMessagesWait } from '../support/waiting-messages.ts';
import { connectWire } from '../support/wire-client.ts';

// The client against the synthesized application: messages for a device that is sometimes offline.

let cloud: LocalCloud;
const clients: Client[] = [];

async function start(faults?: object): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, ...(faults && { faults }) });
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await cloud.close();
});

function device(userId: string, options: Partial<ConnectOptions> = {}) {
  const opened = openDevice(cloud, userId, options);
  clients.push(opened.client);
  return opened;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('a device that goes away', () => {
  test('gets the missed stored messages when it returns, once and in order, and no ephemeral ones', async () => {
    await start();
    const [alice, phone, laptop] = [device('alice'), device('bob'), device('bob')];
    await Promise.all([alice.connected(), phone.connected(), laptop.connected()]);
    await alice.client.sendToUser('bob', 0);
    await eventually(() => phone.received).toEqual([0]);

    const comeBack = phone.takeAway();
    await Promise.all(numbers(1, 60).map((number) => alice.client.sendToUser('bob', number)));
    await alice.client.sendToUser('bob', 'typing', { ephemeral: true });
    comeBack();
    await phone.connected();
    await alice.client.sendToUser('bob', 60);

    await eventually(() => phone.received).toEqual(numbers(0, 61));
    await eventually(() => laptop.received).toEqual([...numbers(0, 60), 'typing', 60]);
    expect(phone.gaps).toEqual([]);
  });

  test('gets bytes and large data unchanged and in order, live and when it returns; raw sockets get text', async () => {
    await start();
    const [alice, phone, laptop] = [device('alice'), device('bob'), device('bob')];
    const headers = { Authorization: `Bearer ${await cloud.token({ sub: 'bob' })}` };
    const raw = await connectWire(cloud.websocketUrl, { headers, protocols: ['beckon.v1'] });
    await raw.ask({ action: 'register' });
    await Promise.all([alice.connected(), phone.connected(), laptop.connected()]);
    const comeBack = phone.takeAway();
    const large = { lines: Array.from({ length: 3_000 }, (_, index) => `line ${index}: Grüße 👋`) };
    const bytes = Uint8Array.from({ length: 5_000 }, (_, index) => (index * index) % 251);
    const sent = [1, new Blob([bytes]), large, bytes.buffer, 2];
    const results = await Promise.all(sent.map((data) => alice.client.sendToUser('bob', data)));
    expect(results.map(({ status }) => status)).toEqual(sent.map(() => 'sent'));
    comeBack();
    for (const { received } of [phone, laptop]) {
      await eventually(() => received.length).toBe(5);
      expect(received).toEqual([1, bytes, large, bytes, 2]);
    }
    const seen = raw.frames.flatMap(({ messages }) => messages as { data: unknown; encoding?: string }[]);
    const texts = seen.filter(({ encoding }) => encoding !== undefined);
    expect(texts.map(({ data, encoding }) => [typeof data, encoding])).toEqual([
      ['string', 'gzip/base64'],
      ['string', 'json/gzip/base64'],
      ['string', 'gzip/base64'],
    ]);
    const text = gunzipSync(Buffer.from(String(texts[1]?.data), 'base64')).toString();
    expect(JSON.parse(text)).toEqual(large);
    raw.socket.close();
  });

  test('gets 10,000 waiting messages page by page, and each page costs as little as the first', async () => {
    await start();
    await letMessagesWait(cloud, 'bob', 10_000);
    const before = cloud.calls().length;
    const bob = device('bob');
    await expect.poll(() => bob.received.length, { timeout: 60_000 }).toBe(10_000);
    expect(bob.received).toEqual(numbers(0, 10_000));
    expect(bob.client.counters.duplicates).toBe(0);
    expect(bob.gaps).toEqual([]);
    // Each query reads 101 messages: the last one shows that another page follows.
    const reads = cloud
      .calls()
      .slice(before)
      .filter(({ operation, principal }) => operation === 'Query' && principal.includes('register'));
    expect(reads.length).toBeGreaterThanOrEqual(100);
    expect(reads.length).toBeLessThanOrEqual(2 * 101);
  }, 120_000);

  test('gets no copy of its own messages; the user’s other devices do', async () => {
    await start();
    const [phone, laptop] = [device('alice'), device('alice')];
    await Promise.all([phone.connected(), laptop.connected()]);
    const comeBack = laptop.takeAway();
    await phone.client.sendToUser('bob', 'hi', { echo: true });
    comeBack();
    await eventually(() => laptop.received).toEqual(['hi']);
    expect(phone.received).toEqual([]);
  });
});

describe('connections that break at any moment', () => {
  const limit = 15;
  const cuts = () => cloud.log().filter(({ message }) => message === 'socket: cut').length;

  test('lose no message, repeat none, and keep the order', async () => {
    await start({ seed: 4, rules: [{ point: 'socket', kind: 'cut', probability: 0.15, limit }] });
    const [alice, bob] = [device('alice'), device('bob')];
    let sent = 0;
    const sendSome = async () => {
      const some = numbers(sent, sent + 10);
      sent += some.length;
      await Promise.all(some.map((number) => alice.client.sendToUser('bob', number)));
    };
    // Several bursts at once, so one frame fills while another breaks.
    const sendUntilAllIsCut = async () => {
      while (cuts() < limit) await sendSome();
    };
    await Promise.all([sendUntilAllIsCut(), sendUntilAllIsCut(), sendUntilAllIsCut()]);
    await sendSome();
    await eventually(() => bob.received.length).toBe(sent);
    expect(bob.received).toEqual(numbers(0, sent));
    expect(bob.gaps).toEqual([]);
  });
});

describe('a device whose getToken returns the same token until it expires', () => {
  test('gets every message that is sent while its state is connected, over one connection', {
    timeout: 60_000,
  }, async () => {
    await start();
    const alice = device('alice');
    let exp = 0;
    let token = '';
    let asked = 0;
    const bob = device('bob', {
      minBackoffMs: 1_000,
      maxBackoffMs: 30_000,
      getToken: async () => {
        asked += 1;
        const nowSeconds = Math.floor(Date.now() / 1_000);
        if (exp <= nowSeconds) {
          exp = nowSeconds + 3;
          token = await cloud.token({ sub: 'bob', exp });
        }
        return token;
      },
    });
    const reasons: unknown[] = [];
    bob.client.on('state', (state) => 'reason' in state && reasons.push(state.reason?.code));
    await Promise.all([alice.connected(), bob.connected()]);
    const lost: unknown[] = [];
    for (let number = 0; reasons.length < 3; number += 1) {
      const { state } = bob.client;
      const { status } = await alice.client.sendToUser('bob', number, { ephemeral: number % 2 !== 0 });
      // A message that is under way when the token expires may arrive late, or not at all.
      if (state.status === 'connected' && state === bob.client.state && status !== 'sent') lost.push(number);
    }
    expect(lost).toEqual([]);
    expect(reasons).toEqual(Array(3).fill('token_expired'));
    expect(bob.client.counters.connections).toBe(1);
    expect(asked).toBeLessThan(40);
  });
});
