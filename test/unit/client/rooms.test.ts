import { describe, expect, it } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import {
  connectClient,
  openNext,
  resumedClient,
  returnedSocket,
  startListening,
} from '../../support/client-session.ts';
import {
  type FakeSocket,
  messageAt,
  roomMessageAt,
  settle,
  UNIT_MS,
  watchedSignal,
} from '../../support/client-world.ts';

/** A client that is in the room `lobby` since the server's moment 1,000. */
async function joinedClient(options: Parameters<typeof resumedClient>[0] = {}) {
  const started = await resumedClient(options);
  const joined = started.client.join('lobby');
  await settle();
  started.socket.joined([], { cursor: serialFloor(1_000) });
  await joined;
  return started;
}

/** Registers a connection that has just been opened, without anything that was missed. */
async function registered(socket: FakeSocket): Promise<FakeSocket> {
  socket.page([], { cursor: serialFloor(1_000) });
  await settle();
  return socket;
}

describe('joining a room', () => {
  it('resolves when the connection is in the room, and hands on what is sent to it', async () => {
    const { client, socket, ids } = await resumedClient();
    const joined = client.join('lobby');
    await settle();
    expect(socket.last('join')).toEqual({ action: 'join', id: '2', room: 'lobby', attempt: 1 });
    let isJoined = false;
    void joined.then(() => {
      isJoined = true;
    });
    socket.push(roomMessageAt(1_100));
    await settle();
    expect([isJoined, ids]).toEqual([false, []]);
    socket.joined();
    await joined;
    expect(ids).toEqual(['1100']);
  });

  it('waits for a connection', async () => {
    const { world, client } = startListening();
    const joined = client.join('lobby');
    const socket = await openNext(world);
    expect(socket.count('join')).toBe(0);
    await registered(socket);
    socket.joined();
    await joined;
  });

  it('begins where it is told to, page by page, in order with what is pushed', async () => {
    const { client, socket, ids } = await resumedClient();
    const cursor = serialFloor(500);
    void client.join('lobby', { after: cursor });
    await settle();
    expect(socket.last('join')).toMatchObject({ cursor });
    socket.joined([roomMessageAt(600)], { more: true });
    socket.push(roomMessageAt(800));
    await settle();
    socket.push(messageAt(900));
    const { attempt: _, ...page } = socket.last('join');
    expect(page).toEqual({ action: 'join', id: '3', room: 'lobby', cursor, after: serialFloor(600) });
    expect(ids).toEqual(['600', '900']);
    socket.joined([roomMessageAt(700)]);
    await settle();
    expect(ids).toEqual(['600', '900', '700', '800']);
  });

  it('twice is joining it once', async () => {
    const { client, socket } = await resumedClient();
    const joined = Promise.all([client.join('lobby'), client.join('lobby')]);
    await settle();
    socket.joined();
    await joined;
    await client.join('lobby');
    expect(socket.count('join')).toBe(1);
  });

  it.each(['forbidden', 'too_many_rooms', 'invalid_frame'] as const)('is rejected with %s', async (code) => {
    const { world, client, socket } = await resumedClient();
    const joined = client.join('lobby');
    await settle();
    socket.refuse('join', code);
    await expect(joined).rejects.toMatchObject({ name: 'BeckonError', code });
    const next = await registered(await returnedSocket(world));
    expect(next.count('join')).toBe(0);
  });

  it('is tried again when the server failed, and after as long as it says', async () => {
    const { world, client, socket } = await resumedClient();
    const joined = client.join('lobby');
    await settle();
    socket.refuse('join', 'internal');
    await world.advance(500);
    const limited = { type: 'error', code: 'rate_limited', message: '', retryable: true, retryAfterMs: 7_000 };
    socket.answer('join', limited);
    await world.advance(6_999);
    expect(socket.count('join')).toBe(2);
    await world.advance(1 + UNIT_MS);
    expect(socket.last('join')).toMatchObject({ attempt: 3 });
    socket.joined();
    await joined;
  });

  it('can be given up, which leaves the room unless another call waits for it', async () => {
    const { client, socket } = await resumedClient();
    const one = watchedSignal();
    const first = client.join('lobby', { signal: one.signal });
    const second = new AbortController();
    const other = client.join('lobby', { signal: second.signal });
    await settle();
    one.abort();
    await expect(first).rejects.toMatchObject({ name: 'AbortError' });
    expect(one.listeners()).toBe(0);
    expect(socket.count('leave')).toBe(0);
    second.abort();
    await expect(other).rejects.toMatchObject({ name: 'AbortError' });
    socket.joined();
    await settle();
    expect(socket.last('leave')).toMatchObject({ room: 'lobby' });
    await expect(client.join('lobby', { signal: one.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is rejected when the client is closed, and afterwards', async () => {
    const { world, client } = await resumedClient();
    const joined = expect(client.join('lobby')).rejects.toMatchObject({ code: 'closed' });
    client.close();
    await joined;
    await expect(client.join('lobby')).rejects.toMatchObject({ code: 'closed' });
    expect(world.timers).toBe(0);
  });

  it('refuses what is no name, and options that there are not', async () => {
    const { client } = await resumedClient();
    await expect(client.join(1 as never)).rejects.toThrow(new TypeError('join: "room" must be a string, got 1'));
    await expect(client.leave({} as never)).rejects.toThrow(TypeError);
    await expect(client.join('lobby', { from: 1 } as never)).rejects.toThrow(
      new TypeError('join: unknown option "from"; there are signal, timeoutMs, after'),
    );
  });
});

describe('a room that was joined', () => {
  it('is joined by the next connection, from its own cursor', async () => {
    const { world, socket, ids } = await joinedClient();
    socket.push(roomMessageAt(2_000));
    socket.push(messageAt(3_000));
    const next = await registered(await returnedSocket(world));
    expect(next.last('register')).toMatchObject({ cursor: messageAt(3_000).serial });
    expect(next.last('join')).toMatchObject({ room: 'lobby', cursor: messageAt(2_000).serial });
    next.push(roomMessageAt(2_200));
    next.joined([roomMessageAt(2_000), roomMessageAt(2_100)]);
    await settle();
    expect(ids).toEqual(['2000', '3000', '2100', '2200']);
  });

  it('has nothing of what was sent before it was joined, though a resume reaches back that far', async () => {
    const { world, ids } = await joinedClient();
    const next = await registered(await returnedSocket(world));
    next.joined([roomMessageAt(900), roomMessageAt(1_100)]);
    await settle();
    expect(ids).toEqual(['1100']);
  });

  it('is joined again when the connection was not registered any more, by a later attempt', async () => {
    const { world, socket } = await joinedClient();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    await registered(socket);
    expect(socket.count('join')).toBe(2);
    expect(socket.last('join')).toMatchObject({ attempt: 3, cursor: serialFloor(1_000) });
  });

  it('is joined once the connection is registered again, when a join finds that it is not', async () => {
    const { world, client, socket } = await resumedClient();
    const joined = client.join('lobby');
    await settle();
    socket.refuse('join', 'not_registered');
    await settle();
    expect(socket.count('register')).toBe(2);
    await registered(socket);
    await world.advance(500);
    expect(socket.count('join')).toBe(2);
    socket.joined();
    await joined;
  });

  it('is joined by the connection that replaces another before that one is left, and nothing comes twice', async () => {
    const { world, client, socket, ids } = await joinedClient({ maxConnectionAgeMs: 200_000 });
    await world.advance(190_000);
    const next = await registered(await openNext(world));
    expect(socket.closedWith).toBeUndefined();
    socket.push(roomMessageAt(2_000));
    next.push(roomMessageAt(2_000));
    next.push(roomMessageAt(2_100));
    next.joined([roomMessageAt(2_000)]);
    await settle();
    expect(socket.closedWith).toBe(1000);
    expect(ids).toEqual(['2000', '2100']);
    expect(client.counters.duplicates).toBe(2);
  });

  it('tells a gap with its name, and joins without a cursor that the server refuses', async () => {
    const { world, gaps } = await joinedClient();
    const next = await registered(await returnedSocket(world));
    next.joined([], { recovered: false });
    await settle();
    expect(gaps).toEqual([{ room: 'lobby', sinceMs: 1_000 }]);
    const after = await registered(await returnedSocket(world));
    after.refuse('join', 'invalid_cursor');
    await settle();
    expect(gaps.slice(1)).toEqual([{ room: 'lobby' }]);
    expect(after.last('join')).not.toHaveProperty('cursor');
  });

  it('is dropped when the capability is taken away, and told as left', async () => {
    const { world, client } = await joinedClient();
    const left: unknown[] = [];
    client.on('left', (event) => left.push(event));
    const next = await registered(await returnedSocket(world));
    next.refuse('join', 'forbidden');
    await settle();
    expect(left).toEqual([{ room: 'lobby', reason: { code: 'forbidden', message: expect.any(String) } }]);
    expect(client.state.status).toBe('connected');
    const after = await registered(await returnedSocket(world));
    expect(after.count('join')).toBe(0);
  });

  it('leaves no timer behind when the client is closed while it waits to join again', async () => {
    const { world, client } = await joinedClient();
    const next = await registered(await returnedSocket(world));
    next.refuse('join', 'internal');
    await settle();
    client.close();
    expect(world.timers).toBe(0);
  });
});

describe('leaving a room', () => {
  it('hands nothing on any more, and resolves when the server knows', async () => {
    const { world, client, socket, ids } = await joinedClient();
    const left = client.leave('lobby');
    await settle();
    socket.push(roomMessageAt(2_000));
    expect(socket.last('leave')).toMatchObject({ room: 'lobby' });
    socket.answer('leave', { type: 'left', room: 'lobby' });
    await left;
    expect(ids).toEqual([]);
    expect(socket.count('leave')).toBe(1);
    const next = await registered(await returnedSocket(world));
    expect(next.count('join')).toBe(0);
  });

  it('waits for a join that is on its way, and the next join waits for it', async () => {
    const { client, socket, ids } = await resumedClient();
    const first = expect(client.join('lobby')).rejects.toMatchObject({ code: 'join_cancelled' });
    await settle();
    const left = client.leave('lobby');
    await first;
    const second = client.join('lobby');
    await settle();
    expect([socket.count('join'), socket.count('leave')]).toEqual([1, 0]);
    socket.joined([roomMessageAt(500)]);
    await settle();
    expect([socket.count('join'), socket.count('leave')]).toEqual([1, 1]);
    expect(socket.last('leave')).toMatchObject({ attempt: 2 });
    socket.answer('leave', { type: 'left', room: 'lobby' });
    await left;
    await settle();
    expect(socket.last('join')).toMatchObject({ attempt: 3 });
    socket.joined();
    await second;
    expect(ids).toEqual([]);
  });

  it('is done again when the room goes on talking', async () => {
    const { client, socket, ids } = await resumedClient();
    socket.push(roomMessageAt(2_000), roomMessageAt(2_100));
    await settle();
    expect(socket.count('leave')).toBe(1);
    socket.answer('leave', { type: 'left', room: 'lobby' });
    await settle();
    expect(ids).toEqual([]);
    await expect(client.leave('elsewhere')).resolves.toBeUndefined();
    expect(socket.count('leave')).toBe(1);
  });
});

describe('a message to a room', () => {
  it('goes to the room', async () => {
    const { client, socket } = await connectClient();
    const sent = client.sendToRoom('lobby', 1, { receipt: true });
    await settle();
    expect(socket.last('sendMessage')['messages']).toEqual([
      { to: { room: 'lobby' }, id: 'id-1', receipt: true, data: 1 },
    ]);
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('does not come back from a resume', async () => {
    const { world, client, socket, ids } = await joinedClient();
    const own = (id: string) => ({ ...roomMessageAt(2_000), id, from: { user: 'alice' } });
    void client.sendToRoom('lobby', 1);
    void client.sendToRoom('lobby', 2);
    await settle();
    socket.acknowledge();
    const next = await registered(await returnedSocket(world));
    next.joined([own('id-1'), own('id-2'), own('of another device')]);
    await settle();
    expect(ids).toEqual(['of another device']);
  });

  it('to a user does not come back either, though a copy was kept for the other devices', async () => {
    const { world, client, socket, ids } = await resumedClient();
    const own = (id: string, user: string) => ({ ...messageAt(2_000), id, from: { user: 'alice' }, to: { user } });
    void client.sendToUser('bob', 1);
    void client.sendToUser('alice', 2, { echo: false });
    await settle();
    socket.acknowledge();
    const next = await returnedSocket(world);
    next.page([own('id-1', 'bob'), own('id-2', 'alice')]);
    await settle();
    expect(ids).toEqual([]);
  });
});
