import { describe, expect, it, vi } from 'vitest';
import { BeckonError } from '../../../client/errors.ts';
import type { ConnectOptions, TokenRequest } from '../../../client/options.ts';
import { serialFloor } from '../../../server/serial.ts';
import { connectClient, nextAttempt, openNext, startListening, tokenUntil } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

const FIRST = tokenUntil(400_000);
const SECOND = tokenUntil(8_000_000);

/** A client whose first token is good for 300 s more, as the clock of the server says 100 s. */
async function connected(tokens: readonly (string | Error)[] = [FIRST, SECOND], options: Partial<ConnectOptions> = {}) {
  const left = [...tokens];
  const getToken = vi.fn(async (_: TokenRequest) => {
    const token = left.length > 1 ? left.shift() : left[0];
    if (token instanceof Error) throw token;
    return token ?? '';
  });
  const started = startListening({ getToken, ...options });
  const socket = await openNext(started.world);
  socket.register({ heartbeatSeconds: 10_000 }, 100_000);
  await settle();
  return { ...started, socket, getToken };
}

describe('a token that is about to expire', () => {
  it('is followed by another one on the same connection, by the clock of the server', async () => {
    const { world, socket, getToken } = await connected();
    await world.advance(209_999);
    expect(getToken).toHaveBeenCalledTimes(1);
    await world.advance(1);
    const cursor = serialFloor(100_000);
    expect(socket.last('register')).toEqual({ action: 'register', id: '2', attempt: 1, cursor, token: SECOND });
    socket.register({}, 310_000);
    await world.advance(100_000);
    expect(world.sockets).toHaveLength(1);
    expect(getToken).toHaveBeenCalledTimes(2);
  });

  it.each([
    [0, 240_000],
    [0.999, 180_060],
  ])('is so a minute before, or up to two, at random: %d', async (random, afterMs) => {
    const { world, socket } = await connected();
    world.nextRandom = () => random;
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    socket.register({ heartbeatSeconds: 10_000 }, 100_000);
    await world.advance(afterMs - 1);
    expect(socket.count('register')).toBe(2);
    await world.advance(1);
    expect(socket.count('register')).toBe(3);
  });

  it('costs no message and no order', async () => {
    const { world, client, socket, ids } = await connected();
    await world.advance(210_000);
    socket.push(messageAt(310_100));
    socket.register({}, 310_000, { messages: [messageAt(310_050)] });
    await settle();
    socket.push(messageAt(310_200));
    expect(ids).toEqual(['310050', '310100', '310200']);
    expect(client.counters.connections).toBe(1);
  });

  it('is not mentioned again: later registrations on the connection say the newest', async () => {
    const { world, socket } = await connected();
    await world.advance(210_000);
    socket.register({}, 310_000);
    await settle();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 2, token: SECOND });
  });

  it('is followed by another one also when a registration is on its way, which does not have it', async () => {
    const { world, socket } = await connected();
    await world.advance(209_000);
    world.wake();
    socket.refuse('ping', 'not_registered');
    await world.advance(1_000);
    expect(socket.count('register')).toBe(2);
    expect(socket.last('register')).not.toHaveProperty('token');
    socket.register({}, 310_000);
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 2, token: SECOND });
  });

  it('takes a room away that the next one does not allow, and leaves the others as they are', async () => {
    const { world, client, socket } = await connected();
    const left: string[] = [];
    client.on('left', ({ room }) => left.push(room));
    for (const room of ['lobby', 'attic']) {
      void client.join(room);
      await settle();
      socket.joined();
    }
    await world.advance(210_000);
    socket.register({}, 310_000, { rooms: ['lobby', 'elsewhere'] });
    await settle();
    expect(socket.count('join')).toBe(3);
    expect(socket.last('join')).toMatchObject({ room: 'attic' });
    socket.refuse('join', 'forbidden');
    await settle();
    expect(left).toEqual(['attic']);
  });

  it('is offered again, with the next one, when the server failed', async () => {
    const { world, client, socket } = await connected();
    await world.advance(210_000);
    socket.refuse('register', 'internal');
    await world.advance(499);
    expect(socket.count('register')).toBe(2);
    await world.advance(1);
    expect(socket.last('register')).toMatchObject({ attempt: 2, token: SECOND });
    socket.register({}, 310_000);
    await settle();
    expect([client.state.status, client.counters.connections]).toEqual(['connected', 1]);
  });

  it('ends its connection when the server goes on failing', async () => {
    const { world, client, socket } = await connected();
    await world.advance(210_000);
    for (let passed = 0; passed < 20_000; passed += 500) {
      const frame = socket.last('register');
      socket.receive({ type: 'error', id: frame.id, code: 'internal', message: '', retryable: true });
      await world.advance(500);
    }
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'connect_timeout' } });
  });

  it('is followed by another connection when it was revoked', async () => {
    const { world, client, socket } = await connected([FIRST, SECOND, tokenUntil(9_000_000)]);
    await world.advance(210_000);
    socket.refuse('register', 'revoked');
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'revoked' } });
    await world.advance(500);
    expect(world.socket.protocols[1]).toBe(`bearer.${tokenUntil(9_000_000)}`);
  });

  it.each(['invalid_token', 'unauthorized', 'invalid_frame'] as const)(
    'has its connection replaced when the next one is refused with %s',
    async (code) => {
      const { world, client, socket, ids } = await connected();
      await world.advance(210_000);
      socket.refuse('register', code);
      await settle();
      expect(socket.last('register')).toMatchObject({ attempt: 1 });
      expect(socket.last('register')).not.toHaveProperty('token');
      socket.register({}, 310_000, { messages: [messageAt(310_050)] });
      const next = await openNext(world);
      expect([client.state.status, ids, socket.closedWith]).toEqual(['connected', ['310050'], undefined]);
      expect(next.protocols[1]).toBe(`bearer.${SECOND}`);
      next.register({}, 310_000);
      await settle();
      expect(next.last('register')).not.toHaveProperty('token');
      // The ping that acknowledges what the resume has brought.
      socket.pong();
      expect(socket.closedWith).toBe(1000);
    },
  );

  it('is asked for again, later and later, when the next one cannot be had, which is told', async () => {
    const { world, client, socket, getToken } = await connected([
      FIRST,
      new Error('offline'),
      new Error('away'),
      SECOND,
    ]);
    const errors: string[] = [];
    client.on('error', ({ message }) => errors.push(message));
    await world.advance(210_000);
    expect(errors).toEqual(['getToken failed: offline']);
    await world.advance(500);
    expect(errors).toEqual(['getToken failed: offline', 'getToken failed: away']);
    await world.advance(1_000);
    expect(socket.last('register')).toMatchObject({ token: SECOND });
    socket.register({}, 311_500);
    expect(failuresOf(getToken)).toEqual([0, 0, 1, 2]);
    expect([client.state.status, world.sockets.length]).toEqual(['connected', 1]);
  });

  it('is not followed by one that is no newer, which is not even sent', async () => {
    const { world, client, socket, getToken } = await connected([FIRST, FIRST, tokenUntil(399_000), SECOND]);
    await world.advance(210_000 + 500);
    expect([getToken.mock.calls.length, socket.count('register')]).toEqual([3, 1]);
    await world.advance(1_000);
    expect(socket.last('register')).toMatchObject({ token: SECOND });
    expect(failuresOf(getToken)).toEqual([0, 0, 1, 2]);
    expect(client.state.status).toBe('connected');
  });

  it('ends the client when there is no token any more', async () => {
    const { world, client, socket } = await connected([FIRST, new BeckonError('unauthorized', 'signed out')]);
    await world.advance(210_000);
    expect(client.state).toEqual({ status: 'failed', reason: { code: 'unauthorized', message: 'signed out' } });
    expect([socket.closedWith, world.timers]).toEqual(['abrupt', 0]);
  });

  it('that stays the same is not asked for over and over', async () => {
    const { world, getToken } = await connected([FIRST]);
    await world.advance(299_000);
    expect(getToken.mock.calls.length).toBeLessThan(12);
  });

  it.each([
    ['an hour', 3_600_000, 3_510_000],
    ['a minute', 60_000, 37_500],
    ['a second', 1_000, 625],
  ])(
    'is asked for in the last quarter or two of %s, a minute or two before at the most',
    async (_, lifeMs, afterMs) => {
      const { world, getToken } = await connected([tokenUntil(100_000 + lifeMs), SECOND]);
      await world.advance(afterMs - 1);
      expect(getToken).toHaveBeenCalledTimes(1);
      await world.advance(1);
      expect(getToken).toHaveBeenCalledTimes(2);
    },
  );

  it('is not asked for when it outlives every connection', async () => {
    const { world, getToken } = await connected([tokenUntil(1e14), SECOND]);
    await world.advance(1_000_000);
    expect(getToken).toHaveBeenCalledTimes(1);
  });

  it('is not asked for once the client is closed', async () => {
    const { world, client, getToken } = await connected();
    client.close();
    await world.advance(400_000);
    expect(getToken).toHaveBeenCalledTimes(1);
    expect(world.timers).toBe(0);
  });
});

describe('a token that has expired', () => {
  /** A client whose `getToken` gives each token until it has expired by the clock of the server, which reads 100 s at first. */
  async function caching(lifeMs: number) {
    const world = { now: () => 0 };
    let cached = 100_000 + lifeMs;
    const getToken = vi.fn(async (_: TokenRequest) => {
      if (world.now() >= cached) cached += lifeMs;
      return tokenUntil(cached);
    });
    const started = startListening({ getToken });
    const startedAt = started.world.now();
    world.now = () => started.world.now() - startedAt + 100_000;
    const socket = await openNext(started.world);
    socket.register({ heartbeatSeconds: 10_000 }, 100_000);
    await settle();
    return { ...started, socket, getToken, serverNow: world.now };
  }

  it.each([
    [15_000, 4],
    [45_000, 4],
    [3_600_000, 1],
  ])('of %i ms is followed by another one at once, on the same connection', async (lifeMs, lives) => {
    const { world, client, states, socket, getToken, serverNow } = await caching(lifeMs);
    for (let life = 1; life <= lives; life += 1) {
      const registered = socket.count('register');
      await world.advance(lifeMs - 1);
      expect([client.state.status, socket.count('register')]).toEqual(['connected', registered]);
      await world.advance(1);
      expect(socket.last('register')).toMatchObject({ token: tokenUntil(100_000 + (life + 1) * lifeMs) });
      expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
      socket.register({ heartbeatSeconds: 10_000 }, serverNow());
      await settle();
    }
    expect(states.map(({ status }) => status)).toEqual([
      'connected',
      ...Array(lives).fill(['recovering', 'connected']).flat(),
    ]);
    expect(client.counters.connections).toBe(1);
    expect(getToken.mock.calls.length).toBeLessThan(lives * 14);
  });

  it('holds back what is sent until there is another one', async () => {
    const { world, client, socket, serverNow } = await caching(45_000);
    await world.advance(45_000);
    const sent = client.sendToUser('bob', 1);
    const asked = client.history({ user: 'bob' });
    await settle();
    expect([socket.count('sendMessage'), socket.count('history')]).toEqual([0, 0]);
    socket.register({ heartbeatSeconds: 10_000 }, serverNow());
    await settle();
    socket.acknowledge();
    socket.answer('history', { type: 'history', conversation: { user: 'bob' }, messages: [] });
    await expect(Promise.all([sent, asked])).resolves.toMatchObject([{ status: 'sent' }, { messages: [] }]);
  });

  it('makes a room be joined that was waited for meanwhile', async () => {
    const { world, client, socket, serverNow } = await caching(45_000);
    await world.advance(45_000);
    const joined = client.join('lobby');
    await settle();
    expect(socket.count('join')).toBe(0);
    socket.register({ heartbeatSeconds: 10_000 }, serverNow(), { rooms: [] });
    await settle();
    socket.joined();
    await joined;
  });

  it('is waited for that was asked for before, and not asked for twice', async () => {
    let give: (token: string) => void = () => {};
    const { world, client, socket, getToken } = await connected([FIRST], { tokenTimeoutMs: 1_000_000 });
    await world.advance(209_000);
    getToken.mockImplementation(() => new Promise((resolve) => (give = resolve)));
    await world.advance(86_000);
    expect(client.state.status).toBe('connected');
    const asked = getToken.mock.calls.length;
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    expect(getToken).toHaveBeenCalledTimes(asked);
    give(SECOND);
    await settle();
    socket.register({}, 401_000);
    await settle();
    expect([client.state.status, world.sockets.length]).toEqual(['connected', 1]);
  });

  it('may have expired as long ago as its registration took', async () => {
    let cached = tokenUntil(145_000);
    const { world, client } = startListening({ getToken: () => cached });
    const socket = await openNext(world);
    await world.advance(2_000);
    socket.register({}, 100_000);
    await world.advance(42_999);
    expect(client.state.status).toBe('connected');
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    await world.advance(1_999);
    expect(socket.count('register')).toBe(1);
    cached = SECOND;
    await world.advance(1);
    expect(socket.last('register')).toMatchObject({ token: SECOND });
  });

  it.each([86_400_000, -86_400_000])(
    'is not taken for expired when the clock is set by %i ms meanwhile',
    async (ms) => {
      const { world, client } = startListening({ getToken: () => tokenUntil(3_700_000) });
      const socket = await openNext(world);
      world.jump(ms);
      socket.register({}, 100_000);
      await settle();
      await world.advance(200_000);
      expect(client.state.status).toBe('connected');
    },
  );

  it('is not asked for again while the next one is on its way to the server', async () => {
    const { world, client, socket, getToken } = await connected([tokenUntil(115_000), SECOND]);
    await world.advance(14_999);
    expect([client.state.status, socket.count('register')]).toEqual(['connected', 2]);
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    socket.register({}, 115_500);
    await settle();
    expect([client.state.status, getToken.mock.calls.length]).toEqual(['connected', 2]);
  });

  it('ends the connection when getToken gives it again, and the next attempts come later and later', async () => {
    const { world, client, socket, getToken } = await connected([FIRST]);
    await world.advance(299_999);
    expect(client.state.status).toBe('connected');
    getToken.mockClear();
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    expect([getToken.mock.calls.length, socket.closedWith]).toEqual([1, 'abrupt']);
    getToken.mockClear();
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      waits.push(await nextAttempt({ world, client }));
      world.socket.end(1006, 'Unexpected server response: 401');
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);
    expect(failuresOf(getToken)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('ends the connection when getToken fails, as the state tells', async () => {
    const { world, client } = await connected([FIRST, new Error('offline')]);
    await world.advance(300_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_failed' } });
    expect(client.state).toHaveProperty('retryAtMs');
  });

  it('does not come back at once, time and again, when what follows it is refused', async () => {
    const tokens = Array.from({ length: 40 }, (_, index) => tokenUntil(500_000 + 1_000 * index));
    const { world, client, socket } = await connected([FIRST, ...tokens]);
    await world.advance(210_000);
    for (let passed = 0; passed < 90_000; passed += 500) {
      const [old, next] = [socket, world.socket];
      if (old.last('register')['token'] !== undefined && old.closedWith === undefined) {
        old.refuse('register', 'invalid_token');
        await settle();
        old.register({}, 310_000 + passed);
      }
      if (next !== old) next.end(1006, 'Unexpected server response: 401');
      await world.advance(500);
    }
    expect(world.sockets.length).toBeLessThan(16);
    expect(socket.count('register')).toBeLessThan(16);
    expect(client.state.status).toBe('recovering');
  });

  it('is not asked for again by a client that was closed while getToken was at it', async () => {
    const { world, client, getToken } = await connected([FIRST], { tokenTimeoutMs: 1_000_000 });
    getToken.mockImplementation(() => new Promise(() => {}));
    await world.advance(210_000);
    const asked = getToken.mock.calls.length;
    client.close();
    await world.advance(600_000);
    expect([asked, getToken.mock.calls.length, world.timers]).toEqual([2, 2, 0]);
  });

  it('is told as suspended after suspendAfterMs, as without a connection', async () => {
    const { world, client, getToken } = await connected([FIRST]);
    await world.advance(299_000);
    getToken.mockImplementation(() => new Promise(() => {}));
    await world.advance(1_000 + 119_999);
    expect(client.state.status).toBe('recovering');
    await world.advance(1);
    expect(client.state.status).toBe('suspended');
  });
});

describe('a registration that is gone', () => {
  it('is no connection until there is another one, on the same socket', async () => {
    const { world, client, states, socket } = await connected();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'not_registered' } });
    void client.sendToUser('bob', 1);
    await settle();
    expect(socket.count('sendMessage')).toBe(0);
    socket.register({}, 100_000);
    await settle();
    expect(socket.count('sendMessage')).toBe(1);
    expect(states.map(({ status }) => status)).toEqual(['connected', 'recovering', 'connected']);
    expect([client.counters.connections, world.sockets.length]).toEqual([1, 1]);
  });

  it('is found missing by several frames, of which one hears so late', async () => {
    const { world, client, socket } = await connected();
    world.wake();
    const asked = client.history({ user: 'bob' });
    await settle();
    const late = { type: 'error', id: socket.last('history').id, code: 'not_registered', message: '', retryable: true };
    socket.refuse('ping', 'not_registered');
    await settle();
    socket.register({}, 100_000);
    await settle();
    socket.receive(late);
    await settle();
    expect([client.state.status, socket.count('register')]).toEqual(['recovering', 3]);
    socket.register({}, 100_000);
    await world.advance(500);
    socket.answer('history', { type: 'history', conversation: { user: 'bob' }, messages: [] });
    await asked;
    expect(client.state.status).toBe('connected');
  });

  it('of a connection that has been replaced changes nothing', async () => {
    const { world, client, socket } = await connectClient({ maxConnectionAgeMs: 100_000 });
    await world.advance(94_000);
    void client.history({ user: 'bob' }).catch(() => {});
    await world.advance(1_000);
    const next = await world.accept();
    socket.refuse('history', 'not_registered');
    await settle();
    socket.register();
    await settle();
    expect(client.state).toMatchObject({ status: 'connected' });
    void client.sendToUser('bob', 1);
    await settle();
    expect([socket.count('sendMessage'), next.count('sendMessage')]).toEqual([0, 1]);
  });
});

function failuresOf(getToken: { readonly mock: { readonly calls: readonly (readonly TokenRequest[])[] } }): unknown[] {
  return getToken.mock.calls.map(([request]) => request?.failures);
}
