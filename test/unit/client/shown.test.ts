import { describe, expect, it } from 'vitest';
import type { Message, Shown } from '../../../protocol/index.ts';
import { jsonByteLength } from '../../../protocol/json.ts';
import { serialFloor } from '../../../server/serial.ts';
import { openNext, resumedClient, returnedSocket, startListening } from '../../support/client-session.ts';
import { type FakeSocket, messageAt, settle } from '../../support/client-world.ts';

const fromBob = (...ids: string[]): Shown => ({ from: { user: 'bob' }, ids });
const shownOf = (socket: FakeSocket) => socket.last('ping')['shown'] as Shown[] | undefined;
const of = (from: Message['from'], sentAt: number): Message => ({ ...messageAt(sentAt), from });

/** A client without a cursor, whose first resume brings these messages and says that others have shown some of them. */
async function openPage(messages: readonly Message[], shown: Shown[], more = false) {
  const page = startListening();
  const socket = await openNext(page.world);
  socket.register({}, 200_000, { messages, shown, more });
  await settle();
  return { ...page, socket };
}

describe('what was shown', () => {
  it('is told with the cursor as soon as the first resume is complete', async () => {
    const { socket } = await openPage([messageAt(199_000), messageAt(199_500)], []);
    const shown = [fromBob('199500', '199000')];
    expect(socket.last('ping')).toEqual({ action: 'ping', id: '2', cursor: serialFloor(200_000), shown });
  });

  it('is by sender and id, the newest first, what a resume from the cursor brings again, and nothing older', async () => {
    const { world, socket } = await resumedClient();
    socket.push(messageAt(1_100), messageAt(130_000), of({ service: 'bob' }, 140_000), of({ user: 'a b' }, 150_000));
    socket.push(messageAt(30_000, 'late'), messageAt(29_999, 'later'));
    world.hide();
    expect(shownOf(socket)).toEqual([
      fromBob('late', '130000'),
      { from: { user: 'a b' }, ids: ['150000'] },
      { from: { service: 'bob' }, ids: ['140000'] },
    ]);
  });

  it('is told with every ping until the server knows, and then no more until there is something new', async () => {
    const { world, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    world.hide();
    socket.push(messageAt(1_200));
    socket.pong();
    await settle();
    world.hide();
    expect(shownOf(socket)).toEqual([fromBob('1200', '1100')]);
    const next = await returnedSocket(world);
    next.page([]);
    await settle();
    expect(shownOf(next)).toEqual([fromBob('1200', '1100')]);
    next.pong();
    await settle();
    world.hide();
    expect(next.count('ping')).toBe(1);
    await world.advance(240_000);
    expect(next.last('ping')).toEqual({ action: 'ping', id: '3', cursor: messageAt(1_200).serial });
  });

  it('has its own messages, of which a resume brings copies', async () => {
    const { world, client, socket } = await resumedClient();
    void client.sendToUser('bob', 1, { id: 'own', echo: true });
    await settle();
    world.hide();
    expect(shownOf(socket)).toEqual([{ from: { user: 'alice' }, ids: ['own'] }]);
  });

  it('is at most a hundred messages', async () => {
    const { world, socket } = await resumedClient();
    socket.push(...Array.from({ length: 150 }, (_, index) => messageAt(1_100 + index)));
    world.hide();
    expect(shownOf(socket)?.flatMap(({ ids }) => ids)).toEqual(
      Array.from({ length: 100 }, (_, index) => String(1_249 - index)),
    );
  });

  it('takes at most as many bytes as the server lets through', async () => {
    const { world, socket } = await resumedClient();
    socket.push(
      ...Array.from({ length: 100 }, (_, index) => of({ user: '漢'.repeat(255) + (index % 10) }, 1_100 + index)),
    );
    world.hide();
    const shown = shownOf(socket) ?? [];
    expect(jsonByteLength(shown)).toBeLessThanOrEqual(8_192);
    expect(jsonByteLength(shown)).toBeGreaterThan(7_000);
    expect(shown[0]).toEqual({
      from: { user: `${'漢'.repeat(255)}9` },
      ids: ['1199', '1189', '1179', '1169'].slice(0, shown[0]?.ids.length),
    });
  });

  it('is not told again to a server that does not know what it is, which gets its pings all the same', async () => {
    const { world, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    await world.advance(240_000);
    socket.refuse('ping', 'invalid_frame');
    await settle();
    expect(socket.last('ping')).toEqual({ action: 'ping', id: '3', cursor: messageAt(1_100).serial });
    socket.pong();
    socket.push(messageAt(1_200));
    world.hide();
    await settle();
    expect(socket.count('ping')).toBe(2);
  });
});

describe('what another page has shown', () => {
  it('is not handed over, on whichever page of the resume or as a push, and the rest is', async () => {
    const { socket, ids, client } = await openPage(
      [messageAt(100), messageAt(200)],
      [fromBob('200', '300', '500')],
      true,
    );
    socket.push(messageAt(500), messageAt(600));
    socket.page([messageAt(300), messageAt(400)]);
    await settle();
    expect(ids).toEqual(['100', '400', '600']);
    expect(client.counters.duplicates).toBe(3);
  });

  it('says nothing of a message that came late, with an earlier serial, or from somebody else', async () => {
    const { ids } = await openPage(
      [messageAt(100, 'late'), messageAt(200), of({ user: 'carol' }, 300), of({ service: 'bob' }, 300)],
      [fromBob('200', '300')],
    );
    expect(ids).toEqual(['late', '300', '300']);
  });

  it('is told on by the next one, as long as it can come again', async () => {
    const { world, socket } = await openPage([messageAt(199_000), messageAt(199_500)], [fromBob('199000')]);
    expect(shownOf(socket)).toEqual([fromBob('199500', '199000')]);
    socket.pong();
    socket.push(messageAt(400_000));
    world.hide();
    expect(shownOf(socket)).toEqual([fromBob('400000')]);
  });

  it('makes no news: a page that has nothing to show has nothing to tell', async () => {
    const { world, socket } = await openPage([messageAt(199_000)], [fromBob('199000')]);
    world.hide();
    expect(socket.count('ping')).toBe(0);
  });

  it('is no matter for a device with a cursor, which gets it though a server should say so', async () => {
    const { world, ids } = await resumedClient();
    const next = await returnedSocket(world);
    next.page([messageAt(1_100)], { shown: [fromBob('1100')] });
    await settle();
    expect(ids).toEqual(['1100']);
  });

  it.each([[{}], [[null]], [[{ from: 'bob', ids: [] }]], [[{ from: { user: 'bob' } }]]])(
    'is ignored with its frame when it is not what it should be: %j',
    async (shown) => {
      const { world, client } = startListening();
      const socket = await openNext(world);
      socket.page([], { shown: shown as unknown as Shown[] });
      expect(client.counters.ignoredFrames).toBe(1);
    },
  );
});

describe('a client that is closed', () => {
  it('tells what it has shown, hands nothing on any more, and closes the connection when the server knows', async () => {
    const { world, client, socket, ids } = await resumedClient();
    socket.push(messageAt(1_100));
    client.close();
    expect(client.state.status).toBe('closed');
    expect(shownOf(socket)).toEqual([fromBob('1100')]);
    expect(socket.closedWith).toBeUndefined();
    socket.push(messageAt(1_200));
    socket.receive({ type: 'bye', code: 'revoked', message: '', reconnect: true });
    await settle();
    expect(socket.closedWith).toBeUndefined();
    socket.pong({ messages: [messageAt(1_100), messageAt(1_200)] });
    await settle();
    expect(socket.closedWith).toBe(1000);
    expect(ids).toEqual(['1100']);
    expect(client.state.status).toBe('closed');
    expect([world.timers, world.watchers, world.sockets.length]).toEqual([0, 0, 1]);
  });

  it.each<[string, (socket: FakeSocket) => unknown]>([
    ['the answer is an error', (socket) => socket.refuse('ping', 'not_registered')],
    ['the connection ends', (socket) => socket.end()],
  ])('waits no longer when %s', async (_, happen) => {
    const { world, client, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    client.close();
    happen(socket);
    await settle();
    expect(socket.closedWith).toBe(1000);
    expect(world.timers).toBe(0);
  });

  it('waits two seconds for an answer, and not longer', async () => {
    const { world, client, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    client.close();
    await world.advance(1_999);
    expect(socket.closedWith).toBeUndefined();
    await world.advance(1);
    expect(socket.closedWith).toBe(1000);
    expect(world.timers).toBe(0);
  });

  it('closes at once when there is nothing to tell', async () => {
    const { world, client, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    world.hide();
    socket.pong();
    await settle();
    client.close();
    expect(socket.closedWith).toBe(1000);
    expect([world.timers, world.watchers]).toEqual([0, 0]);
  });
});

describe('what was read', () => {
  it('is told to be shown as well, before the call resolves', async () => {
    const { world, client, socket } = await resumedClient();
    socket.push(messageAt(1_100));
    let done = false;
    void client.markRead({ user: 'bob' }, messageAt(1_100).serial).then(() => {
      done = true;
    });
    await world.advance(1_000);
    expect(shownOf(socket)).toEqual([fromBob('1100')]);
    socket.answer('mark', { type: 'marked' });
    await settle();
    expect(done).toBe(false);
    socket.pong();
    await settle();
    expect(done).toBe(true);
  });

  it('is marked all the same when the other is refused, or nothing is to be told', async () => {
    const { world, client, socket } = await resumedClient();
    for (const refused of [true, false]) {
      if (refused) socket.push(messageAt(1_100));
      const read = client.markRead({ user: 'bob' }, messageAt(1_100).serial);
      await world.advance(1_000);
      socket.answer('mark', { type: 'marked' });
      if (refused) socket.refuse('ping', 'rate_limited');
      await read;
      socket.push(messageAt(1_200));
      world.hide();
      socket.pong();
      await settle();
    }
    expect(socket.count('ping')).toBe(2);
  });

  it('is not told for a receipt, of which there may be one a second', async () => {
    const { world, socket } = await resumedClient();
    socket.push({ ...messageAt(1_100), receipt: true });
    await world.advance(1_000);
    expect([socket.count('mark'), socket.count('ping')]).toEqual([1, 0]);
  });
});
