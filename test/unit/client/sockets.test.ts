import { afterEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { SessionClient } from '../../../client/client.ts';
import { createEnvironment, type Environment } from '../../../client/environment.ts';
import {
  type Client,
  type ConnectionState,
  type ConnectOptions,
  connect,
  type WebSocketConstructor,
} from '../../../client/index.ts';
import { LOADERS } from '../../../client/loaders.ts';
import { resolveOptions } from '../../../client/options.ts';
import { deferred } from '../../support/deferred.ts';
import { type FakeServer, type FakeServerOptions, startFakeServer } from '../../support/fake-server.ts';
import { startProxy } from '../../support/proxy.ts';

// The client over real sockets: with the WebSocket of the package `ws`, and with Node's own where it has one.

const { WebSocket: own } = globalThis as { readonly WebSocket?: WebSocketConstructor };
const implementations: [string, WebSocketConstructor][] = [['ws', WebSocket]];
if (own) implementations.push(['Node', own]);

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startServer(options?: FakeServerOptions): Promise<FakeServer> {
  const server = await startFakeServer(options);
  cleanUps.push(server.stop);
  return server;
}

type ConnectAs = (user: string, server: Pick<FakeServer, 'url'>, options?: Partial<ConnectOptions>) => Client<string>;

function connectWith(webSocket: WebSocketConstructor): ConnectAs {
  return (user, { url }, options = {}) => {
    const client = connect<string>({ url, getToken: () => user, webSocket, minBackoffMs: 20, ...options });
    cleanUps.push(() => client.close());
    return client;
  };
}

function reaches(client: Client<string>, status: ConnectionState['status']): Promise<ConnectionState> {
  if (client.state.status === status) return Promise.resolve(client.state);
  return new Promise((resolve) => {
    const off = client.on('state', (state) => {
      if (state.status !== status) return;
      off();
      resolve(state);
    });
  });
}

async function take(client: AsyncIterableIterator<{ data: string }>, count: number): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) taken.push((await client.next()).value.data);
  return taken;
}

describe.each(implementations)('with the WebSocket of %s, the client', (_, webSocket) => {
  const connectAs = connectWith(webSocket);

  it('sends from user to user, to every device', async () => {
    const server = await startServer();
    const alice = connectAs('alice', server);
    const devices = ['phone', 'laptop', 'watch'].map(() => connectAs('bob', server));
    const inboxes = devices.map((device) => device.messages());
    await Promise.all(devices.map((device) => reaches(device, 'connected')));
    const result = await alice.sendToUser('bob', 'Grüße 👋');
    expect(result).toMatchObject({ status: 'sent', connections: { sent: 3 } });
    for (const inbox of inboxes) expect(await take(inbox, 1)).toEqual(['Grüße 👋']);
    expect(alice.state).toMatchObject({ status: 'connected', userId: 'alice' });
    expect(await alice.sendToUsers(['bob', 'nobody'], 'x')).toMatchObject({
      status: 'stored',
      users: [
        { user: 'bob', status: 'sent' },
        { user: 'nobody', status: 'stored' },
      ],
    });
    expect(await alice.sendToUser('nobody', 'x', { ephemeral: true })).toMatchObject({ status: 'dropped' });
  });

  it('gets every message through while connections break, once and in order', async () => {
    let frames = 0;
    const server = await startServer({
      treat: (frame, socket) => {
        if (frame.action !== 'sendMessage') return 'answer';
        frames += 1;
        if (frames % 3 === 0) setImmediate(() => socket.terminate());
        return frames % 3 === 0 ? 'work silently' : 'answer';
      },
    });
    const alice = connectAs('alice', server);
    const bob = connectAs('bob', server);
    const inbox = bob.messages();
    await Promise.all([reaches(alice, 'connected'), reaches(bob, 'connected')]);
    const texts = Array.from({ length: 30 }, (_, index) => `message ${index}`);
    const sent: Promise<unknown>[] = [];
    for (const text of texts) {
      sent.push(alice.sendToUser('bob', text));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(sent);
    expect(await take(inbox, 30)).toEqual(texts);
    expect(alice.counters.connections).toBeGreaterThan(1);
    expect(bob.counters.duplicates).toBeGreaterThan(0);
  });

  it('gets what was sent while it was away, page by page, before what is sent then', async () => {
    const server = await startServer({ pageMessages: 7 });
    const posted = deferred();
    let isAway = false;
    // Bob comes back after the first messages are sent.
    const getToken = () => (isAway ? posted.promise.then(() => 'bob') : 'bob');
    const [alice, bob] = [connectAs('alice', server), connectAs('bob', server, { getToken })];
    const inbox = bob.messages();
    await Promise.all([reaches(alice, 'connected'), reaches(bob, 'connected')]);
    await alice.sendToUser('bob', 'before');
    expect(await take(inbox, 1)).toEqual(['before']);
    isAway = true;
    for (const device of server.users.get('bob') ?? []) device.terminate();
    await reaches(bob, 'recovering');
    const texts = Array.from({ length: 100 }, (_, index) => `message ${index}`);
    await Promise.all(texts.slice(0, 50).map((text) => alice.sendToUser('bob', text)));
    posted.resolve();
    await reaches(bob, 'connected');
    for (const text of texts.slice(50)) await alice.sendToUser('bob', text);
    expect(await take(inbox, 100)).toEqual(texts);
    const [first, second] = server.frames.filter((frame) => frame.action === 'register' && 'cursor' in frame);
    expect(first).toMatchObject({ attempt: 0 });
    expect(second).toMatchObject({ cursor: (first as { cursor: string }).cursor, after: expect.any(String) });
  });

  it('comes back when the server does, and sends what has waited', async () => {
    const server = await startServer();
    const alice = connectAs('alice', server, { maxBackoffMs: 50 });
    await reaches(alice, 'connected');
    await server.stop();
    expect(await reaches(alice, 'recovering')).toMatchObject({ reason: { code: 'connection_lost', closeCode: 1006 } });
    const sent = alice.sendToUser('bob', 'still there?');
    const next = await startServer({ port: server.port });
    const inbox = connectAs('bob', next).messages();
    await sent;
    expect(await take(inbox, 1)).toEqual(['still there?']);
  });

  it('leaves a server alone that accepts connections and says nothing', async () => {
    const server = await startServer({ treat: () => 'ignore' });
    const client = connectAs('bob', server, { connectTimeoutMs: 50, maxBackoffMs: 20 });
    const reasons = new Set<unknown>();
    client.on('state', (state) => reasons.add('reason' in state && state.reason?.code));
    await vi.waitUntil(() => server.frames.length >= 3);
    expect([...reasons]).toEqual(['connect_timeout']);
    await vi.waitUntil(() => (server.users.get('bob')?.size ?? 0) <= 1);
  });

  it('can be closed in the middle of a handshake', async () => {
    const server = await startServer();
    const client = connectAs('bob', server);
    await vi.waitUntil(() => server.users.has('bob'));
    client.close();
    await vi.waitUntil(() => server.users.get('bob')?.size === 0);
    const other = connectAs('carol', server, {
      getToken: () => {
        setImmediate(() => other.close());
        return 'carol';
      },
    });
    await reaches(other, 'closed');
    await vi.waitUntil(() => (server.users.get('carol')?.size ?? 0) === 0);
  });
});

it.each([400, 401, 403, 407])(
  'the client comes back through a proxy that has answered once with %i',
  async (status) => {
    const server = await startServer();
    const proxy = await startProxy(server.port, { refuse: [status, undefined] });
    cleanUps.push(proxy.stop);
    const client = connectWith(WebSocket)('bob', proxy);
    const errors: unknown[] = [];
    client.on('error', ({ code, httpStatus }) => errors.push({ code, httpStatus }));
    await reaches(client, 'connected');
    expect(errors).toEqual([{ code: 'connect_failed', httpStatus: status }]);
    expect(await client.sendToUser('bob', 'to myself')).toMatchObject({ status: 'stored' });
  },
);

it('a message over a connection that has been swallowed arrives over another one', async () => {
  const server = await startServer();
  const proxy = await startProxy(server.port);
  cleanUps.push(proxy.stop);
  // The proxy and the sockets are real; timers run five times as fast, and a minute passes when the test says so.
  let passed = 0;
  const started = Date.now();
  const { setTimer, ...environment } = createEnvironment(WebSocket);
  const fast: Environment = {
    ...environment,
    now: () => started + passed + 5 * (Date.now() - started),
    setTimer: (delayMs, callback) => setTimer(delayMs / 5, callback),
  };
  const client = new SessionClient<string, string>(
    resolveOptions({ url: proxy.url, getToken: () => 'bob' }),
    LOADERS,
    fast,
  );
  cleanUps.push(() => client.close());
  await reaches(client, 'connected');
  const other = connectWith(WebSocket)('carol', server);
  await reaches(other, 'connected');
  const inbox = other.messages();
  passed = 60_000;
  proxy.swallow();
  const sentAt = fast.now();
  expect(await client.sendToUser('carol', 'to you')).toMatchObject({ status: 'sent' });
  expect(await take(inbox, 1)).toEqual(['to you']);
  // 3 s of doubt, 5 s for the ping, at most 1 s until the next attempt; the acknowledgement alone is late after 10 s.
  expect(fast.now() - sentAt).toBeGreaterThanOrEqual(7_900);
  expect(fast.now() - sentAt).toBeLessThan(15_000);
  expect(client.counters).toMatchObject({ connections: 2, duplicates: 0 });
});
