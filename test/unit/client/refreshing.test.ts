import { describe, expect, it, vi } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import { openNext, startListening, tokenUntil } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

const FIRST = tokenUntil(400_000);
const SECOND = tokenUntil(8_000_000);

/** A client whose first token is good for 300 s more, as the clock of the server says 100 s. */
async function connected(tokens: readonly (string | Error)[] = [FIRST, SECOND]) {
  const left = [...tokens];
  const getToken = vi.fn(async () => {
    const token = left.length > 1 ? left.shift() : left[0];
    if (token instanceof Error) throw token;
    return token ?? '';
  });
  const started = startListening({ getToken });
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
    const since = serialFloor(100_000);
    expect(socket.last('register')).toEqual({ action: 'register', id: '2', attempt: 1, since, token: SECOND });
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

  it('has its connection replaced when the next one cannot be had, which is told', async () => {
    const { world, client, socket } = await connected([FIRST, new Error('offline'), SECOND]);
    const errors: string[] = [];
    client.on('error', ({ message }) => errors.push(message));
    await world.advance(210_000);
    expect(errors).toEqual(['getToken failed: offline']);
    const next = await openNext(world);
    next.register({}, 310_000);
    await settle();
    expect(socket.closedWith).toBe(1000);
  });

  it('that stays the same is not asked for over and over', async () => {
    const { world, socket, getToken } = await connected([tokenUntil(110_000)]);
    for (let times = 2; times < 5; times += 1) {
      await world.advance(29_999);
      expect(getToken).toHaveBeenCalledTimes(times - 1);
      await world.advance(1);
      expect(getToken).toHaveBeenCalledTimes(times);
      socket.register({ heartbeatSeconds: 10_000 }, 100_000);
      await settle();
    }
  });

  it('is not asked for once the client is closed', async () => {
    const { world, client, getToken } = await connected();
    client.close();
    await world.advance(400_000);
    expect(getToken).toHaveBeenCalledTimes(1);
    expect(world.timers).toBe(0);
  });
});
