import { describe, expect, it } from 'vitest';
import type { Gap } from '../../../client/api.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import { serialFloor } from '../../../server/serial.ts';
import { startClient } from '../../support/client-session.ts';
import { type ClientWorld, delivered, type FakeSocket, messageAt, settle } from '../../support/client-world.ts';

function start(options: Partial<ConnectOptions> = {}) {
  const { world, client } = startClient(options);
  const ids: string[] = [];
  const gaps: Gap[] = [];
  client.on('message', ({ id }) => ids.push(id));
  client.on('gap', (gap) => gaps.push(gap));
  return { world, client, ids, gaps };
}

/** A client whose first resume is complete, at the server's moment 1,000. */
async function resumed(options: Partial<ConnectOptions> = {}) {
  const started = start(options);
  const socket = await opened(started.world);
  socket.page([], { cursor: serialFloor(1_000) });
  await settle();
  return { ...started, socket };
}

/** The newest socket, once it asks to be registered. */
async function opened(world: ClientWorld): Promise<FakeSocket> {
  await settle();
  world.socket.open();
  await settle();
  return world.socket;
}

/** Breaks the newest connection; the next one asks to be registered. */
async function reopened(world: ClientWorld): Promise<FakeSocket> {
  const { length } = world.sockets;
  world.socket.end();
  while (world.sockets.length === length) await world.advance(100);
  return opened(world);
}

/** From where the next connection resumes. */
async function nextSince(world: ClientWorld): Promise<unknown> {
  return (await reopened(world)).last('register')['since'];
}

describe('a registration', () => {
  it('has no cursor at first, and that of the first page once everything that waited is there', async () => {
    const { world } = start();
    const socket = await opened(world);
    expect(socket.last('register')).toEqual({ action: 'register', id: '1', attempt: 0 });
    socket.page([messageAt(700)], { cursor: serialFloor(900) });
    await settle();
    const next = await reopened(world);
    expect(next.last('register')).toEqual({ action: 'register', id: '1', attempt: 0, since: serialFloor(900) });
  });

  it('on the same connection has the next number and the cursor, and is followed by a resume', async () => {
    const { world, socket, ids } = await resumed();
    await world.advance(240_000);
    socket.refuse('ping', 'not_registered');
    await settle();
    const since = serialFloor(1_000);
    expect(socket.last('register')).toEqual({ action: 'register', id: '3', attempt: 1, since });
    socket.push(messageAt(2_000));
    socket.page([messageAt(1_500)], { more: true, cursor: serialFloor(1_900) });
    await settle();
    socket.page([messageAt(1_600)]);
    await settle();
    expect(ids).toEqual(['1500', '1600', '2000']);
    expect(await nextSince(world)).toBe(serialFloor(1_900));
  });

  it('is one at a time, however many frames find that one is missing', async () => {
    const { world, client, socket } = await resumed();
    const sent = client.sendToUser('bob', 1);
    world.wake();
    await settle();
    socket.refuse('sendMessage', 'not_registered');
    socket.refuse('ping', 'not_registered');
    await settle();
    expect(socket.count('register')).toBe(2);
    socket.register();
    await world.advance(500);
    expect(socket.last('sendMessage')['messages']).toEqual([{ to: { user: 'bob' }, id: 'id-1', data: 1 }]);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });

  it('that is not answered is made again under the next number, and what the first says late counts for nothing', async () => {
    const { world, socket, ids } = await resumed();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    const first = socket.last('register');
    await world.advance(10_000);
    socket.push();
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 2, since: serialFloor(1_000) });
    const second = socket.last('register');

    socket.page([messageAt(1_100)], { id: first.id, cursor: serialFloor(5_000) });
    socket.receive({ type: 'error', id: first.id, code: 'superseded', message: '', retryable: false });
    socket.push(messageAt(1_200));
    await settle();
    expect(ids).toEqual([]);
    socket.page([], { id: second.id, cursor: serialFloor(1_150) });
    await settle();
    expect(ids).toEqual(['1200']);
    expect(await nextSince(world)).toBe(serialFloor(1_150));
  });

  it('that a later one has overtaken is made again', async () => {
    const { world, client } = start();
    const socket = await opened(world);
    socket.refuse('register', 'superseded');
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 1 });
    socket.register();
    await settle();
    expect(client.state.status).toBe('connected');
  });

  it('of a connection that was removed is left for another connection, which resumes', async () => {
    const { world, client, socket } = await resumed();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    socket.refuse('register', 'connection_removed');
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'connection_removed' } });
    expect(socket.closedWith).toBe('abrupt');
    await world.advance(500);
    const next = await opened(world);
    expect(next.last('register')).toMatchObject({ attempt: 0, since: serialFloor(1_000) });
  });

  it('that comes in with the end of its connection counts for nothing', async () => {
    const { world, client, ids } = start();
    const socket = await opened(world);
    socket.page([messageAt(700)], { cursor: serialFloor(900) });
    socket.end();
    await settle();
    expect(ids).toEqual([]);
    expect(client.counters.connections).toBe(0);
    await world.advance(500);
    expect((await opened(world)).last('register')).not.toHaveProperty('since');
    client.close();
    expect(world.timers).toBe(0);
  });
});

describe('a resume', () => {
  it('takes page after page, and hands each on as it comes', async () => {
    const { world, ids, socket } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100), messageAt(1_200)], { more: true });
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    const since = serialFloor(1_000);
    expect(next.last('register')).toEqual({ action: 'register', id: '2', since, after: messageAt(1_200).serial });
    next.page([messageAt(1_300)], { more: true });
    await settle();
    expect(next.last('register')).toMatchObject({ since, after: messageAt(1_300).serial });
    next.page([messageAt(1_400)]);
    await settle();
    expect(ids).toEqual(['1100', '1200', '1300', '1400']);
    expect(next.count('register')).toBe(3);
    expect(socket.count('register')).toBe(1);
  });

  it('moves the cursor when it is complete, to where its first page stood', async () => {
    const { world } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    next.page([messageAt(1_200)], { more: true, cursor: serialFloor(3_000) });
    await settle();
    next.page([messageAt(3_500)], { cursor: serialFloor(4_000) });
    await settle();
    expect(await nextSince(world)).toBe(serialFloor(2_000));
  });

  it('leaves the cursor when the connection ends before the last page, and brings nothing twice', async () => {
    const { world, client, ids } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    const after = await reopened(world);
    expect(after.last('register')['since']).toBe(serialFloor(1_000));
    after.page([messageAt(1_100), messageAt(1_200)]);
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(client.counters.duplicates).toBe(1);
  });

  it('comes before what is pushed meanwhile, which does not move the cursor', async () => {
    const { world, ids } = await resumed();
    const next = await reopened(world);
    next.push(messageAt(2_500));
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    next.push(messageAt(2_600), messageAt(2_700));
    expect(ids).toEqual(['1100']);
    next.page([messageAt(1_200), messageAt(2_500)]);
    await settle();
    expect(ids).toEqual(['1100', '1200', '2500', '2600', '2700']);
    expect(await nextSince(world)).toBe(serialFloor(2_000));
  });

  it('asks again for a page that failed, after a wait, and for one that is not answered', async () => {
    const { world, ids } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    next.refuse('register', 'internal');
    await world.advance(499);
    expect(next.count('register')).toBe(2);
    await world.advance(1);
    expect(next.last('register')).toMatchObject({ after: messageAt(1_100).serial });
    const unanswered = next.last('register').id;
    await world.advance(10_000);
    next.pong();
    await world.advance(1_000);
    expect(next.last('register')).toMatchObject({ after: messageAt(1_100).serial });
    next.page([messageAt(1_400)], { id: unanswered });
    await settle();
    expect(ids).toEqual(['1100']);
    next.page([messageAt(1_200)]);
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(await nextSince(world)).toBe(serialFloor(2_000));
  });

  it('ends with its connection when that does not answer', async () => {
    const { world, client } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true });
    await world.advance(15_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('is begun again when another registration becomes necessary', async () => {
    const { world, ids } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    const old = next.last('register').id;
    world.wake();
    next.refuse('ping', 'not_registered');
    await settle();
    next.page([messageAt(1_200)], { id: old });
    await settle();
    expect(ids).toEqual(['1100']);
    next.page([messageAt(1_100), messageAt(1_200)], { cursor: serialFloor(3_000) });
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(await nextSince(world)).toBe(serialFloor(3_000));
  });

  it('is begun again when more is pushed meanwhile than can be held', async () => {
    const { world, ids } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    const pushed = Array.from({ length: 10_001 }, (_, index) => messageAt(2_000 + index));
    next.push(...pushed);
    next.page([messageAt(1_200)]);
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(next.last('register')).toMatchObject({ attempt: 1, since: serialFloor(1_000) });
    next.page([messageAt(1_100), messageAt(1_200), ...pushed]);
    await settle();
    expect(ids).toHaveLength(10_003);
  });

  it('of 10,000 messages that breaks off in the middle brings none twice, however long it takes to come back', async () => {
    const { world, ids } = await resumed();
    const all = Array.from({ length: 10_000 }, (_, index) => messageAt(200_000 + index));
    const next = await reopened(world);
    next.page(all.slice(0, 9_000), { more: true });
    await settle();
    world.jump(3_600_000);
    const after = await reopened(world);
    const young = [messageAt(4_000_000), messageAt(4_000_001)];
    after.push(...young);
    after.page(all);
    await settle();
    expect(ids).toEqual([...all, ...young].map(({ id }) => id));
  });

  it('hands nothing on any more when a listener has closed the client', async () => {
    const { world, client, ids } = start();
    client.on('message', () => client.close());
    const socket = await opened(world);
    socket.push(messageAt(2_000));
    socket.page([messageAt(1_000)]);
    await settle();
    expect(ids).toEqual(['1000']);
    expect(world.timers).toBe(0);
  });
});

describe('the cursor', () => {
  it('moves with what is pushed, and never back', async () => {
    const { world, socket } = await resumed();
    socket.push(messageAt(3_000));
    socket.push(messageAt(2_000));
    expect(await nextSince(world)).toBe(messageAt(3_000).serial);
    world.socket.page([], { cursor: serialFloor(2_500) });
    await settle();
    expect(await nextSince(world)).toBe(messageAt(3_000).serial);
  });

  it('moves with what a pong brings, which is handed on', async () => {
    const { world, socket, ids } = await resumed();
    world.wake();
    socket.pong({ messages: [messageAt(1_100), messageAt(1_200)] });
    expect(ids).toEqual(['1100', '1200']);
    expect(await nextSince(world)).toBe(messageAt(1_200).serial);
  });

  it('travels with the heartbeat once there is one', async () => {
    const { world } = start();
    const socket = await opened(world);
    socket.page([messageAt(500)], { more: true, cursor: serialFloor(900) });
    await settle();
    world.wake();
    expect(socket.last('ping')).toEqual({ action: 'ping', id: '3' });
    socket.pong();
    socket.page([]);
    await settle();
    socket.push(messageAt(1_100));
    await world.advance(240_000);
    expect(socket.last('ping')).toEqual({ action: 'ping', id: '4', cursor: messageAt(1_100).serial });
  });

  it('leads to a resume when a pong does not have everything', async () => {
    const { world, socket, ids } = await resumed();
    world.wake();
    socket.pong({ messages: [messageAt(1_100)], more: true });
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 1, since: serialFloor(1_000) });
    socket.push(messageAt(1_300));
    expect(ids).toEqual(['1100']);
    socket.page([messageAt(1_100), messageAt(1_200)], { cursor: serialFloor(1_250) });
    await settle();
    expect(ids).toEqual(['1100', '1200', '1300']);
    expect(await nextSince(world)).toBe(serialFloor(1_250));
  });

  it('does not move with a pong in the middle of a resume, whose messages are handed on all the same', async () => {
    const { world, ids } = await resumed();
    const next = await reopened(world);
    next.page([messageAt(1_100)], { more: true });
    await settle();
    world.wake();
    next.pong({ messages: [messageAt(1_100), messageAt(1_200)], more: true });
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(next.count('register')).toBe(2);
    expect(await nextSince(world)).toBe(serialFloor(1_000));
  });

  it('is dropped when the server refuses it, which is told as a gap, and does without', async () => {
    const { world, client, gaps } = await resumed();
    const next = await reopened(world);
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
    const { world, socket, gaps } = await resumed();
    world.wake();
    socket.refuse('ping', 'invalid_cursor');
    await settle();
    expect(gaps).toEqual([{}]);
    expect(socket.last('register')).toEqual({ action: 'register', id: '3', attempt: 1 });
    socket.page([], { cursor: serialFloor(400) });
    await settle();

    const next = await reopened(world);
    next.page([messageAt(500)], { more: true });
    await settle();
    next.refuse('register', 'invalid_cursor');
    await settle();
    expect(gaps).toHaveLength(2);
    expect(next.last('register')).toEqual({ action: 'register', id: '3', attempt: 1 });
  });

  it('is not dropped for the refusal of an older one', async () => {
    const { world, socket, gaps } = await resumed();
    world.wake();
    socket.push(messageAt(2_000));
    socket.refuse('ping', 'invalid_cursor');
    await settle();
    expect(gaps).toEqual([]);
    expect(await nextSince(world)).toBe(messageAt(2_000).serial);
  });

  it('is the same for the connection that replaces another, and what comes over both is handed on once', async () => {
    const { world, client, socket, ids } = await resumed({ maxConnectionAgeMs: 200_000 });
    socket.push(messageAt(2_000));
    await world.advance(190_000);
    const next = await opened(world);
    expect(next.last('register')).toMatchObject({ since: messageAt(2_000).serial });
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

describe('a gap', () => {
  it('is told before what follows it, with since when', async () => {
    const { world, client, ids } = await resumed();
    const order: unknown[] = [];
    client.on('gap', (gap) => order.push(gap));
    client.on('message', ({ id }) => order.push(id));
    const next = await reopened(world);
    next.page([messageAt(9_000)], { recovered: false });
    await settle();
    expect(order).toEqual([{ sinceMs: 1_000 }, '9000']);
    expect(ids).toEqual(['9000']);
  });

  it('is told once, though the resume breaks off and comes upon it again', async () => {
    const { world, gaps } = await resumed();
    for (let time = 0; time < 2; time += 1) {
      const next = await reopened(world);
      next.page([messageAt(9_000)], { recovered: false, more: true });
      await settle();
    }
    expect(gaps).toEqual([{ sinceMs: 1_000 }]);
  });
});
