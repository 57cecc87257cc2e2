import { describe, expect, it } from 'vitest';
import type { PresenceChange } from '../../../client/api.ts';
import type { Presence } from '../../../protocol/index.ts';
import { connectClient, returnedSocket } from '../../support/client-session.ts';
import { type FakeSocket, settle } from '../../support/client-world.ts';

const on = (user: string, sinceMs: number): Presence => ({ user, online: true, sinceMs });
const off = (user: string, sinceMs: number): Presence => ({ user, online: false, sinceMs });

async function watchingClient(options: Parameters<typeof connectClient>[0] = {}) {
  const started = await connectClient(options);
  const changes: PresenceChange[] = [];
  started.client.on('presence', (change) => changes.push(change));
  return { ...started, changes };
}

/** A client that watches bob, who is online since 10, and carol, who is not. */
async function watchingUsers(options: Parameters<typeof connectClient>[0] = {}) {
  const started = await watchingClient(options);
  const watched = started.client.watch(['bob', 'carol']);
  await settle();
  started.socket.answer('presence', { type: 'presence', users: [on('bob', 10), off('carol', 5)] });
  await watched;
  return started;
}

/** A client that watches the room `lobby`, in which bob and carol are. */
async function watchingRoom() {
  const started = await watchingClient();
  const watched = started.client.watch({ room: 'lobby' });
  await settle();
  started.socket.answer('presence', answerOf([on('bob', 10), on('carol', 5)]));
  await watched;
  return started;
}

function answerOf(users: readonly Presence[], occupants = users.length) {
  return { type: 'presence', room: 'lobby', users, occupancy: { users: occupants, connections: occupants } };
}

/** Breaks the newest connection, and registers the next one. */
async function reconnected(world: Parameters<typeof returnedSocket>[0]): Promise<FakeSocket> {
  const next = await returnedSocket(world);
  next.register();
  await settle();
  return next;
}

describe('watching users', () => {
  it('resolves with how it is, and tells what changes', async () => {
    const { client, socket, changes } = await watchingClient();
    const watched = client.watch(['bob', 'carol']);
    await settle();
    expect(socket.last('presence')).toEqual({ action: 'presence', id: '2', users: ['bob', 'carol'], watch: true });
    socket.answer('presence', { type: 'presence', users: [on('bob', 10), off('carol', 5)] });
    expect(await watched).toEqual({ users: [on('bob', 10), off('carol', 5)] });
    expect(changes).toEqual([]);
    socket.receive({ type: 'presence', users: [off('bob', 20)] });
    socket.receive({ type: 'presence', users: [on('carol', 21), on('dave', 22)] });
    expect(changes).toEqual([{ users: [off('bob', 20)] }, { users: [on('carol', 21)] }]);
  });

  it('drops what is older than what is known, also when it is the answer', async () => {
    const { client, socket, changes } = await watchingClient();
    const watched = client.watch(['bob']);
    await settle();
    socket.receive({ type: 'presence', users: [on('bob', 30)] });
    socket.receive({ type: 'presence', users: [off('bob', 20)] });
    socket.receive({ type: 'presence', users: [on('bob', 30)] });
    socket.answer('presence', { type: 'presence', users: [off('bob', 20)] });
    expect(await watched).toEqual({ users: [on('bob', 30)] });
    expect(changes).toEqual([{ users: [on('bob', 30)] }]);
  });

  it('asks again on the next connection, and tells only what is different', async () => {
    const { world, changes } = await watchingUsers();
    const next = await reconnected(world);
    expect(next.last('presence')).toMatchObject({ users: ['bob', 'carol'], watch: true });
    next.answer('presence', { type: 'presence', users: [on('bob', 10), on('carol', 15)] });
    await settle();
    expect(changes).toEqual([{ users: [on('carol', 15)] }]);
  });

  it('believes the answer that somebody is gone whose leave has not been announced', async () => {
    const { world, changes } = await watchingUsers();
    const next = await reconnected(world);
    next.answer('presence', { type: 'presence', users: [off('bob', 10), off('carol', 5)] });
    await settle();
    expect(changes).toEqual([{ users: [off('bob', 10)] }]);
  });

  it('asks again when the connection has to be registered again', async () => {
    const { world, socket } = await watchingUsers();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    socket.register();
    await settle();
    expect(socket.count('presence')).toBe(2);
  });

  it('is taken over by the connection that replaces another before that one is left', async () => {
    const { world, socket, changes } = await watchingUsers({ maxConnectionAgeMs: 200_000 });
    await world.advance(190_000);
    const next = await world.accept();
    expect(socket.closedWith).toBeUndefined();
    socket.receive({ type: 'presence', users: [off('bob', 20)] });
    next.receive({ type: 'presence', users: [off('bob', 20)] });
    next.answer('presence', { type: 'presence', users: [off('bob', 20), off('carol', 5)] });
    await settle();
    expect(changes).toEqual([{ users: [off('bob', 20)] }]);
    expect(socket.closedWith).toBe(1000);
  });

  it('takes as many frames as it needs', async () => {
    const { world, client, socket } = await watchingClient();
    const users = Array.from({ length: 150 }, (_, index) => `user ${index}`);
    for (const some of [users.slice(0, 75), users.slice(75)]) {
      void client.watch(some);
      await settle();
      socket.answer('presence', { type: 'presence', users: [] });
    }
    const next = await reconnected(world);
    const asked = next.sent.filter(({ action }) => action === 'presence');
    expect(asked.map((frame) => (frame['users'] as string[]).length)).toEqual([100, 50]);
    expect(asked.flatMap((frame) => frame['users'])).toEqual(users);
  });

  it('ends when it is told to', async () => {
    const { world, client, socket, changes } = await watchingUsers();
    const ended = client.unwatch(['bob']);
    await settle();
    socket.receive({ type: 'presence', users: [off('bob', 20)] });
    expect(socket.last('presence')).toMatchObject({ users: ['bob'], watch: false });
    socket.answer('presence', { type: 'presence', users: [off('bob', 20)] });
    await ended;
    expect(changes).toEqual([]);
    const next = await reconnected(world);
    expect(next.last('presence')).toMatchObject({ users: ['carol'] });
  });

  it.each(['forbidden', 'too_many_watches'] as const)('that is refused with %s is not tried again', async (code) => {
    const { world, client, socket } = await watchingUsers();
    const watched = client.watch(['bob', 'dave']);
    await settle();
    socket.refuse('presence', code);
    await expect(watched).rejects.toMatchObject({ code });
    const next = await reconnected(world);
    expect(next.last('presence')).toMatchObject({ users: ['bob', 'carol'] });
  });

  it('that another token does not allow any more ends, which is told', async () => {
    const { world, client } = await watchingUsers();
    const codes: string[] = [];
    client.on('error', ({ code }) => codes.push(code));
    const next = await reconnected(world);
    next.refuse('presence', 'forbidden');
    await settle();
    expect(codes).toEqual(['forbidden']);
    expect((await reconnected(world)).count('presence')).toBe(0);
  });
});

describe('watching a room', () => {
  it('tells who comes and goes', async () => {
    const { client, socket, changes } = await watchingRoom();
    socket.receive({ type: 'presence', room: 'lobby', users: [on('dave', 20)] });
    socket.receive({ type: 'presence', room: 'lobby', users: [off('bob', 21)] });
    socket.receive({ type: 'presence', room: 'elsewhere', users: [on('bob', 22)] });
    socket.receive({ type: 'presence', users: [off('bob', 23)] });
    expect(changes).toEqual([
      { room: 'lobby', users: [on('dave', 20)] },
      { room: 'lobby', users: [off('bob', 21)] },
    ]);
    const again = client.watch({ room: 'lobby' });
    await settle();
    socket.answer('presence', answerOf([on('carol', 5), on('dave', 20)]));
    expect((await again).users).toEqual([on('carol', 5), on('dave', 20)]);
    expect(changes).toHaveLength(2);
  });

  it('counts also those who came and went while the answer was on its way', async () => {
    const { client, socket } = await watchingClient();
    const watched = client.watch({ room: 'lobby' });
    await settle();
    socket.receive({ type: 'presence', room: 'lobby', users: [off('bob', 20)] });
    socket.answer('presence', answerOf([on('bob', 10), on('carol', 5)]));
    expect(await watched).toMatchObject({ users: [on('carol', 5)], occupancy: { users: 1, connections: 2 } });
    const again = client.watch({ room: 'lobby' });
    await settle();
    socket.receive({ type: 'presence', room: 'lobby', users: [on('dave', 30)] });
    socket.answer('presence', answerOf([on('carol', 5)], 200));
    expect(await again).toMatchObject({ users: [on('carol', 5), on('dave', 30)], occupancy: { users: 200 } });
  });

  it('tells after a reconnect who came and who went meanwhile', async () => {
    const { world, changes } = await watchingRoom();
    const next = await reconnected(world);
    expect(next.last('presence')).toMatchObject({ room: 'lobby', watch: true });
    next.answer('presence', answerOf([on('carol', 5), on('dave', 20)]));
    await settle();
    expect(changes).toEqual([{ room: 'lobby', users: [on('dave', 20), off('bob', 10)] }]);
  });

  it('takes nobody for gone who came after it had asked, or who did not fit into the answer', async () => {
    const { world, changes } = await watchingRoom();
    const next = await reconnected(world);
    next.receive({ type: 'presence', room: 'lobby', users: [on('bob', 30)] });
    next.answer('presence', answerOf([on('carol', 5)]));
    await settle();
    expect(changes).toEqual([{ room: 'lobby', users: [on('bob', 30)] }]);
    const after = await reconnected(world);
    after.answer('presence', answerOf([on('carol', 5)], 200));
    await settle();
    expect(changes).toHaveLength(1);
  });

  it('ends when it is told to', async () => {
    const { world, client, socket, changes } = await watchingRoom();
    void client.unwatch({ room: 'lobby' });
    await settle();
    socket.receive({ type: 'presence', room: 'lobby', users: [on('dave', 20)] });
    expect(changes).toEqual([]);
    expect((await reconnected(world)).count('presence')).toBe(1);
    expect(world.socket.last('presence')).toMatchObject({ watch: false });
  });
});
