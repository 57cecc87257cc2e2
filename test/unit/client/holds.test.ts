import { expect, it } from 'vitest';
import { connectClient } from '../../support/client-session.ts';
import { settle } from '../../support/client-world.ts';

it('a room is left with the last leave of those who joined', async () => {
  const { client, socket } = await connectClient();
  const joins = [client.join('lobby'), client.join('lobby')];
  await settle();
  socket.joined();
  await Promise.all(joins);
  await client.leave('lobby');
  await settle();
  expect(socket.count('leave')).toBe(0);
  const left = client.leave('lobby');
  await settle();
  socket.answer('leave', { type: 'left', room: 'lobby' });
  await left;
  expect(socket.count('leave')).toBe(1);
});

it('a join that fails does not count', async () => {
  const { client, socket, world } = await connectClient();
  const timely = client.join('lobby');
  const late = client.join('lobby', { timeoutMs: 10 }).catch(({ code }) => code);
  await world.advance(20);
  expect(await late).toBe('expired');
  socket.joined();
  await timely;
  void client.leave('lobby');
  await settle();
  expect(socket.count('leave')).toBe(1);
});

it('a join that is given up by a leave does not take the next one with it', async () => {
  const { client, socket } = await connectClient();
  const first = client.join('lobby').catch(({ code }) => code);
  void client.leave('lobby');
  const next = [client.join('lobby'), client.join('lobby')];
  expect(await first).toBe('join_cancelled');
  for (let answered = 0; answered < 10; answered += 1) {
    await settle();
    if (socket.sent.at(-1)?.action === 'leave') socket.answer('leave', { type: 'left', room: 'lobby' });
    if (socket.sent.at(-1)?.action === 'join') socket.joined();
  }
  await Promise.all(next);
  const frames = socket.count('leave');
  await client.leave('lobby');
  expect(socket.count('leave')).toBe(frames);
});

it('users are unwatched one by one, as often as they were watched', async () => {
  const { client, socket } = await connectClient();
  const answer = (users: readonly string[]) =>
    socket.answer('presence', { type: 'presence', users: users.map((user) => ({ user, online: true, sinceMs: 1 })) });
  for (const users of [['bob', 'carol'], ['bob']]) {
    const watched = client.watch(users);
    await settle();
    answer(users);
    await watched;
  }
  const ended = client.unwatch(['bob', 'carol']);
  await settle();
  expect(socket.last('presence')).toMatchObject({ users: ['carol'], watch: false });
  answer(['carol']);
  await ended;
  void client.unwatch(['bob']);
  await settle();
  expect(socket.last('presence')).toMatchObject({ users: ['bob'], watch: false });
});
