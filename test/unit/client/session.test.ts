import { describe, expect, it, vi } from 'vitest';
import { SessionClient } from '../../../client/client.ts';
import { BeckonError } from '../../../client/errors.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import type { ConnectionState } from '../../../client/state.ts';
import { ClientWorld, settle, testOptions, watchedSignal } from '../../support/client-world.ts';

function start(options: Partial<ConnectOptions> = {}) {
  const world = new ClientWorld();
  const client = new SessionClient(world, testOptions(options));
  const states: ConnectionState[] = [];
  client.on('state', (state) => states.push(state));
  return { world, client, states };
}

async function connected(options: Partial<ConnectOptions> = {}) {
  const started = start(options);
  const socket = await started.world.accept();
  return { ...started, socket };
}

/** Lets the wait that the state tells of pass. */
async function nextAttempt(world: ClientWorld, client: { readonly state: ConnectionState }): Promise<number> {
  const { retryAtMs } = client.state as { readonly retryAtMs?: number };
  if (retryAtMs === undefined) throw new Error(`no attempt is due in the state ${client.state.status}`);
  const waitMs = retryAtMs - world.now();
  await world.advance(waitMs);
  return waitMs;
}

/** A token whose only readable claim is when it expires. */
function tokenUntil(expiresAtMs: number): string {
  return `e30.${btoa(JSON.stringify({ exp: expiresAtMs / 1000 })).replaceAll('=', '')}.x`;
}

describe('connecting', () => {
  it('offers the version and the token as subprotocols, registers, and is connected', async () => {
    const { world, client, states } = start();
    expect(client.state).toEqual({ status: 'connecting' });
    const socket = await world.accept();
    expect(socket).toMatchObject({ url: 'ws://test/prod', protocols: ['beckon.v1', 'bearer.token'] });
    expect(socket.sent).toEqual([{ action: 'register', id: '1' }]);
    expect(states).toEqual([{ status: 'connected', userId: 'alice', connectionId: 'connection-of-bearer.token' }]);
  });

  it('asks for a fresh token before each attempt and says how many have failed', async () => {
    const getToken = vi.fn(({ failures }: { failures: number }) => `token-${failures}`);
    const { world } = start({ getToken });
    await settle();
    world.socket.end();
    await world.advance(1_000);
    world.socket.end();
    await world.advance(2_000);
    expect(world.sockets.map(({ protocols }) => protocols[1])).toEqual([
      'bearer.token-0',
      'bearer.token-1',
      'bearer.token-2',
    ]);
  });

  it('tells when the next attempt will be, and then that it is being made', async () => {
    const { world, states } = start();
    await settle();
    world.socket.end();
    const reason = { code: 'connect_failed', message: expect.any(String) };
    expect(states).toEqual([{ status: 'connecting', reason, retryAtMs: world.now() + 500 }]);
    await world.advance(500);
    expect(states.slice(1)).toEqual([{ status: 'connecting', reason }]);
  });

  it('takes an error before the socket is open for the end of the attempt, and one afterwards for none', async () => {
    const { world, client } = start();
    await settle();
    world.socket.fail();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_failed' } });
    await nextAttempt(world, client);
    const socket = await world.accept();
    socket.fail();
    expect(client.state.status).toBe('connected');
    socket.end(1001);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { closeCode: 1001 } });
  });

  it('gives an attempt up that is not ready within connectTimeoutMs', async () => {
    const { world, client } = start({ connectTimeoutMs: 3_000 });
    await settle();
    world.socket.open();
    await world.advance(3_000);
    expect(world.socket.closedWith).toBe('abrupt');
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_timeout' } });
  });

  it('tries again when the server could not register the connection', async () => {
    const { world, client } = start();
    await settle();
    world.socket.open();
    world.socket.receive({ message: 'Internal server error', connectionId: 'x', requestId: 'y' });
    await settle();
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'internal' } });
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('reports what getToken throws, hands over, or does not hand over in time', async () => {
    const answers = [
      () => Promise.reject(new Error('offline')),
      () => Promise.resolve(undefined as unknown as string),
      () => 'two words',
      () => new Promise<string>(() => {}),
      () => 'good',
    ];
    const { world, client } = start({ getToken: () => answers.shift()?.() ?? 'good', tokenTimeoutMs: 2_000 });
    const errors: BeckonError[] = [];
    client.on('error', (error) => errors.push(error));
    await world.advance(2_000 + 500 + 1_000 + 2_000 + 4_000);
    expect(errors.map(({ code, message }) => `${code}: ${message}`)).toEqual([
      'token_failed: getToken failed: offline',
      'token_failed: getToken must give a JWT, got undefined.',
      'token_failed: getToken must give a JWT, got a string with characters that a token cannot have.',
      'token_failed: getToken took longer than 2000 ms.',
    ]);
    expect(errors[0]?.cause).toEqual(new Error('offline'));
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('tells getToken that its answer is not wanted any more', async () => {
    let signal: AbortSignal | undefined;
    const { client } = start({
      getToken: (request) => {
        signal = request.signal;
        return new Promise<string>(() => {});
      },
    });
    await settle();
    client.close();
    expect(signal?.aborted).toBe(true);
  });

  it('lets getToken close the client', async () => {
    const { world, client } = start({
      getToken: () => {
        client.close();
        return 'token';
      },
    });
    await world.advance(60_000);
    expect(client.state.status).toBe('closed');
    expect(world.sockets).toEqual([]);
  });
});

describe('outcomes that end the session', () => {
  it('fails when getToken says that there is no token any more', async () => {
    const { world, client } = start({
      getToken: () => Promise.reject(new BeckonError('unauthorized', 'signed out')),
    });
    await world.advance(600_000);
    expect(client.state).toEqual({ status: 'failed', reason: { code: 'unauthorized', message: 'signed out' } });
    expect(world.timers).toBe(0);
  });

  it.each([
    [400, 'unsupported_version'],
    [403, 'origin_not_allowed'],
  ])('fails when the handshake is refused with %i', async (status, code) => {
    const { world, client } = start();
    await settle();
    world.socket.end(1006, `Unexpected server response: ${status}`);
    expect(client.state).toMatchObject({ status: 'failed', reason: { code } });
    expect(world.timers + world.watchers).toBe(0);
  });

  it('asks for another token once when one is refused, and fails when that is refused, too', async () => {
    const { world, client } = start();
    await settle();
    world.socket.end(1006, 'Unexpected server response: 401');
    expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'unauthorized' } });
    await world.advance(1_000);
    world.socket.end(1006, 'Unexpected server response: 401');
    expect(client.state).toMatchObject({ status: 'failed', reason: { code: 'unauthorized' } });
  });

  it('counts refused tokens anew after one that was accepted', async () => {
    const { world, client } = start();
    for (let round = 1; round <= 3; round += 1) {
      await settle();
      world.socket.end(1006, 'Unexpected server response: 401');
      await nextAttempt(world, client);
      (await world.accept()).end();
      await nextAttempt(world, client);
    }
    expect(client.state.status).toBe('recovering');
  });

  it('goes on trying when the handshake fails for the service', async () => {
    const { world, client } = start();
    await settle();
    for (const status of [429, 500, 502, 504]) {
      world.socket.end(1006, `Unexpected server response: ${status}`);
      expect(client.state).toMatchObject({ status: 'connecting', reason: { code: 'connect_failed' } });
      await nextAttempt(world, client);
    }
    expect(world.sockets).toHaveLength(5);
  });

  it('fails when the server refuses the registration for good', async () => {
    const { world, client } = start();
    await settle();
    world.socket.open();
    world.socket.receive({ type: 'error', id: '1', code: 'unknown_action', message: 'no', retryable: false });
    await settle();
    expect(client.state).toMatchObject({ status: 'failed', reason: { code: 'unknown_action', message: 'no' } });
    expect(world.socket.closedWith).toBe('abrupt');
  });
});

it('fails when the registration is refused for the token twice', async () => {
  const { world, client } = start();
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await settle();
    world.socket.open();
    world.socket.receive({ type: 'error', id: '1', code: 'token_expired', message: '', retryable: false });
    if (attempt === 1) await nextAttempt(world, client);
  }
  expect(client.state).toMatchObject({ status: 'failed', reason: { code: 'token_expired' } });
});

describe('coming back', () => {
  it.each([
    [1001, 'connection_closed'],
    [1000, 'connection_closed'],
    [1006, 'connection_lost'],
    [1009, 'frame_too_large'],
  ])('recovers from close code %i', async (closeCode, code) => {
    const { world, client, states, socket } = await connected();
    socket.end(closeCode);
    expect(client.state).toMatchObject({
      status: 'recovering',
      reason: { code, closeCode },
      retryAtMs: world.now() + 500,
    });
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
    expect(states.map(({ status }) => status)).toEqual(['connected', 'recovering', 'recovering', 'connected']);
  });

  it('waits longer with each failure, and from the start again after a connection that lasted', async () => {
    const { world, client, socket } = await connected({ minUptimeMs: 5_000 });
    const waits: number[] = [];
    socket.end();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      waits.push(await nextAttempt(world, client));
      world.socket.end();
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);

    await nextAttempt(world, client);
    const short = await world.accept();
    await world.advance(4_999);
    short.end();
    expect(await nextAttempt(world, client)).toBe(15_000);
    const long = await world.accept();
    await world.advance(5_000);
    long.end();
    expect(await nextAttempt(world, client)).toBe(500);
  });

  it('is suspended when it has been away for suspendAfterMs, and still tries', async () => {
    const { world, client, socket } = await connected({ suspendAfterMs: 60_000, connectTimeoutMs: 1_000 });
    socket.end();
    await world.advance(59_999);
    expect(client.state.status).toBe('recovering');
    await world.advance(1);
    expect(client.state.status).toBe('suspended');
    const attempts = world.sockets.length;
    await world.advance(60_000);
    expect(world.sockets.length).toBeGreaterThan(attempts);
    expect(client.state).toMatchObject({ status: 'suspended', reason: { code: 'connect_timeout' } });
    await nextAttempt(world, client);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('tries at once when the world wakes up, and only once', async () => {
    const { world, socket } = await connected();
    socket.end();
    world.wake();
    world.wake();
    await settle();
    expect(world.sockets).toHaveLength(2);
    await world.accept();
    await world.advance(60_000);
    expect(world.sockets).toHaveLength(2);
  });
});

describe('signs of life', () => {
  it('pings each heartbeatSeconds in which nothing else was sent', async () => {
    const { world, socket } = await connected();
    await world.advance(239_999);
    expect(socket.count('ping')).toBe(0);
    await world.advance(1);
    expect(socket.count('ping')).toBe(1);
    socket.receive({ type: 'pong', id: socket.last('ping').id, serverTime: 0 });
    await world.advance(240_000);
    expect(socket.count('ping')).toBe(2);
  });

  it('gives up a connection on which nothing answers a heartbeat', async () => {
    const { world, client, socket } = await connected({ livenessTimeoutMs: 5_000 });
    await world.advance(240_000);
    await world.advance(4_999);
    expect(client.state.status).toBe('connected');
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
    expect(socket.closedWith).toBe('abrupt');
  });

  it('takes any frame for a sign of life', async () => {
    const { world, client, socket } = await connected({ livenessTimeoutMs: 5_000 });
    await world.advance(240_000);
    socket.receive({ type: 'messages', messages: [] });
    await world.advance(9_999);
    expect(client.state.status).toBe('connected');
  });

  it('checks the connection when the world wakes up', async () => {
    const { world, client, socket } = await connected();
    world.wake();
    expect(socket.count('ping')).toBe(1);
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('gives it the same time however often it is asked', async () => {
    const { world, client } = await connected();
    world.wake();
    await world.advance(4_000);
    world.wake();
    await world.advance(1_000);
    expect(client.state.status).toBe('recovering');
  });

  it('registers once when several frames find the registration expired', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    world.wake();
    for (const action of ['ping', 'sendMessage']) {
      socket.receive({
        type: 'error',
        id: socket.last(action).id,
        code: 'not_registered',
        message: '',
        retryable: true,
      });
    }
    await settle();
    expect(socket.count('register')).toBe(2);
    socket.register();
    await world.advance(500);
    socket.acknowledge();
    await sent;
  });

  it('registers again on the same connection when a ping finds the registration expired', async () => {
    const { world, client, socket } = await connected();
    await world.advance(240_000);
    socket.receive({ type: 'error', id: socket.last('ping').id, code: 'not_registered', message: '', retryable: true });
    await settle();
    expect(socket.count('register')).toBe(2);
    socket.register();
    await world.advance(100_000);
    expect(client.state.status).toBe('connected');
    expect(world.sockets).toHaveLength(1);
  });

  it('reconnects with a fresh token when a ping finds the token expired', async () => {
    const { world, client, socket } = await connected();
    await world.advance(240_000);
    const { id } = socket.last('ping');
    socket.receive({ type: 'error', id, code: 'token_expired', message: 'The token has expired.', retryable: false });
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });
});

describe('replacing a connection', () => {
  const age = 110 * 60_000 * 0.95;

  /** Lets the heartbeats of the newest socket be answered until it is `ms` old. */
  async function live(world: ClientWorld, ms: number): Promise<void> {
    const { socket } = world;
    for (let passed = 0; passed < ms; passed += 60_000) {
      await world.advance(Math.min(60_000, ms - passed));
      if (socket.count('ping') > 0) socket.receive({ type: 'pong', id: socket.last('ping').id, serverTime: 0 });
    }
  }

  it('opens the next one before it leaves the old one', async () => {
    const { world, client, states, socket } = await connected();
    await live(world, age);
    expect(world.sockets).toHaveLength(2);
    expect(client.state.status).toBe('connected');
    expect(socket.closedWith).toBeUndefined();
    await world.accept();
    expect(socket.closedWith).toBe(1000);
    expect(states.every(({ status }) => status === 'connected')).toBe(true);
  });

  it('leaves the old one only when nothing is under way on it any more', async () => {
    const { world, client, socket } = await connected();
    await live(world, age - 1);
    const sent = client.sendToUser('bob', 1);
    await world.advance(1);
    const next = await world.accept();
    expect(socket.closedWith).toBeUndefined();
    const late = client.sendToUser('bob', 2);
    await settle();
    expect(next.count('sendMessage')).toBe(0);
    socket.acknowledge();
    await sent;
    expect(socket.closedWith).toBe(1000);
    await settle();
    next.acknowledge();
    await expect(late).resolves.toMatchObject({ status: 'delivered' });
  });

  it('leaves nothing of the old one behind when the client is closed before that', async () => {
    const { world, client, socket } = await connected();
    await live(world, age - 1);
    const sent = expect(client.sendToUser('bob', 1)).rejects.toMatchObject({ code: 'closed', maybeDelivered: true });
    await world.advance(1);
    const next = await world.accept();
    client.close();
    await sent;
    expect([socket.closedWith, next.closedWith]).toEqual([1000, 1000]);
    expect(world.timers).toBe(0);
  });

  it('stays connected, and tries again, when the next one cannot be had', async () => {
    const { world, client } = await connected();
    await live(world, age);
    world.socket.end();
    expect(client.state.status).toBe('connected');
    await world.advance(500);
    await world.accept();
    expect(world.sockets).toHaveLength(3);
    expect(world.sockets[0]?.closedWith).toBe(1000);
  });

  it('waits for the one that is being opened when the old one ends', async () => {
    const { world, client, socket } = await connected();
    await live(world, age);
    socket.end(1001);
    expect(client.state).toEqual({ status: 'recovering', reason: expect.objectContaining({ closeCode: 1001 }) });
    await world.accept();
    expect(client.state.status).toBe('connected');
    expect(world.sockets).toHaveLength(2);
  });

  it('has another token a minute before the token expires, by the clock of the server', async () => {
    const tokens = [tokenUntil(400_000), tokenUntil(8_000_000)];
    const { world } = start({ getToken: () => tokens.shift() ?? '' });
    await settle();
    world.socket.open();
    // Its clock says 100 s, so the token is good for 300 s more.
    world.socket.register({}, 100_000);
    await live(world, 239_999);
    expect(world.sockets).toHaveLength(1);
    await world.advance(1);
    expect(world.sockets).toHaveLength(2);
  });

  it('does not replace it over and over when the token stays the same', async () => {
    const { world } = start({ getToken: () => tokenUntil(20_000) });
    for (let index = 0; index < 4; index += 1) {
      await world.accept();
      await world.advance(30_000);
    }
    expect(world.sockets).toHaveLength(5);
  });
});

describe('closing', () => {
  it('closes the connection, leaves no timer behind, and stays closed', async () => {
    const { world, client, states, socket } = await connected();
    client.close();
    client.close();
    expect(socket.closedWith).toBe(1000);
    expect(world.timers + world.watchers).toBe(0);
    world.wake();
    await world.advance(600_000);
    expect(states.map(({ status }) => status)).toEqual(['connected', 'closed']);
    expect(world.sockets).toHaveLength(1);
  });

  it('closes when the signal aborts, also before anything was begun', async () => {
    const controller = new AbortController();
    const { client, socket } = await connected({ signal: controller.signal });
    controller.abort();
    expect(client.state).toEqual({ status: 'closed', reason: { code: 'closed', message: 'The client was closed.' } });
    expect(socket.closedWith).toBe(1000);

    const late = start({ signal: controller.signal });
    await settle();
    expect(late.client.state.status).toBe('closed');
    expect(late.world.sockets).toEqual([]);
  });

  it.each(['while an attempt is made', 'between attempts'])('closes %s', async (when) => {
    const { world, client } = start();
    await settle();
    if (when === 'between attempts') world.socket.end();
    client.close();
    expect(world.timers + world.watchers).toBe(0);
    expect(client.state.status).toBe('closed');
  });

  it('leaves no listener behind on any signal', async () => {
    const life = watchedSignal();
    const call = watchedSignal();
    const { client, socket } = await connected({ signal: life.signal });
    client.on('message', () => {}, { signal: call.signal })();
    await client.messages({ signal: call.signal }).return?.();
    const sent = client.sendToUser('bob', 1, { signal: call.signal });
    await settle();
    expect([life.listeners(), call.listeners()]).toEqual([1, 1]);
    socket.acknowledge();
    await sent;
    client.close();
    expect([life.listeners(), call.listeners()]).toEqual([0, 0]);
  });

  it('may be closed by a listener that is told of a failure', async () => {
    const { world, client } = start({ getToken: () => Promise.reject(new Error('no')) });
    client.on('error', () => client.close());
    await world.advance(60_000);
    expect(client.state.status).toBe('closed');
    expect(world.timers).toBe(0);
  });
});
