import { describe, expect, it } from 'vitest';
import { serialFloor } from '../../../server/serial.ts';
import { openNext } from '../../support/client-session.ts';
import { type FakeSocket, messageAt, roomMessageAt, settle } from '../../support/client-world.ts';
import { FakeBrowser, type Page } from '../../support/pages.ts';

const MOMENT = 1_000_000;

async function connect({ world }: Page): Promise<FakeSocket> {
  const socket = await openNext(world);
  socket.page([], { cursor: serialFloor(MOMENT) });
  await settle();
  return socket;
}

async function join({ client }: Page, socket: FakeSocket): Promise<void> {
  const joined = client.join('lobby');
  await settle();
  socket.joined([], { cursor: serialFloor(MOMENT) });
  await joined;
}

describe('a page that is reloaded', () => {
  it('goes on in a room where it was, and hands over nothing that it has seen', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await connect(page);
    await join(page, socket);
    socket.push(roomMessageAt(MOMENT + 1_000));
    await page.leave();

    const next = browser.open();
    const nextSocket = await connect(next);
    expect(nextSocket.count('join')).toBe(0);
    void next.client.join('lobby');
    await settle();
    expect(nextSocket.last('join')).toMatchObject({ cursor: roomMessageAt(MOMENT + 1_000).serial });
    nextSocket.joined([roomMessageAt(MOMENT + 1_000), roomMessageAt(MOMENT + 2_000)]);
    await settle();
    expect(next.ids).toEqual([String(MOMENT + 2_000)]);
  });

  it('goes on there also when it joins before it is connected, and after a page that did not join', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await join(page, await connect(page));
    await page.leave();
    const other = browser.open();
    await connect(other);
    await other.leave();

    const next = browser.open();
    void next.client.join('lobby');
    expect((await connect(next)).last('join')).toMatchObject({ cursor: serialFloor(MOMENT) });
  });

  it('begins anew in a room that was left', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await connect(page);
    await join(page, socket);
    const left = page.client.leave('lobby');
    await settle();
    socket.answer('leave', { type: 'left', room: 'lobby' });
    await left;
    await page.leave();

    const next = browser.open();
    void next.client.join('lobby');
    expect((await connect(next)).last('join')).not.toHaveProperty('cursor');
  });
});

describe('tabs that share a connection', () => {
  async function share() {
    const browser = new FakeBrowser();
    const open = () => browser.open({ shareAcrossTabs: true });
    const leader = open();
    const socket = await connect(leader);
    const follower = open();
    await settle();
    return { open, leader, socket, follower };
  }

  it('are in the same rooms, whichever joins them, and one that comes later is, too', async () => {
    const { open, leader, socket, follower } = await share();
    await join(follower, socket);
    const late = open();
    await settle();
    socket.push(roomMessageAt(MOMENT + 1_000));
    await settle();
    for (const { ids } of [leader, follower, late]) expect(ids).toEqual([String(MOMENT + 1_000)]);
    await leader.client.join('lobby');
    expect(socket.count('join')).toBe(1);
  });

  it('leave a room together', async () => {
    const { leader, socket, follower } = await share();
    await join(follower, socket);
    const left = leader.client.leave('lobby');
    await settle();
    socket.answer('leave', { type: 'left', room: 'lobby' });
    await left;
    socket.push(roomMessageAt(MOMENT + 1_000));
    await settle();
    expect([...leader.ids, ...follower.ids]).toEqual([]);
    await leader.crash();
    expect((await connect(follower)).count('join')).toBe(0);
  });

  it('stay in their rooms, from where they were, when another one leads', async () => {
    const { leader, socket, follower } = await share();
    await join(leader, socket);
    socket.push(roomMessageAt(MOMENT + 1_000));
    await settle();
    await leader.crash();
    const next = await connect(follower);
    expect(next.last('join')).toMatchObject({ room: 'lobby', cursor: roomMessageAt(MOMENT + 1_000).serial });
    next.joined([roomMessageAt(MOMENT + 1_000), roomMessageAt(MOMENT + 2_000)]);
    await settle();
    expect(follower.ids).toEqual([String(MOMENT + 1_000), String(MOMENT + 2_000)]);
  });

  it('watch together, and go on when another one leads', async () => {
    const { leader, socket, follower } = await share();
    const changes: unknown[] = [];
    for (const { client } of [leader, follower]) client.on('presence', (change) => changes.push(change));
    const watched = follower.client.watch(['bob', 'carol']);
    await settle();
    socket.answer('presence', { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: 1 }] });
    await watched;
    const gone = { user: 'bob', online: false, sinceMs: 2 };
    socket.receive({ type: 'presence', users: [gone] });
    await settle();
    expect(changes).toEqual([{ users: [gone] }, { users: [gone] }]);
    await leader.crash();
    const next = await connect(follower);
    expect(next.last('presence')).toMatchObject({ users: ['bob', 'carol'], watch: true });
    next.answer('presence', { type: 'presence', users: [gone, { user: 'carol', online: true, sinceMs: 3 }] });
    await settle();
    expect(changes.slice(2)).toEqual([{ users: [{ user: 'carol', online: true, sinceMs: 3 }] }]);
  });

  it('get no copy of what one of them has sent, though a resume brings it', async () => {
    const { leader, socket, follower } = await share();
    await join(leader, socket);
    void follower.client.sendToRoom('lobby', 1);
    await settle();
    const { messages } = socket.last('sendMessage') as unknown as { messages: { id: string }[] };
    socket.acknowledge();
    socket.end();
    await leader.world.advance(500);
    const next = await connect(leader);
    next.joined([{ ...roomMessageAt(MOMENT + 1_000), from: { user: 'alice' }, id: messages[0]?.id ?? '' }]);
    await settle();
    expect([...leader.ids, ...follower.ids]).toEqual([]);
  });

  it('confirm a message once', async () => {
    const { leader, socket, follower } = await share();
    socket.push({ ...messageAt(MOMENT + 1_000), receipt: true });
    await leader.world.advance(1_000);
    await follower.world.advance(1_000);
    expect(follower.ids).toHaveLength(1);
    expect(socket.count('mark')).toBe(1);
    await leader.crash();
    const next = await connect(follower);
    await follower.world.advance(2_000);
    expect(next.count('mark')).toBe(0);
  });
});
