import { describe, expect, it } from 'vitest';
import type { Client } from '../../../client/api.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import { INDEXED_TARIFF } from '../../../protocol/index.ts';
import { startClient } from '../../support/client-session.ts';
import type { Frame } from '../../support/client-world.ts';
import { FakeBrowser } from '../../support/pages.ts';
import { RatedServer, type RatedServerOptions } from '../../support/rated-server.ts';

const conversation = { user: 'bob' };
const HUNDRED = Array.from({ length: 100 }, (_, index) => `user ${index}`);
/** What the client uses of the default rate, units a second, and at once. */
const RATE = 90;
const BURST = 450;

async function connectTo(options: RatedServerOptions = {}, connectOptions: Partial<ConnectOptions> = {}) {
  const server = new RatedServer(options);
  const started = startClient({ messageExpiryMs: 600_000, ...connectOptions });
  const worlds = [started.world];
  const pass = (ms: number) => server.pass(worlds, ms);
  const until = (promise: Promise<unknown>) => server.until(worlds, promise);
  await pass(10_000);
  return { ...started, server, pass, until };
}

/** Sends numbered messages, without copies for the sender's other devices unless `echo` asks for them. */
function sendAll(
  client: Client<unknown, unknown>,
  count: number,
  to: string | readonly string[] = 'bob',
  { echo }: { readonly echo?: true } = {},
) {
  const options = echo ? {} : { echo: false };
  const send = (data: number) =>
    typeof to === 'string' ? client.sendToUser(to, data, options) : client.sendToUsers([...to], data, options);
  return Promise.all(numbers(count).map(send));
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** How long so many units take, milliseconds, when what may go at once goes at once. */
function durationMs(units: number): number {
  return ((units - BURST) * 1_000) / RATE;
}

describe('messages', () => {
  it('go as fast as the rate allows, in full frames, and not one is refused', async () => {
    const { client, server, until } = await connectTo();
    const tookMs = await until(sendAll(client, 1_000));
    expect(server.refused).toEqual([]);
    expect(server.taken).toEqual(numbers(1_000));
    expect(tookMs).toBeGreaterThan(durationMs(1_000) - 1_000);
    expect(tookMs).toBeLessThan(durationMs(1_000) + 1_000);
    expect(server.count('sendMessage')).toBeLessThanOrEqual(22);
  });

  it.each([
    ['for many users', {}, 30, HUNDRED, 3_000],
    ['that are indexed', { limits: { tariff: INDEXED_TARIFF } }, 500, 'bob', 1_000],
    ['where little is allowed', { limits: { ratePerSecond: 5, rateBurst: 20 } }, 60, 'bob', undefined],
    ['where one is more than may go at once', { limits: { rateBurst: 10 } }, 5, HUNDRED, undefined],
    ['for a server that tells no tariff', { limits: { tariff: undefined } }, 1_000, 'bob', 1_000],
  ] as const)('are not refused %s', async (_, options, count, to, units) => {
    const { client, server, until } = await connectTo(options);
    const tookMs = await until(sendAll(client, count, to));
    expect(server.refused).toEqual([]);
    expect(server.taken).toEqual(numbers(count));
    if (units !== undefined) expect(tookMs).toBeLessThan(durationMs(units) + 1_500);
  });

  it('are not refused with a copy for the other devices of their sender, which costs as much again', async () => {
    const { client, server, until } = await connectTo();
    const tookMs = await until(sendAll(client, 500, 'bob', { echo: true }));
    expect(server.refused).toEqual([]);
    expect(server.taken).toEqual(numbers(500));
    expect(tookMs).toBeGreaterThan(durationMs(1_000) - 1_500);
    expect(tookMs).toBeLessThan(durationMs(1_000) + 1_500);
  });

  it('are not held back where the server tells no rate', async () => {
    const { client, server, until } = await connectTo({ limits: { ratePerSecond: undefined, rateBurst: undefined } });
    expect(await until(sendAll(client, 400, ['bob', 'carol']))).toBeLessThan(1_000);
    expect(server.count('sendMessage')).toBe(8);
  });

  it('are not refused when the server gets to them late, as after a cold start', async () => {
    let isCold = true;
    const lag = ({ action }: Frame) => {
      if (action !== 'sendMessage' || !isCold) return 0;
      isCold = false;
      return 2_000;
    };
    const { client, server, pass, until } = await connectTo({ limits: { rateBurst: 50 }, lag });
    const first = sendAll(client, 45);
    await pass(500);
    await until(Promise.all([first, sendAll(client, 200)]));
    expect(server.refused).toEqual([]);
  });

  it('wait as long as the server says for what could not be known, and are lost, doubled or reordered never', async () => {
    const { client, server, until } = await connectTo({ surcharge: ({ to }) => ('room' in to ? 20 : 0) });
    const sent = Promise.all(numbers(200).map((data) => client.sendToRoom('lobby', data)));
    await until(sent);
    expect(server.taken).toEqual(numbers(200));
    expect(server.refused.length).toBeGreaterThan(0);
    expect(server.refused.length).toBeLessThan(20);
    // Nothing was done of them, so the server need not look for them.
    expect(server.served.flatMap(({ messages }) => messages)).not.toContainEqual(
      expect.objectContaining({ retry: true }),
    );
  });

  it('expire and are taken back while they wait, and are not sent then', async () => {
    const { client, server, pass } = await connectTo({}, { messageExpiryMs: 2_000 });
    const leaving = new AbortController();
    const results = [
      ...numbers(999).map((data) => client.sendToUser('bob', data)),
      client.sendToUser('bob', 'taken back', { signal: leaving.signal, expiresAfterMs: 60_000 }),
    ];
    const settled = Promise.allSettled(results.slice(0, -1));
    const last = expect(results.at(-1)).rejects.toMatchObject({ name: 'AbortError' });
    await pass(1_000);
    leaving.abort();
    await pass(30_000);
    await last;
    const outcomes = await settled;
    const expired = outcomes.filter(({ status }) => status === 'rejected');
    expect(expired.length).toBeGreaterThan(300);
    for (const outcome of expired)
      expect(outcome).toMatchObject({ reason: { code: 'expired', maybeDelivered: false } });
    expect(server.taken).toEqual(numbers(999 - expired.length));
    expect(server.refused).toEqual([]);
  });

  it('of other tabs take from the same budget', async () => {
    const browser = new FakeBrowser();
    const server = new RatedServer();
    const pages = numbers(3).map(() => browser.open({ shareAcrossTabs: true, messageExpiryMs: 600_000 }));
    const worlds = pages.map(({ world }) => world);
    await server.pass(worlds, 10_000);
    const tookMs = await server.until(worlds, Promise.all(pages.map(({ client }) => sendAll(client, 20, HUNDRED))));
    expect(worlds.flatMap(({ sockets }) => sockets)).toHaveLength(1);
    expect(server.refused).toEqual([]);
    expect(server.taken).toHaveLength(60);
    expect(tookMs).toBeLessThan(durationMs(6_000) + 2_000);
  });

  it('that were stored are charged by the tariff of the day', async () => {
    const browser = new FakeBrowser();
    const before = browser.open({ messageExpiryMs: 600_000 });
    await before.world.accept().then((socket) => socket.end());
    void sendAll(before.client, 200);
    await before.leave();
    const server = new RatedServer({ limits: { tariff: { ...INDEXED_TARIFF, indexedBytesPerUnit: 1 } } });
    const page = browser.open();
    await server.pass([page.world], 20_000);
    expect(server.refused).toEqual([]);
    expect(server.taken).toEqual(numbers(200));
  });
});

describe('other frames', () => {
  it('are not refused after a connection was lost, however many rooms and users there were', async () => {
    const rate = { limits: { ratePerSecond: 20, rateBurst: 60 } };
    const { client, world, server, pass, until } = await connectTo(rate, { suspendAfterMs: 600_000 });
    const calls = [
      ...numbers(50).map((room) => client.join(`room ${room}`)),
      ...numbers(100).map((room) => client.watch({ room: `room ${room}` })),
      client.watch(HUNDRED),
    ];
    await until(Promise.all(calls));
    await pass(10_000);
    const before = server.count('join');
    world.socket.end();
    const marks = Promise.all(numbers(20).map((user) => client.markRead({ user: `user ${user}` }, '1')));
    await until(marks);
    await pass(20_000);
    expect(server.refused).toEqual([]);
    expect(server.count('join') - before).toBe(50);
  });

  it('do not all go at once on a new connection, whose user may have nothing left', async () => {
    const { client, world, server, pass, until } = await connectTo();
    const join = (room: number) => client.join(`room ${room}`);
    await until(
      Promise.all([...numbers(50).map(join), ...numbers(200).map((room) => client.watch({ room: `${room}` }))]),
    );
    await pass(10_000);
    server.charge(500 + 1_000);
    world.socket.end();
    await pass(30_000);
    expect(server.refused.length).toBeLessThan(100);
    expect(server.count('join')).toBe(100);
    expect(server.count('presence')).toBe(400);
  });

  it('get their turn among the messages', async () => {
    const { client, pass, until } = await connectTo();
    const sent = sendAll(client, 1_000);
    await pass(2_000);
    expect(await until(client.history(conversation))).toBeLessThan(1_500);
    await until(sent);
  });

  it('say that it was the rate when they could not be sent in time, and leave nothing to be sent for nobody', async () => {
    const { client, server, pass, until } = await connectTo({ limits: { ratePerSecond: 10, rateBurst: 20 } });
    const asked = Promise.allSettled(numbers(400).map(() => client.history(conversation)));
    await until(asked);
    const outcomes = await asked;
    const late = outcomes.filter(({ status }) => status === 'rejected');
    expect(late.length).toBeGreaterThan(100);
    expect(late.length).toBeLessThan(130);
    for (const outcome of late)
      expect(outcome).toMatchObject({ reason: { name: 'BeckonError', code: 'rate_limited', retryable: true } });
    const { length } = server.served;
    await pass(5_000);
    expect(server.served).toHaveLength(length);
    await expect(until(client.history(conversation))).resolves.toBeLessThan(200);
    expect(server.refused).toEqual([]);
  });

  it('hold back the others as long as the server says of one', async () => {
    const { client, server, pass, until } = await connectTo();
    server.charge(500 + 1_000);
    const first = client.history(conversation);
    await pass(100);
    const others = [sendAll(client, 10), client.history(conversation), client.join('lobby'), client.watch(['bob'])];
    await until(Promise.all([first, ...others]));
    expect(server.refused).toHaveLength(1);
  });

  it('are asked again when they are refused, as long as there is time', async () => {
    const { client, server, pass, until } = await connectTo();
    server.charge(500 + 1_000);
    expect(await until(client.history(conversation))).toBeLessThan(10_500);
    expect(server.refused).toHaveLength(1);
    server.charge(500 + 10_000);
    const late = client.history(conversation);
    const rejected = expect(late).rejects.toMatchObject({ code: 'rate_limited' });
    expect(await until(late.catch(() => {}))).toBeGreaterThan(29_000);
    await rejected;
    await pass(90_000);
    await until(client.history(conversation));
  });

  it('that end a watch end it for the next connection, though nobody knows whether the server has heard', async () => {
    const { client, world, server, pass, until } = await connectTo();
    await until(client.watch(['bob']));
    server.charge(500 + 10_000);
    const ended = client.unwatch(['bob']);
    const rejected = expect(ended).rejects.toMatchObject({ code: 'rate_limited' });
    await until(ended.catch(() => {}));
    await rejected;
    world.socket.end();
    await pass(150_000);
    expect(server.count('register')).toBe(2);
    expect(server.count('presence')).toBe(1);
  });

  it('that show that the connection lives do not wait', async () => {
    const { client, world, server, pass, until } = await connectTo();
    const sent = sendAll(client, 1_000);
    await pass(2_000);
    const before = world.socket.count('ping');
    world.wake();
    expect(world.socket.count('ping')).toBe(before + 1);
    await until(sent);
    expect(server.refused).toEqual([]);
  });
});

describe('a clock', () => {
  it.each([-3_600_000, 300_000])('that is set by %i ms stops nothing', async (ms) => {
    const { client, world, server, pass, until } = await connectTo();
    const sent = sendAll(client, 900);
    await pass(1_000);
    world.jump(ms);
    await until(sent);
    expect(server.taken).toEqual(numbers(900));
  });
});
