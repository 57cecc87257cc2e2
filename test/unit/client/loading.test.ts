import { gzipSync } from 'node:zlib';
import { describe, expect, it, vi } from 'vitest';
import { SessionClient } from '../../../client/client.ts';
import type { BeckonError, ConnectOptions } from '../../../client/index.ts';
import type { Message } from '../../../protocol/index.ts';
import { dataOf, openNext, startListening } from '../../support/client-session.ts';
import { ClientWorld, messageAt, roomMessageAt, settle, testOptions } from '../../support/client-world.ts';
import { deferred } from '../../support/deferred.ts';
import { tokenOf } from '../../support/pages.ts';

const LARGE = 'x'.repeat(2_000);
const OFFLINE = new TypeError('Failed to fetch dynamically imported module');

/** A message from bob whose data is compressed. */
function compressed(data: string, sentAt: number): Message {
  const packed = gzipSync(JSON.stringify(data)).toString('base64');
  return { ...messageAt(sentAt), data: packed, encoding: 'json/gzip/base64' };
}

/** A connected client, parts of which do not load as often as is said. */
async function connectWithout(parts: Partial<Record<keyof ClientWorld['loaders'], number>>) {
  const started = startListening();
  const { loaders } = started.world;
  const errors: BeckonError[] = [];
  started.client.on('error', (error) => errors.push(error));
  const asked = Object.entries(parts).map(([name, failures]) => {
    const load = loaders[name as keyof typeof loaders];
    const spy = vi.fn(load as () => Promise<never>);
    for (let count = 0; count < failures; count += 1) spy.mockRejectedValueOnce(OFFLINE);
    Object.assign(loaders, { [name]: spy });
    return spy;
  });
  const socket = await openNext(started.world);
  socket.page([]);
  await settle();
  return { ...started, errors, socket, asked };
}

describe('the encoding part', () => {
  it('is not loaded for short JSON, either way', async () => {
    const { client, socket, ids, asked } = await connectWithout({ encoding: 0 });
    void client.sendToUser('bob', 'hi');
    socket.push(messageAt(1_000));
    await settle();
    expect([ids, dataOf(socket), asked[0]?.mock.calls.length]).toEqual([['1000'], ['hi'], 0]);
  });

  it('is not needed for JSON: when it does not load, JSON goes uncompressed', async () => {
    const { client, socket } = await connectWithout({ encoding: 1 });
    void client.sendToUser('bob', LARGE);
    await settle();
    expect(dataOf(socket)).toEqual([LARGE]);
  });

  it('rejects bytes when it does not load, and is loaded again for the next message', async () => {
    const { client, socket } = await connectWithout({ encoding: 1 });
    await expect(client.sendToUser('bob', Uint8Array.of(1))).rejects.toMatchObject({
      code: 'load_failed',
      retryable: true,
      cause: OFFLINE,
    });
    const sent = client.sendToUser('bob', Uint8Array.of(1));
    await settle();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('holds up nothing but what comes behind the message that needs it', async () => {
    const { world, client, socket, ids } = await connectWithout({});
    const { promise, resolve } = deferred();
    const load = world.loaders.encoding;
    world.loaders.encoding = async () => {
      await promise;
      return load();
    };
    socket.push(messageAt(1_000), compressed('two', 2_000));
    socket.push(messageAt(3_000));
    void client.sendToUser('bob', 'one');
    await settle();
    expect([ids, dataOf(socket)]).toEqual([[], ['one']]);
    resolve();
    await vi.waitFor(() => expect(ids).toEqual(['1000', '2000', '3000']));
  });

  it('loses no message when it does not load: the next connection brings the message again', async () => {
    const { world, client, socket, ids, errors } = await connectWithout({ encoding: 1 });
    const told: unknown[] = [];
    client.on('message', ({ data }) => told.push(data));
    socket.push(messageAt(1_000));
    socket.push(compressed('two', 2_000), messageAt(3_000));
    await settle();
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'load_failed' } });
    expect([ids, errors.map(({ code }) => code)]).toEqual([['1000'], ['load_failed']]);
    await world.advance(5_000);
    const next = await openNext(world);
    expect(next.last('register')['cursor']).toBe(messageAt(1_000).serial);
    next.page([messageAt(1_000), compressed('two', 2_000), messageAt(3_000)]);
    await vi.waitFor(() => expect(told).toEqual(['1000', 'two', '3000']));
  });
});

describe('the sending part', () => {
  /** A client that is not connected yet, and whose sending part does not load as often as is said. */
  function startWithout(failures: number, options: Partial<ConnectOptions> = {}) {
    const started = startListening(options);
    const errors: BeckonError[] = [];
    started.client.on('error', (error) => errors.push(error));
    const load = vi.fn(started.world.loaders.sending);
    for (let count = 0; count < failures; count += 1) load.mockRejectedValueOnce(OFFLINE);
    started.world.loaders.sending = load;
    return { ...started, errors, load };
  }

  it('is loaded once the client is connected, and not before: a browser may remember that it did not load', async () => {
    const { world, client, load } = startWithout(0);
    const sent = client.sendToUser('bob', 'hi');
    const socket = await openNext(world);
    expect(load).not.toHaveBeenCalled();
    socket.page([]);
    await settle();
    expect(load).toHaveBeenCalledTimes(1);
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('sends what was sent before in the order of the calls, each as it was at its call', async () => {
    const { world, client } = startWithout(0);
    const data = { text: 'one' };
    void client.sendToUser('bob', data);
    data.text = 'changed';
    void client.sendToUser('bob', LARGE);
    void client.sendToUser('bob', 'three');
    client.on('state', ({ status }) => {
      if (status === 'connected') void client.sendToUser('bob', 'four');
    });
    const socket = await world.accept();
    const sentMessages = () =>
      socket.sent.flatMap((frame) => (frame['messages'] as { data: unknown; encoding?: string }[]) ?? []);
    await vi.waitFor(() => {
      socket.acknowledge();
      expect(sentMessages()).toHaveLength(4);
    });
    expect(sentMessages().map(({ data: each, encoding }) => encoding ?? each)).toEqual([
      { text: 'one' },
      'json/gzip/base64',
      'three',
      'four',
    ]);
  });

  it('is tried again while the client is connected: the messages wait, and one error tells why', async () => {
    const { world, client, errors, load } = startWithout(3);
    const sent = client.sendToUser('bob', 'hi');
    const socket = await world.accept();
    await world.advance(10_000);
    expect(load).toHaveBeenCalledTimes(4);
    expect(errors).toMatchObject([{ code: 'load_failed', cause: OFFLINE }]);
    expect(client.state.status).toBe('connected');
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('is not needed to come back: a client that loses its connection before it is there reconnects, and sends', async () => {
    const { world, client, ids } = startWithout(1);
    const first = await world.accept();
    first.push(messageAt(1_000_500));
    const sent = client.sendToUser('bob', 'hi');
    first.end();
    await world.advance(1_000);
    const second = await openNext(world);
    expect(second.last('register')['cursor']).toBe(messageAt(1_000_500).serial);
    second.page([messageAt(1_000_500), messageAt(1_000_700)]);
    await world.advance(2_000);
    second.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    expect([ids, dataOf(second)]).toEqual([['1000500', '1000700'], ['hi']]);
  });

  it('does not make a message wait for longer than it may', async () => {
    const { world, client } = startWithout(100, { messageExpiryMs: 5_000 });
    const expired = expect(client.sendToUser('bob', 1)).rejects.toMatchObject({
      code: 'expired',
      maybeDelivered: false,
    });
    await world.accept();
    await world.advance(5_000);
    await expired;
  });

  it('counts the time before it is loaded', async () => {
    const { world, client } = startWithout(0, { messageExpiryMs: 5_000 });
    const expired = expect(client.sendToUser('bob', 1)).rejects.toMatchObject({ code: 'expired' });
    await world.advance(4_000);
    await world.accept();
    world.socket.end();
    await world.advance(1_000);
    await expired;
  });

  it('never gets a message that was taken back', async () => {
    const { world, client } = startWithout(0);
    const leaving = new AbortController();
    const taken = client.sendToUser('bob', 1, { signal: leaving.signal });
    void client.sendToUser('bob', 2);
    leaving.abort(OFFLINE);
    await expect(taken).rejects.toBe(OFFLINE);
    expect(dataOf(await world.accept())).toEqual([2]);
  });

  it('leaves nothing behind when the client is closed before it is there', async () => {
    const { world, client } = startWithout(100);
    await world.accept();
    const closed = expect(client.sendToUser('bob', 1)).rejects.toMatchObject({ code: 'closed', maybeDelivered: false });
    client.close();
    await closed;
    expect(world.timers).toBe(0);
  });

  it('lets no more messages wait than the client may queue', async () => {
    const { world, client } = startWithout(0, { maxQueuedMessages: 2 });
    void client.sendToUser('bob', 1);
    void client.sendToUser('bob', 2);
    await expect(client.sendToUser('bob', 3)).rejects.toMatchObject({ code: 'outbox_full' });
    expect(dataOf(await world.accept())).toEqual([1, 2]);
  });
});

describe('upkeep', () => {
  it('asks nothing of a connection that is new', async () => {
    const { world, socket } = await connectWithout({ upkeep: 1 });
    await world.advance(2_000);
    expect(socket.count('ping')).toBe(0);
  });

  it('looks at once at a connection that may have died while it did not load', async () => {
    const { world, client, socket } = await connectWithout({ upkeep: 5 });
    for (let seconds = 0; seconds < 60 && socket.count('ping') === 0; seconds += 1) await world.advance(1_000);
    expect(socket.count('ping')).toBe(1);
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('is not needed to notice that the network is gone', async () => {
    const { world, client, socket } = await connectWithout({ upkeep: 100 });
    world.wake();
    expect(socket.count('ping')).toBe(1);
    await world.advance(10_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
    client.close();
  });

  it('tells the server what was shown before', async () => {
    const { world, socket } = await connectWithout({ upkeep: 1 });
    socket.push(messageAt(1_000));
    world.hide();
    await world.advance(2_000);
    expect(socket.last('ping')).toMatchObject({ shown: [{ from: { user: 'bob' }, ids: ['1000'] }] });
  });

  it('is not needed to close', async () => {
    const { client, socket, world } = await connectWithout({ upkeep: 100 });
    socket.push(messageAt(1_000));
    client.close();
    await settle();
    expect([socket.count('ping'), world.timers]).toEqual([0, 0]);
  });
});

describe('rooms, presence and history', () => {
  it('reject a call when they do not load, and are loaded again for the next one', async () => {
    const { client, socket } = await connectWithout({ calls: 1 });
    const refusal = { code: 'load_failed', retryable: true, cause: OFFLINE };
    await expect(client.join('lobby')).rejects.toMatchObject(refusal);
    const joined = client.join('lobby');
    await settle();
    socket.joined();
    await joined;
  });

  it('are loaded once for calls that are made at the same time', async () => {
    const { client, asked } = await connectWithout({ calls: 0 });
    const calls = Promise.allSettled([client.join('lobby'), client.presence(['bob']), client.blocked()]);
    await settle();
    client.close();
    await calls;
    expect(asked[0]).toHaveBeenCalledTimes(1);
  });

  it('are loaded for a message of a room that the client is not in, to leave the room', async () => {
    const { socket, ids } = await connectWithout({ calls: 1 });
    socket.push(roomMessageAt(1_000));
    await settle();
    expect(socket.count('leave')).toBe(0);
    socket.push(roomMessageAt(2_000));
    await settle();
    expect([ids, socket.last('leave')['room']]).toEqual([[], 'lobby']);
  });
});

describe('storage and tabs', () => {
  it('do without the sending part for as long as it does not load', async () => {
    const world = new ClientWorld();
    const load = world.loaders.sending;
    world.loaders.sending = vi.fn(load).mockRejectedValueOnce(OFFLINE);
    const given = { storage: new Map(), getToken: () => tokenOf('alice') };
    const client = new SessionClient<string, string>(testOptions(given), world.loaders, world);
    const socket = await world.accept();
    const sent = client.sendToUser('bob', 'hi');
    await settle();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    client.close();
  });

  it.each([
    ['the storage', { storage: new Map() }, 'storage'],
    ['the sharing of tabs', { shareAcrossTabs: true }, 'tabs'],
    ['what both need', { storage: new Map(), shareAcrossTabs: true }, 'calls'],
  ] as const)('do without a part that does not load: %s', async (_, options, part) => {
    const world = new ClientWorld();
    Object.assign(world.loaders, { [part]: () => Promise.reject(OFFLINE) });
    const given: Partial<ConnectOptions> = { ...options, getToken: () => tokenOf('alice') };
    const client = new SessionClient<string, string>(testOptions(given), world.loaders, world);
    const errors: BeckonError[] = [];
    client.on('error', (error) => errors.push(error));
    const socket = await world.accept();
    const sent = client.sendToUser('bob', 'hi');
    await settle();
    socket.acknowledge();
    await sent;
    expect([client.state.status, dataOf(socket)]).toEqual(['connected', ['hi']]);
    expect(errors).toMatchObject([{ code: 'storage_failed' }]);
    client.close();
  });
});
