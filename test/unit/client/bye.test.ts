import { describe, expect, it } from 'vitest';
import { connectClient } from '../../support/client-session.ts';
import { settle } from '../../support/client-world.ts';

function bye(reconnect: boolean, retryAfterMs?: number) {
  return { type: 'bye', code: 'disconnected', message: 'Maintenance.', reconnect, retryAfterMs };
}

describe('a server that takes leave', () => {
  it('for good is not asked again', async () => {
    const { world, client, socket } = await connectClient();
    socket.receive(bye(false));
    expect(client.state).toEqual({ status: 'failed', reason: { code: 'disconnected', message: 'Maintenance.' } });
    await world.advance(600_000);
    expect(world.sockets).toHaveLength(1);
    expect(world.timers).toBe(0);
  });

  it('for a while is not asked before, even if somebody looks, and then at random', async () => {
    const { world, client, socket } = await connectClient();
    socket.receive(bye(true, 60_000));
    const retryAtMs = world.now() + 60_500;
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'disconnected' }, retryAtMs });
    await world.advance(60_499);
    world.wake();
    await settle();
    expect(world.sockets).toHaveLength(1);
    await world.advance(1);
    await world.accept();
    expect(client.state.status).toBe('connected');
    world.socket.end();
    world.wake();
    await settle();
    expect(world.sockets).toHaveLength(3);
  });

  it('without saying for how long is asked as after any loss', async () => {
    const { world, socket } = await connectClient();
    socket.receive(bye(true));
    await world.advance(500);
    expect(world.sockets).toHaveLength(2);
  });
});
