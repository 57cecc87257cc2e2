import { describe, expect, it } from 'vitest';
import { connectClient } from '../../support/client-session.ts';
import { settle } from '../../support/client-world.ts';

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
