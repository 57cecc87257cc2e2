import { describe, expect, it } from 'vitest';
import { connectClient } from '../../support/client-session.ts';
import { type ClientWorld, settle } from '../../support/client-world.ts';

describe('replacing a connection', () => {
  const age = 110 * 60_000 * 0.95;

  /** Lets the heartbeats of the newest socket be answered until it is `ms` old. */
  async function live(world: ClientWorld, ms: number): Promise<void> {
    const { socket } = world;
    for (let passed = 0; passed < ms; passed += 60_000) {
      await world.advance(Math.min(60_000, ms - passed));
      if (socket.count('ping') > 0) socket.pong();
    }
  }

  it('opens the next one before it leaves the old one', async () => {
    const { world, client, states, socket } = await connectClient();
    await live(world, age);
    expect(world.sockets).toHaveLength(2);
    expect(client.state.status).toBe('connected');
    expect(socket.closedWith).toBeUndefined();
    await world.accept();
    expect(socket.closedWith).toBe(1000);
    expect(states.every(({ status }) => status === 'connected')).toBe(true);
  });

  it('leaves the old one only when nothing is under way on it any more', async () => {
    const { world, client, socket } = await connectClient();
    await live(world, age - 1);
    const sent = client.sendToUser('bob', 1);
    await world.advance(1);
    const next = await world.accept();
    expect(socket.closedWith).toBeUndefined();
    const late = client.sendToUser('bob', 2);
    await settle();
    expect(next.count('sendMessage')).toBe(0);
    socket.acknowledge();
    await sent;
    expect(socket.closedWith).toBe(1000);
    await settle();
    next.acknowledge();
    await expect(late).resolves.toMatchObject({ status: 'sent' });
  });

  it('leaves nothing of the old one behind when the client is closed before that', async () => {
    const { world, client, socket } = await connectClient();
    await live(world, age - 1);
    const sent = expect(client.sendToUser('bob', 1, { echo: false })).rejects.toMatchObject({
      code: 'closed',
      maybeDelivered: true,
    });
    await world.advance(1);
    const next = await world.accept();
    client.close();
    await sent;
    expect([socket.closedWith, next.closedWith]).toEqual([1000, 1000]);
    expect(world.timers).toBe(0);
  });

  it('stays connected, and tries again, when the next one cannot be had', async () => {
    const { world, client } = await connectClient();
    await live(world, age);
    world.socket.end();
    expect(client.state.status).toBe('connected');
    await world.advance(500);
    await world.accept();
    expect(world.sockets).toHaveLength(3);
    expect(world.sockets[0]?.closedWith).toBe(1000);
  });

  it('waits for the one that is being opened when the old one ends', async () => {
    const { world, client, socket } = await connectClient();
    await live(world, age);
    socket.end(1001);
    expect(client.state).toEqual({ status: 'recovering', reason: expect.objectContaining({ closeCode: 1001 }) });
    await world.accept();
    expect(client.state.status).toBe('connected');
    expect(world.sockets).toHaveLength(2);
  });
});
