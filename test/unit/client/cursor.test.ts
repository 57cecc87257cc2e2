import { describe, expect, it } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import { nextSince, openNext, resumedClient, returnedSocket, startListening } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

describe('the cursor', () => {
  it('moves with what is pushed, and never back', async () => {
    const { world, socket } = await resumedClient();
    socket.push(messageAt(3_000));
    socket.push(messageAt(2_000));
    expect(await nextSince(world)).toBe(messageAt(3_000).serial);
    world.socket.page([], { cursor: serialFloor(2_500) });
    await settle();
    expect(await nextSince(world)).toBe(messageAt(3_000).serial);
  });

  it('moves with what a pong brings, which is handed on', async () => {
    const { world, socket, ids } = await resumedClient();
    world.wake();
    socket.pong({ messages: [messageAt(1_100), messageAt(1_200)] });
    expect(ids).toEqual(['1100', '1200']);
    expect(await nextSince(world)).toBe(messageAt(1_200).serial);
  });

  it('travels with the heartbeat once there is one', async () => {
    const { world } = startListening();
    const socket = await openNext(world);
    socket.page([messageAt(500)], { more: true, cursor: serialFloor(900) });
    await settle();
    world.wake();
    expect(socket.last('ping')).toEqual({ action: 'ping', id: '3' });
    socket.pong();
    socket.page([]);
    await settle();
    socket.push(messageAt(1_100));
    await world.advance(240_000);
    expect(socket.last('ping')).toMatchObject({ cursor: messageAt(1_100).serial });
  });

  it('leads to a resume when a pong does not have everything', async () => {
    const { world, socket, ids } = await resumedClient();
    world.wake();
    socket.pong({ messages: [messageAt(1_100)], more: true });
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 1, cursor: serialFloor(1_000) });
    socket.push(messageAt(1_300));
    expect(ids).toEqual(['1100']);
    socket.page([messageAt(1_100), messageAt(1_200)], { cursor: serialFloor(1_250) });
    await settle();
    expect(ids).toEqual(['1100', '1200', '1300']);
    expect(await nextSince(world)).toBe(serialFloor(1_250));
  });

  it('does not move with a pong in the middle of a resume, whose messages are handed on all the same', async () => {
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true });
    await settle();
    world.wake();
    next.pong({ messages: [messageAt(1_100), messageAt(1_200)], more: true });
    world.wake();
    next.pong({ messages: [messageAt(1_100), messageAt(1_200), messageAt(1_300)] });
    await settle();
    expect(ids).toEqual(['1100', '1200', '1300']);
    expect(next.count('register')).toBe(2);
    expect(await nextSince(world)).toBe(serialFloor(1_000));
  });

  it('is dropped when the server refuses it, which is told as a gap, and does without', async () => {
    const { world, client, gaps } = await resumedClient();
    const next = await returnedSocket(world);
    next.refuse('register', 'invalid_cursor');
    await settle();
    expect(gaps).toEqual([{}]);
    expect(next.last('register')).toEqual({ action: 'register', id: '2', attempt: 1 });
    next.page([], { cursor: serialFloor(400) });
    await settle();
    expect(client.state.status).toBe('connected');
    expect(await nextSince(world)).toBe(serialFloor(400));
  });

  it('is dropped also when a ping or a page finds it refused', async () => {
    const { world, socket, gaps } = await resumedClient();
    world.wake();
    socket.refuse('ping', 'invalid_cursor');
    await settle();
    expect(gaps).toEqual([{}]);
    expect(socket.last('register')).toEqual({ action: 'register', id: '3', attempt: 1 });
    socket.page([], { cursor: serialFloor(400) });
    await settle();

    const next = await returnedSocket(world);
    next.page([messageAt(500)], { more: true });
    await settle();
    next.refuse('register', 'invalid_cursor');
    await settle();
    expect(gaps).toHaveLength(2);
    expect(next.last('register')).toEqual({ action: 'register', id: '3', attempt: 1 });
  });

  it('is not dropped for the refusal of an older one', async () => {
    const { world, socket, gaps } = await resumedClient();
    world.wake();
    socket.push(messageAt(2_000));
    socket.refuse('ping', 'invalid_cursor');
    await settle();
    expect(gaps).toEqual([]);
    expect(await nextSince(world)).toBe(messageAt(2_000).serial);
  });

  it('is the same for the connection that replaces another, and what comes over both is handed on once', async () => {
    const { world, client, socket, ids } = await resumedClient({ maxConnectionAgeMs: 200_000 });
    socket.push(messageAt(2_000));
    await world.advance(190_000);
    const next = await openNext(world);
    expect(next.last('register')).toMatchObject({ cursor: messageAt(2_000).serial });
    next.push(messageAt(2_200));
    socket.push(messageAt(2_100));
    socket.push(messageAt(2_200));
    next.page([messageAt(2_000), messageAt(2_100)], { cursor: serialFloor(2_150) });
    await settle();
    expect(socket.closedWith).toBe(1000);
    expect(ids).toEqual(['2000', '2100', '2200']);
    expect(client.counters.duplicates).toBe(3);
    expect(await nextSince(world)).toBe(messageAt(2_200).serial);
  });
});

describe('what a resume has brought', () => {
  it('is acknowledged when the last page has been handed on', async () => {
    const { world, ids } = startListening();
    const socket = await openNext(world);
    socket.page([messageAt(500)], { more: true, cursor: serialFloor(900) });
    await settle();
    expect(socket.count('ping')).toBe(0);
    socket.page([messageAt(600)]);
    await settle();
    expect(ids).toEqual(['500', '600']);
    expect(socket.last('ping')).toMatchObject({ cursor: serialFloor(900) });
  });

  it('is acknowledged also after a return, unless all of it had come before', async () => {
    const { world, socket } = await resumedClient();
    expect(socket.count('ping')).toBe(0);
    socket.push(messageAt(900));
    world.wake();
    socket.pong();
    await settle();
    const next = await returnedSocket(world);
    next.page([messageAt(900)], { cursor: serialFloor(1_500) });
    await settle();
    expect(next.count('ping')).toBe(0);
    const last = await returnedSocket(world);
    last.page([messageAt(900), messageAt(1_600)], { cursor: serialFloor(2_000) });
    await settle();
    expect(last.last('ping')).toMatchObject({ cursor: serialFloor(2_000) });
  });

  it('is acknowledged at once only the first time: much traffic does not make it ping without end', async () => {
    const { world, ids } = startListening();
    const socket = await openNext(world);
    socket.page([messageAt(500)], { cursor: serialFloor(900) });
    await settle();
    socket.pong({ messages: [messageAt(500)], more: true });
    await settle();
    socket.page([messageAt(500), messageAt(1_000)], { cursor: serialFloor(1_100) });
    await settle();
    expect(ids).toEqual(['500', '1000']);
    expect(socket.count('ping')).toBe(1);
    await world.advance(240_000);
    expect(socket.last('ping')).toMatchObject({ cursor: serialFloor(1_100) });
  });
});

describe('a gap', () => {
  it('is told before what follows it, with since when', async () => {
    const { world, client, ids } = await resumedClient();
    const order: unknown[] = [];
    client.on('gap', (gap) => order.push(gap));
    client.on('message', ({ id }) => order.push(id));
    const next = await returnedSocket(world);
    next.page([messageAt(9_000)], { recovered: false });
    await settle();
    expect(order).toEqual([{ sinceMs: 1_000 }, '9000']);
    expect(ids).toEqual(['9000']);
  });

  it('is told once, though the resume breaks off and comes upon it again', async () => {
    const { world, gaps } = await resumedClient();
    for (let time = 0; time < 2; time += 1) {
      const next = await returnedSocket(world);
      next.page([messageAt(9_000)], { recovered: false, more: true });
      await settle();
    }
    expect(gaps).toEqual([{ sinceMs: 1_000 }]);
  });
});
