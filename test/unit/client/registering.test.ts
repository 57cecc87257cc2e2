import { describe, expect, it } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import { nextSince, openNext, resumedClient, returnedSocket, startListening } from '../../support/client-session.ts';
import { messageAt, sentResult, settle } from '../../support/client-world.ts';

describe('a registration', () => {
  it('has no cursor at first, and that of the first page once everything that waited is there', async () => {
    const { world } = startListening();
    const socket = await openNext(world);
    expect(socket.last('register')).toEqual({ action: 'register', id: '1', attempt: 0 });
    socket.page([messageAt(700)], { cursor: serialFloor(900) });
    await settle();
    const next = await returnedSocket(world);
    expect(next.last('register')).toEqual({ action: 'register', id: '1', attempt: 0, cursor: serialFloor(900) });
  });

  it('on the same connection has the next number and the cursor, and is followed by a resume', async () => {
    const { world, socket, ids } = await resumedClient();
    await world.advance(240_000);
    socket.refuse('ping', 'not_registered');
    await settle();
    const cursor = serialFloor(1_000);
    expect(socket.last('register')).toEqual({ action: 'register', id: '3', attempt: 1, cursor });
    socket.push(messageAt(2_000));
    socket.page([messageAt(1_500)], { more: true, cursor: serialFloor(1_900) });
    await settle();
    socket.page([messageAt(1_600)]);
    await settle();
    expect(ids).toEqual(['1500', '1600', '2000']);
    expect(await nextSince(world)).toBe(serialFloor(1_900));
  });

  it('is one at a time, however many frames find that one is missing', async () => {
    const { world, client, socket } = await resumedClient();
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
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it('that is not answered is made again under the next number, and what the first says late counts for nothing', async () => {
    const { world, socket, ids } = await resumedClient();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    const first = socket.last('register');
    await world.advance(10_000);
    socket.push();
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 2, cursor: serialFloor(1_000) });
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

  it('shares its time with the handshake', async () => {
    const { world, client } = startListening({ connectTimeoutMs: 3_000 });
    await world.advance(2_000);
    await openNext(world);
    await world.advance(999);
    expect(client.state).toEqual({ status: 'connecting' });
    await world.advance(1);
    expect(client.state).toMatchObject({ reason: { code: 'connect_timeout' } });
  });

  it('that a later one has overtaken is made again', async () => {
    const { world, client } = startListening();
    const socket = await openNext(world);
    socket.refuse('register', 'superseded');
    await settle();
    expect(socket.last('register')).toMatchObject({ attempt: 1 });
    socket.register();
    await settle();
    expect(client.state.status).toBe('connected');
  });

  it('of a connection that was removed is left for another connection, which resumes', async () => {
    const { world, client, socket } = await resumedClient();
    world.wake();
    socket.refuse('ping', 'not_registered');
    await settle();
    socket.refuse('register', 'connection_removed');
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'connection_removed' } });
    expect(socket.closedWith).toBe('abrupt');
    await world.advance(500);
    const next = await openNext(world);
    expect(next.last('register')).toMatchObject({ attempt: 0, cursor: serialFloor(1_000) });
  });

  it('that comes in with the end of its connection counts for nothing', async () => {
    const { world, client, ids } = startListening();
    const socket = await openNext(world);
    socket.page([messageAt(700)], { cursor: serialFloor(900) });
    socket.end();
    await settle();
    expect(ids).toEqual([]);
    expect(client.counters.connections).toBe(0);
    await world.advance(500);
    expect((await openNext(world)).last('register')).not.toHaveProperty('cursor');
    client.close();
    expect(world.timers).toBe(0);
  });
});
