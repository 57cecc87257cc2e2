import { describe, expect, it } from 'vitest';
import { connectClient } from '../../support/client-session.ts';
import { type FakeSocket, settle } from '../../support/client-world.ts';

describe('signs of life', () => {
  it('pings each heartbeatSeconds in which nothing else was sent', async () => {
    const { world, socket } = await connectClient();
    await world.advance(239_999);
    expect(socket.count('ping')).toBe(0);
    await world.advance(1);
    expect(socket.count('ping')).toBe(1);
    socket.pong();
    await world.advance(240_000);
    expect(socket.count('ping')).toBe(2);
  });

  it('gives up a connection on which nothing answers a heartbeat', async () => {
    const { world, client, socket } = await connectClient({ livenessTimeoutMs: 5_000 });
    await world.advance(240_000);
    await world.advance(4_999);
    expect(client.state.status).toBe('connected');
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
    expect(socket.closedWith).toBe('abrupt');
  });

  it('takes any frame for a sign of life', async () => {
    const { world, client, socket } = await connectClient({ livenessTimeoutMs: 5_000 });
    await world.advance(240_000);
    socket.receive({ type: 'messages', messages: [] });
    await world.advance(9_999);
    expect(client.state.status).toBe('connected');
  });

  it('checks the connection when the world wakes up', async () => {
    const { world, client, socket } = await connectClient();
    world.wake();
    expect(socket.count('ping')).toBe(1);
    await world.advance(5_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('gives it the same time however often it is asked', async () => {
    const { world, client } = await connectClient();
    world.wake();
    await world.advance(4_000);
    world.wake();
    await world.advance(1_000);
    expect(client.state.status).toBe('recovering');
  });

  it('registers once when several frames find the registration expired', async () => {
    const { world, client, socket } = await connectClient();
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
    const { world, client, socket } = await connectClient();
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
    const { world, client, socket } = await connectClient();
    await world.advance(240_000);
    const { id } = socket.last('ping');
    socket.receive({ type: 'error', id, code: 'token_expired', message: 'The token has expired.', retryable: false });
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'token_expired' } });
    await world.advance(500);
    await world.accept();
    expect(client.state.status).toBe('connected');
  });
});

describe('a frame after a minute of silence', () => {
  it('that nothing answers within 3 s is followed by a ping, and 5 s later by another connection, on which it is sent again', async () => {
    const { world, client, socket } = await connectClient();
    await world.advance(60_000);
    const sent = client.sendToUser('bob', 1);
    await world.advance(2_999);
    expect([socket.count('sendMessage'), socket.count('ping')]).toEqual([1, 0]);
    await world.advance(1);
    expect(socket.count('ping')).toBe(1);
    await world.advance(4_999);
    expect(client.state.status).toBe('connected');
    await world.advance(1);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
    expect(socket.closedWith).toBe('abrupt');
    await world.advance(500);
    const next = await world.accept();
    const [message] = socket.last('sendMessage')['messages'] as object[];
    expect(next.last('sendMessage')['messages']).toEqual([{ ...message, retry: true }]);
    next.acknowledge();
    await expect(sent).resolves.toMatchObject({ id: 'id-1', status: 'sent' });
  });

  it('is so whatever it asks for', async () => {
    const { world, client, socket } = await connectClient();
    const asked = client.history({ user: 'bob' });
    await settle();
    socket.answer('history', { type: 'history', conversation: { user: 'bob' }, messages: [] });
    await asked;
    await world.advance(60_000);
    void client.history({ user: 'bob' });
    await world.advance(3_000);
    expect(socket.count('ping')).toBe(1);
  });

  it.each([
    ['its reply', (socket: FakeSocket) => socket.acknowledge()],
    ['a push', (socket: FakeSocket) => socket.receive({ type: 'messages', messages: [] })],
  ])('is not followed by a ping when %s comes in time, nor is the next one', async (_, answer) => {
    const { world, client, socket } = await connectClient();
    await world.advance(60_000);
    void client.sendToUser('bob', 1);
    await world.advance(2_999);
    answer(socket);
    void client.history({ user: 'bob' });
    // The acknowledgement is late after ten seconds.
    await world.advance(7_000);
    expect(socket.count('ping')).toBe(0);
  });

  it('is not doubted when something was heard less than a minute before', async () => {
    const { world, client, socket } = await connectClient();
    await world.advance(30_000);
    socket.receive({ type: 'messages', messages: [] });
    await world.advance(59_999);
    void client.sendToUser('bob', 1);
    await world.advance(9_999);
    expect(socket.count('ping')).toBe(0);
    await world.advance(1);
    expect(socket.count('ping')).toBe(1);
  });

  it('gets one ping, however many follow it', async () => {
    const { world, client, socket } = await connectClient();
    await world.advance(60_000);
    for (let count = 0; count < 5; count += 1) {
      void client.history({ user: 'bob' });
      await world.advance(1_000);
    }
    expect(socket.count('ping')).toBe(1);
    await world.advance(3_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('is not preceded by one', async () => {
    const { world, client, socket } = await connectClient();
    await world.advance(200_000);
    void client.sendToUser('bob', 1);
    await settle();
    expect(socket.sent.at(-1)).toMatchObject({ action: 'sendMessage' });
    expect(socket.count('ping')).toBe(0);
  });

  it('counts the silence of a computer that slept, whose timers stood still', async () => {
    const { world, client, socket } = await connectClient();
    world.jump(3_600_000);
    void client.sendToUser('bob', 1);
    await world.advance(3_000);
    expect(socket.count('ping')).toBe(1);
  });

  it('leaves no timer behind', async () => {
    const { world, client } = await connectClient();
    await world.advance(60_000);
    const sent = expect(client.sendToUser('bob', 1, { echo: false })).rejects.toMatchObject({ code: 'closed' });
    await settle();
    client.close();
    await sent;
    expect(world.timers).toBe(0);
  });
});
