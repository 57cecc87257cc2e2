import { describe, expect, it } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import { nextSince, openNext, resumedClient, returnedSocket, startListening } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

describe('a resume', () => {
  it('takes page after page, and hands each on as it comes', async () => {
    const { world, ids, socket } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100), messageAt(1_200)], { more: true });
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    const cursor = serialFloor(1_000);
    expect(next.last('register')).toEqual({ action: 'register', id: '2', cursor, after: messageAt(1_200).serial });
    next.page([messageAt(1_300)], { more: true });
    await settle();
    expect(next.last('register')).toMatchObject({ cursor, after: messageAt(1_300).serial });
    next.page([messageAt(1_400)]);
    await settle();
    expect(ids).toEqual(['1100', '1200', '1300', '1400']);
    expect(next.count('register')).toBe(3);
    expect(socket.count('register')).toBe(1);
  });

  it('moves the cursor when it is complete, to where its first page stood', async () => {
    const { world } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    next.page([messageAt(1_200)], { more: true, cursor: serialFloor(3_000) });
    await settle();
    next.page([messageAt(3_500)], { cursor: serialFloor(4_000) });
    await settle();
    expect(await nextSince(world)).toBe(serialFloor(2_000));
  });

  it('leaves the cursor when the connection ends before the last page, and brings nothing twice', async () => {
    const { world, client, ids } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    const after = await returnedSocket(world);
    expect(after.last('register')['cursor']).toBe(serialFloor(1_000));
    after.page([messageAt(1_100), messageAt(1_200)]);
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(client.counters.duplicates).toBe(1);
  });

  it('whose last page comes in with the end of its connection counts for nothing', async () => {
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    next.page([messageAt(1_200)]);
    expect(await nextSince(world)).toBe(serialFloor(1_000));
    expect(ids).toEqual(['1100']);
  });

  it('comes before what is pushed meanwhile, which does not move the cursor', async () => {
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
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
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
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
    const { world, client } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true });
    await world.advance(15_000);
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'unresponsive' } });
  });

  it('is begun again when another registration becomes necessary', async () => {
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
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
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true, cursor: serialFloor(2_000) });
    await settle();
    const pushed = Array.from({ length: 10_001 }, (_, index) => messageAt(2_000 + index));
    next.push(...pushed);
    next.page([messageAt(1_200)]);
    await settle();
    expect(ids).toEqual(['1100', '1200']);
    expect(next.last('register')).toMatchObject({ attempt: 1, cursor: serialFloor(1_000) });
    next.page([messageAt(1_100), messageAt(1_200), ...pushed], { cursor: serialFloor(20_000) });
    await settle();
    expect(ids).toHaveLength(10_003);
    expect(await nextSince(world)).toBe(serialFloor(20_000));
  });

  it('of 10,000 messages that breaks off in the middle brings none twice, however long it takes to come back', async () => {
    const { world, ids } = await resumedClient();
    const all = Array.from({ length: 10_000 }, (_, index) => messageAt(200_000 + index));
    const next = await returnedSocket(world);
    next.page(all.slice(0, 9_000), { more: true });
    await settle();
    world.jump(3_600_000);
    const after = await returnedSocket(world);
    const young = [messageAt(4_000_000), messageAt(4_000_001)];
    after.push(...young);
    after.page(all);
    await settle();
    expect(ids).toEqual([...all, ...young].map(({ id }) => id));
  });

  it('leaves no timer behind when the client is closed while it waits to ask again', async () => {
    const { world, client } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { more: true });
    await settle();
    next.refuse('register', 'internal');
    await settle();
    client.close();
    next.pong();
    await settle();
    expect(world.timers).toBe(0);
  });

  it('is not begun when a listener has closed the client', async () => {
    const { world, client, socket } = await resumedClient();
    client.on('message', () => client.close());
    world.wake();
    socket.pong({ messages: [messageAt(1_100)], more: true });
    await settle();
    expect(socket.count('register')).toBe(1);
    socket.pong();
    await settle();
    expect(world.timers).toBe(0);
  });

  it('hands nothing on any more when a listener has closed the client', async () => {
    const { world, client, ids } = startListening();
    client.on('message', () => client.close());
    const socket = await openNext(world);
    socket.push(messageAt(2_000));
    socket.page([messageAt(1_000)]);
    await settle();
    expect(ids).toEqual(['1000']);
    expect(world.timers).toBe(0);
  });
});
