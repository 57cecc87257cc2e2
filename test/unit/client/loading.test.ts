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
    expect(next.last('register')['since']).toBe(messageAt(1_000).serial);
    next.page([messageAt(1_000), compressed('two', 2_000), messageAt(3_000)]);
    await vi.waitFor(() => expect(told).toEqual(['1000', 'two', '3000']));
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
