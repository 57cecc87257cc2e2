import { describe, expect, it } from 'vitest';
import { connectClient, nextAttempt, resumedClient, tokenUntil } from '../../support/client-session.ts';
import { messageAt, sentResult, settle } from '../../support/client-world.ts';

// A computer that sleeps: its clock goes on, timers do not. A clock that is corrected: by any amount, either way.

const HOUR = 3_600_000;

describe('a computer that wakes up', () => {
  it('asks the old connection for a sign of life, then connects with another token', async () => {
    const tokens = ['before', 'after'];
    const { world, client, socket } = await connectClient({ getToken: () => tokens.shift() ?? '' });
    world.jump(8 * HOUR);
    world.wake();
    expect(socket.count('ping')).toBe(1);
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
    await nextAttempt({ world, client });
    expect((await world.accept()).protocols[1]).toBe('bearer.after');
  });

  it('does without being told, by the heartbeat that was due', async () => {
    const { world, client, socket } = await connectClient();
    await world.advance(239_000);
    world.jump(8 * HOUR);
    await world.advance(1_000);
    expect(socket.count('ping')).toBe(1);
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('sends what waited and has not expired, and rejects what has', async () => {
    const { world, client, socket } = await connectClient();
    socket.end();
    const short = client.sendToUser('bob', 1, { expiresAfterMs: HOUR }).catch((error) => error.code);
    const long = client.sendToUser('bob', 2, { expiresAfterMs: 24 * HOUR });
    await settle();
    world.jump(8 * HOUR);
    world.wake();
    (await world.accept()).acknowledge();
    expect(await short).toBe('expired');
    expect(await long).toEqual(sentResult('id-2'));
  });
});

describe.each([
  ['forwards', 24 * HOUR],
  ['back', -24 * HOUR],
])('a clock that is set %s by a day', (_, ms) => {
  it('changes nothing about the connection, its heartbeat and its end', async () => {
    const { world, client, socket } = await connectClient();
    world.jump(ms);
    await world.advance(240_000);
    expect(socket.count('ping')).toBe(1);
    socket.pong();
    socket.end();
    expect(await nextAttempt({ world, client })).toBe(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });

  it('brings no message twice, and resumes from the same place', async () => {
    const { world, client, socket, ids } = await resumedClient();
    socket.push(messageAt(2_000));
    world.jump(ms);
    socket.push(messageAt(2_000), messageAt(3_000));
    socket.end();
    await nextAttempt({ world, client });
    await settle();
    world.socket.open();
    await settle();
    expect(world.socket.last('register')).toMatchObject({ cursor: messageAt(3_000).serial });
    world.socket.page([messageAt(2_000), messageAt(3_000), messageAt(4_000)]);
    await settle();
    expect(ids).toEqual(['2000', '3000', '4000']);
  });

  it('has another token by the time that its token expires by the clock of the server', async () => {
    const tokens = [tokenUntil(1_000_000 + 400_000), tokenUntil(9_000_000)];
    const { world, socket } = await connectClient({ getToken: () => tokens.shift() ?? '' });
    world.jump(ms);
    await world.advance(240_000);
    socket.pong();
    await world.advance(69_999);
    expect(socket.count('register')).toBe(1);
    await world.advance(1);
    expect(socket.last('register')).toMatchObject({ token: tokenUntil(9_000_000) });
  });
});
