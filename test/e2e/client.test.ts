import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { SessionClient } from '../../client/client.ts';
import { createEnvironment } from '../../client/environment.ts';
import type { Client, ConnectOptions, Left, Payload, Receipt, Sendable } from '../../client/index.ts';
import { LOADERS } from '../../client/loaders.ts';
import { resolveOptions } from '../../client/options.ts';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { openDevice } from '../support/device.ts';
import { eventually } from '../support/eventually.ts';

// The client's calls against the synthesized application.

const EVERYTHING = { 'user:*': ['send', 'history'], 'room:*': ['join', 'send', 'history'] };

let cloud: LocalCloud;
const clients: Client[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
afterAll(() => cloud.close());

function device(sub: string, options: Partial<ConnectOptions> = {}) {
  const getToken = () => cloud.token({ sub, capability: EVERYTHING });
  const opened = openDevice(cloud, sub, { getToken, ...options });
  clients.push(opened.client);
  return opened;
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

describe('a device in a room', () => {
  test('gets every message once and in order, missed ones too, but not its own', async () => {
    const [ann, ben] = [device('ann'), device('ben')];
    await Promise.all([ann.client.join('hall'), ben.client.join('hall')]);
    await ann.client.sendToRoom('hall', 0);
    await ben.client.sendToRoom('hall', 'from ben');
    await eventually(() => [ann.received, ben.received]).toEqual([['from ben'], [0]]);

    const comeBack = ben.takeAway();
    await Promise.all(numbers(1, 130).map((number) => ann.client.sendToRoom('hall', number)));
    comeBack();
    await ben.connected();
    await ann.client.sendToRoom('hall', 130);
    await eventually(() => ben.received).toEqual(numbers(0, 131));
    await eventually(() => ann.received).toEqual(['from ben']);
    expect(ben.gaps).toEqual([]);
  });

  test('gets no message from before it joined or after it left', async () => {
    const [ann, ben] = [device('ann'), device('ben')];
    await ann.client.sendToRoom('yard', 'before');
    await ben.client.join('yard');
    await ann.client.sendToRoom('yard', 'while');
    await eventually(() => ben.received).toEqual(['while']);
    const comeBack = ben.takeAway();
    comeBack();
    await ben.connected();
    await ben.client.leave('yard');
    await ann.client.sendToRoom('yard', 'after');
    await ann.client.sendToUser('ben', 'last');
    await eventually(() => ben.received).toEqual(['while', 'last']);
  });

  test('misses nothing and gets nothing twice when its connection is replaced again and again', async () => {
    const [cat, dan] = [device('cat'), device('dan', { maxConnectionAgeMs: 1_500 })];
    await dan.client.join('stage');
    let sent = 0;
    while (dan.client.counters.connections < 4) {
      await cat.client.sendToRoom('stage', sent);
      sent += 1;
    }
    await eventually(() => dan.received).toEqual(numbers(0, sent));
    dan.client.close();
  });

  test('is removed by a token that no longer allows the room', async () => {
    let capability: object = EVERYTHING;
    const ben = device('ben', { getToken: () => cloud.token({ sub: 'ben', capability }) });
    const left: Left[] = [];
    ben.client.on('left', (event) => left.push(event));
    await Promise.all([ben.client.join('attic'), ben.client.join('cellar')]);
    capability = { 'room:cellar': ['join'] };
    ben.takeAway()();
    await eventually(() => left).toMatchObject([{ room: 'attic', reason: { code: 'forbidden' } }]);
    await expect(ben.client.join('attic')).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('a token that expires in an hour', () => {
  test('is renewed on the open connection, which loses the rooms that the new token does not allow', async () => {
    const capabilities: object[] = [EVERYTHING];
    const getToken = vi.fn(() =>
      cloud.token({ sub: 'hal', capability: capabilities.shift() ?? { 'room:kitchen': ['join'] } }),
    );
    const base = createEnvironment(WebSocket);
    // A quarter of an hour takes a second; delays below two minutes stay as they are.
    const setTimer = (delayMs: number, callback: () => void) =>
      base.setTimer(delayMs > 120_000 ? delayMs / 900 : delayMs, callback);
    const options = { url: cloud.websocketUrl, getToken, messageExpiryMs: 60_000, maxConnectionAgeMs: 2 ** 31 - 1 };
    const hal = new SessionClient(resolveOptions(options), LOADERS, { ...base, setTimer });
    clients.push(hal as Client);
    const [left, received]: [string[], unknown[]] = [[], []];
    hal.on('left', ({ room }) => left.push(room));
    hal.on('message', ({ data }) => received.push(data));
    await Promise.all([hal.join('kitchen'), hal.join('garden')]);
    await eventually(() => left).toEqual(['garden']);
    expect(getToken.mock.calls.length).toBeGreaterThan(1);
    const ida = device('ida');
    await ida.client.sendToRoom('garden', 'not for hal');
    await ida.client.sendToRoom('kitchen', 'for hal');
    await eventually(() => received).toEqual(['for hal']);
    expect(hal.counters.connections).toBe(1);
  });
});

describe('a conversation', () => {
  test('can be read, searched, counted and marked', async () => {
    const [fay, gus] = [device('fay'), device('gus')];
    const serials: string[] = [];
    for (const text of ['one', 'two', 'three']) {
      serials.push((await fay.client.sendToUser('gus', { text })).serial);
    }
    await gus.client.sendToUser('fay', { text: 'four' });
    const page = await gus.client.history({ user: 'fay' }, { limit: 3 });
    expect(page.messages.map(({ data }) => data)).toEqual([{ text: 'two' }, { text: 'three' }, { text: 'four' }]);
    const rest = await gus.client.history({ user: 'fay' }, { before: page.next ?? '' });
    expect(rest.messages.map(({ data }) => data)).toEqual([{ text: 'one' }]);
    expect(await gus.client.unread([{ user: 'fay' }, { room: 'void' }])).toMatchObject([{ count: 3 }, { count: 0 }]);
    await gus.client.markRead({ user: 'fay' }, serials[1] ?? '');
    expect(await gus.client.unread([{ user: 'fay' }])).toMatchObject([{ count: 1, read: serials[1] }]);
    expect((await fay.client.history({ user: 'gus' })).peer).toMatchObject({ read: serials[1] });
    await expect(gus.client.search({ user: 'fay' }, 'one')).rejects.toMatchObject({ code: 'search_disabled' });
  });

  test('is closed to users whose token does not allow it', async () => {
    const eve = device('eve', { getToken: () => cloud.token({ sub: 'eve', capability: { 'user:*': ['send'] } }) });
    await expect(eve.client.history({ user: 'ann' })).rejects.toMatchObject({ code: 'forbidden' });
    await expect(eve.client.unread([{ user: 'ann' }])).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('has receipts: received automatically, read on markRead', async () => {
    const [amy, bea] = [device('amy'), device('bea')];
    const receipts: Receipt[] = [];
    amy.client.on('receipt', (receipt) => receipts.push(receipt));
    await Promise.all([amy.connected(), bea.connected()]);
    const { serial } = await amy.client.sendToUser('bea', 'hello', { receipt: true });
    await eventually(() => receipts).toMatchObject([{ from: { user: 'bea' }, received: serial }]);
    await bea.client.markRead({ user: 'amy' }, serial);
    await eventually(() => receipts.length).toBe(2);
    expect(receipts[1]).toMatchObject({ from: { user: 'bea' }, read: serial });
  });
});

describe('a page that is reloaded on a device whose clock is wrong', () => {
  const HOUR_MS = 3_600_000;

  /** A page with storage, which the next page inherits. */
  function openPage(user: string, aheadMs: number, records: Map<string, string>) {
    const storage = {
      get: (key: string) => records.get(key),
      set: (key: string, value: string) => records.set(key, value),
      delete: (key: string) => records.delete(key),
      keys: () => records.keys(),
    };
    const options = {
      url: cloud.websocketUrl,
      getToken: () => cloud.token({ sub: user, capability: EVERYTHING }),
      webSocket: WebSocket,
      storage,
    };
    const environment = { ...createEnvironment(WebSocket), now: () => Date.now() + aheadMs };
    const client = new SessionClient<Payload, Sendable<Payload>>(resolveOptions(options), LOADERS, environment);
    clients.push(client);
    const received: unknown[] = [];
    const gaps: unknown[] = [];
    client.on('message', ({ data }) => received.push(data));
    client.on('gap', (gap) => gaps.push(gap));
    return { client, received, gaps };
  }

  test.each([
    [0, 25],
    [0, -30],
    [25, -30],
    [-30, 25],
  ])(
    '%i to %i hours ahead misses nothing in its room, and gets nothing from before its first join',
    async (before, after) => {
      const room = `shore-${before}-${after}`;
      const user = `gil-${before}-${after}`;
      const hal = device('hal');
      await hal.client.sendToRoom(room, 'before');
      const records = new Map<string, string>();
      const page = openPage(user, before * HOUR_MS, records);
      await page.client.join(room);
      await hal.client.sendToRoom(room, 'while');
      await eventually(() => page.received).toEqual(['while']);
      page.client.close();
      await hal.client.sendToRoom(room, 'away');

      const next = openPage(user, after * HOUR_MS, records);
      await next.client.join(room);
      await hal.client.sendToRoom(room, 'back');
      await eventually(() => next.received).toEqual(['away', 'back']);
      expect([...page.gaps, ...next.gaps]).toEqual([]);
    },
  );
});

describe('a device whose calls are refused', () => {
  const capability = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send', 'history', 'presence'] };
  const longIds = Array.from({ length: 100 }, (_, index) => `${index}${'漢'.repeat(250)}`);

  test('continues with everything else over the same connection', async () => {
    const getToken = () => cloud.token({ sub: 'una', capability });
    const [una, vic] = [device('una', { getToken }), device('vic')];
    await Promise.all([una.connected(), vic.connected()]);
    const { client } = una;
    const told: unknown[] = [];
    client.on('presence', ({ room, users }) => told.push(...users.map(({ user, online }) => [room, user, online])));
    client.on('error', (error) => told.push(error));
    await client.watch(['vic', 'wes']);
    await client.watch({ room: 'den' });
    await client.join('den');
    const many = Array.from({ length: 100 }, (_, index) => `user ${index}`);
    const refused = [
      client.unwatch({ room: '' }),
      client.unwatch({ room: '\u0000' }),
      client.unwatch(['vic', '']),
      client.unwatch([...many, 'vic']),
      client.unwatch([]),
      client.watch({ room: '' }),
      client.watch(['vic', '\u200b']),
      client.watch([...many, 'vic']),
      client.presence(longIds),
      client.watch(longIds),
      client.unwatch([...longIds.slice(1), 'vic']),
      client.join(''),
      client.join('x'.repeat(40_000)),
      client.join('hall', { after: 'nonsense' }),
      client.history({ user: '' }),
      client.history({ user: 'vic' }, { limit: 0 }),
      client.search({ user: 'vic' }, 'x'.repeat(40_000)),
      client.unread(Array.from({ length: 51 }, () => ({ user: 'vic' }))),
      client.unread(longIds.slice(0, 50).map((room) => ({ room }))),
      client.markRead({ user: 'vic' }, 'nonsense'),
      client.markRead({ user: 'vic' }, '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'),
      client.sendToUser('', 1),
      client.sendToUsers([], 1),
      client.sendToRoom('den', 1, { id: 'not an id' }),
    ];
    const codes = (await Promise.allSettled(refused)).map((each) => each.status === 'rejected' && each.reason.code);
    expect(codes.filter((code) => code !== 'invalid_frame' && code !== 'frame_too_large')).toEqual(['invalid_cursor']);

    await vic.client.join('den');
    await vic.client.sendToRoom('den', 'hello');
    expect(await client.sendToUser('vic', 'hello')).toMatchObject({ status: 'sent' });
    const [{ serial = '' } = {}] = (await client.history({ user: 'vic' })).messages;
    await client.markRead({ user: 'vic' }, serial);
    await device('wes').connected();
    await eventually(() => told).toEqual(
      expect.arrayContaining([
        ['den', 'vic', true],
        [undefined, 'wes', true],
      ]),
    );
    expect(told.filter((each) => each instanceof Error)).toEqual([]);
    expect(una.received).toEqual(['hello']);
    expect(client.counters.connections).toBe(1);
  });
});
