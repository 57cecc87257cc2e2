import { describe, expect, it } from 'vitest';
import { connectClient, nextAttempt, startClient } from '../../support/client-session.ts';
import { settle, watchedSignal } from '../../support/client-world.ts';

describe('coming back', () => {
  it.each([
    [1001, 'connection_closed'],
    [1000, 'connection_closed'],
    [1006, 'connection_lost'],
    [1009, 'frame_too_large'],
  ])('recovers from close code %i', async (closeCode, code) => {
    const { world, client, states, socket } = await connectClient();
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
    const { world, client, socket } = await connectClient({ minUptimeMs: 5_000 });
    const waits: number[] = [];
    socket.end();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      waits.push(await nextAttempt({ world, client }));
      world.socket.end();
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000]);

    await nextAttempt({ world, client });
    const short = await world.accept();
    await world.advance(4_999);
    short.end();
    expect(await nextAttempt({ world, client })).toBe(15_000);
    const long = await world.accept();
    await world.advance(5_000);
    long.end();
    expect(await nextAttempt({ world, client })).toBe(500);
  });

  it('spreads its attempts as far as the server says, from then on', async () => {
    const { world, client } = startClient();
    const waits: number[] = [];
    const fail = async (times: number) => {
      for (let attempt = 0; attempt < times; attempt += 1) {
        world.socket.end();
        waits.push(await nextAttempt({ world, client }));
      }
    };
    await settle();
    await fail(6);
    const socket = await world.accept({ maxBackoffSeconds: 200 });
    await world.advance(5_000);
    socket.end();
    await nextAttempt({ world, client });
    await fail(9);
    expect(waits).toEqual([
      ...[500, 1_000, 2_000, 4_000, 8_000, 15_000],
      ...[1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 100_000, 100_000],
    ]);
  });

  it.each([
    ['the application has said it', { maxBackoffMs: 30_000 }, { maxBackoffSeconds: 200 }],
    ['the server says nothing', {}, { maxBackoffSeconds: undefined as never }],
    ['the server says what is no number', {}, { maxBackoffSeconds: 'soon' as never }],
  ])('spreads them over 30 seconds when %s', async (_, options, limits) => {
    const { world, client } = startClient({ ...options, suspendAfterMs: 3_600_000 });
    (await world.accept(limits)).end();
    let wait = 0;
    for (let attempt = 0; attempt < 10; attempt += 1) {
      wait = await nextAttempt({ world, client });
      world.socket.end();
    }
    expect(wait).toBe(15_000);
  });

  it('is suspended when it has been away for suspendAfterMs, and still tries', async () => {
    const { world, client, socket } = await connectClient({ suspendAfterMs: 60_000, connectTimeoutMs: 1_000 });
    socket.end();
    await world.advance(59_999);
    expect(client.state.status).toBe('recovering');
    await world.advance(1);
    expect(client.state.status).toBe('suspended');
    const attempts = world.sockets.length;
    await world.advance(60_000);
    expect(world.sockets.length).toBeGreaterThan(attempts);
    expect(client.state).toMatchObject({ status: 'suspended', reason: { code: 'connect_timeout' } });
    await nextAttempt({ world, client });
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('tries at once when the world wakes up, and only once', async () => {
    const { world, socket } = await connectClient();
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

describe('closing', () => {
  it('closes the connection, leaves no timer behind, and stays closed', async () => {
    const { world, client, states, socket } = await connectClient();
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
    const { client, socket } = await connectClient({ signal: controller.signal });
    controller.abort();
    expect(client.state).toEqual({ status: 'closed', reason: { code: 'closed', message: 'The client was closed.' } });
    expect(socket.closedWith).toBe(1000);

    const late = startClient({ signal: controller.signal });
    await settle();
    expect(late.client.state.status).toBe('closed');
    expect(late.world.sockets).toEqual([]);
  });

  it.each(['while an attempt is made', 'between attempts'])('closes %s', async (when) => {
    const { world, client } = startClient();
    await settle();
    if (when === 'between attempts') world.socket.end();
    client.close();
    expect(world.timers + world.watchers).toBe(0);
    expect(client.state.status).toBe('closed');
  });

  it('leaves no listener behind on any signal', async () => {
    const life = watchedSignal();
    const call = watchedSignal();
    const { client, socket } = await connectClient({ signal: life.signal });
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

  it('has one listener on a signal, however many calls it is for: Node.js warns of more than ten', async () => {
    const call = watchedSignal();
    const { client, world } = await connectClient();
    const { signal } = call;
    const calls = Array.from({ length: 20 }, (_, index) => [
      client.join(`room ${index}`, { signal }),
      client.history({ user: 'bob' }, { signal }),
      client.sendToUser('bob', index, { signal, echo: false }),
    ]).flat();
    const outcomes = Promise.allSettled(calls);
    for (let time = 0; time < 20; time += 1) client.on('message', () => {}, { signal });
    await settle();
    expect(call.listeners()).toBe(1);
    call.abort();
    expect(new Set((await outcomes).map(({ status }) => status))).toEqual(new Set(['rejected']));
    client.close();
    expect(world.timers).toBe(0);
  });

  it('may be closed by a listener that is told of a failure', async () => {
    const { world, client } = startClient({ getToken: () => Promise.reject(new Error('no')) });
    client.on('error', () => client.close());
    await world.advance(60_000);
    expect(client.state.status).toBe('closed');
    expect(world.timers).toBe(0);
  });
});
