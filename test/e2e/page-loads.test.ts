import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { WebSocket } from 'ws';
import type { Client, ConnectOptions } from '../../client/index.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';
import { connectWire } from '../support/wire-client.ts';

// Pages without storage, which know nothing of the page before.

let cloud: LocalCloud;
const clients: Client[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => cloud.close());

/** A page of the user, and the number of its answered pings. */
function openPage(user: string, options: Partial<ConnectOptions> = {}) {
  let pongs = 0;
  const sockets: WebSocket[] = [];
  const webSocket = class extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      sockets.push(this);
      this.on('message', (data) => {
        if (String(data).includes('"type":"pong"')) pongs += 1;
      });
    }
  };
  const page = openDevice(cloud, user, { webSocket, ...options });
  clients.push(page.client);
  return {
    ...page,
    pongs: () => pongs,
    isClosed: () => sockets.every(({ readyState }) => readyState === WebSocket.CLOSED),
    /** Ends the page at once: it sends nothing more. */
    async crash() {
      page.takeAway();
      for (const socket of sockets) socket.terminate();
      await eventually(() => page.client.state.status).not.toBe('connected');
      page.client.close();
    },
  };
}

const newUser = () => `user-${randomUUID()}`;

async function send(user: string, data: string): Promise<void> {
  const sender = openDevice(cloud, 'sender');
  clients.push(sender.client);
  await sender.client.sendToUser(user, data);
  sender.client.close();
}

describe('a shown message', () => {
  test('is not repeated on later pages, which show the messages missed meanwhile', async () => {
    const user = newUser();
    await send(user, 'waits');
    const first = openPage(user);
    await eventually(() => first.received).toEqual(['waits']);
    await eventually(() => first.pongs()).toBe(1);
    await first.crash();
    for (const text of ['second', 'third', 'fourth']) {
      await send(user, text);
      const page = openPage(user);
      await eventually(() => page.received).toEqual([text]);
      await eventually(() => page.pongs()).toBe(1);
      await page.crash();
    }
  });

  test('is reported when the page closes its client, which takes little time', async () => {
    const user = newUser();
    const page = openPage(user);
    await page.connected();
    await send(user, 'pushed');
    await eventually(() => page.received).toEqual(['pushed']);
    page.client.close();
    expect(page.client.state.status).toBe('closed');
    await eventually(() => page.isClosed()).toBe(true);

    await send(user, 'later');
    const next = openPage(user);
    await eventually(() => next.received).toEqual(['later']);
  });

  test('is reported when it is marked as read, so it stays away even after a crash', async () => {
    const user = newUser();
    const page = openPage(user);
    await page.connected();
    const [message] = await Promise.all([
      new Promise<{ serial: string }>((resolve) => page.client.on('message', resolve)),
      send(user, 'read'),
    ]);
    await page.client.markRead({ user: 'sender' }, message.serial);
    await page.crash();

    await send(user, 'later');
    const next = openPage(user);
    await eventually(() => next.received).toEqual(['later']);
  });

  test('still reaches a device with its own cursor', async () => {
    const user = newUser();
    const phone = openPage(user);
    await phone.connected();
    const comeBack = phone.takeAway();
    await send(user, 'for both');
    const page = openPage(user);
    await eventually(() => page.received).toEqual(['for both']);
    await eventually(() => page.pongs()).toBe(1);
    comeBack();
    await eventually(() => phone.received).toEqual(['for both']);
  });
});

describe('a raw socket', () => {
  const from = { user: 'sender' };

  async function open(user: string) {
    const headers = { Authorization: `Bearer ${await cloud.token({ sub: user })}` };
    return connectWire(cloud.websocketUrl, { headers });
  }

  const ids = (count: number) => Array.from({ length: count }, (_, index) => String(index));

  test.each([
    ['too many senders', ids(101).map((id) => ({ from, ids: [id] })), '"shown" must hold at most 100 senders'],
    ['too many of one sender', [{ from, ids: ids(101) }], '"shown.0.ids" must hold at most 100 ids'],
    [
      'too many in all',
      [
        { from, ids: ids(60) },
        { from, ids: ids(60) },
      ],
      '"shown" must hold at most 100 ids in all',
    ],
    [
      'too large',
      ids(12).map((id) => ({ from: { user: '漢'.repeat(256) }, ids: [id] })),
      '"shown" must take at most 8192 bytes',
    ],
    ['no list', 'all', '"shown" must be an array of {"from", "ids"}'],
    ['without a sender', [{ ids: ['1'] }], '"shown.0.from" is required'],
    ['with two senders', [{ from: { user: 'a', service: 'b' }, ids: ['1'] }], 'unknown field "shown.0.from.user"'],
    [
      'with too long a sender',
      [{ from: { user: 'x'.repeat(257) }, ids: ['1'] }],
      '"shown.0.from.user" must have at most 256 characters',
    ],
    ['with no ids', [{ from, ids: [] }], '"shown.0.ids" must hold at least one id'],
    ['with too long an id', [{ from, ids: ['x'.repeat(65)] }], '"shown.0.ids.0" must have at most 64 characters'],
    ['with an id that is none', [{ from, ids: [1] }], '"shown.0.ids.0" must be a string'],
    ['with more than that', [{ from, ids: ['1'], serials: [] }], 'unknown field "shown.0.serials"'],
  ])('with a wrong report of shown messages is refused: %s', async (_, shown, message) => {
    const client = await open(newUser());
    const { cursor } = await client.ask({ action: 'register' });
    expect(await client.ask({ action: 'ping', cursor, shown })).toMatchObject({
      type: 'error',
      code: 'invalid_frame',
      message,
    });
    expect(await client.ask({ action: 'ping', cursor })).toMatchObject({ type: 'pong' });
  });

  test('cannot report shown messages without a cursor', async () => {
    const client = await open(newUser());
    await client.ask({ action: 'register' });
    expect(await client.ask({ action: 'ping', shown: [{ from, ids: ['1'] }] })).toMatchObject({
      type: 'error',
      code: 'invalid_frame',
      message: '"shown" must come with "cursor"',
    });
  });

  test('gets the list of messages that its user’s devices have shown, unless it has a cursor; other users do not', async () => {
    const user = newUser();
    const client = await open(user);
    const { cursor, ...first } = await client.ask({ action: 'register' });
    expect(first).not.toHaveProperty('shown');
    const shown = [
      { from, ids: ['1', '2'] },
      { from: { service: 'billing' }, ids: ['3'] },
    ];
    expect(await client.ask({ action: 'ping', cursor, shown })).toMatchObject({ type: 'pong' });
    expect(await (await open(user)).ask({ action: 'register' })).toMatchObject({ shown });
    expect(await (await open(user)).ask({ action: 'register', cursor })).not.toHaveProperty('shown');
    expect(await (await open(newUser())).ask({ action: 'register' })).not.toHaveProperty('shown');
  });
});
