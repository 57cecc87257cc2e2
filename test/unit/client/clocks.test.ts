import { describe, expect, it } from 'vitest';
import type { Gap } from '../../../client/api.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import type { Snapshot } from '../../../client/storage/storage.ts';
import { serialFloor } from '../../../server/serial.ts';
import { dataOf, openNext, returnedSocket } from '../../support/client-session.ts';
import { messageAt, roomMessageAt, sentResult, settle } from '../../support/client-world.ts';
import { FakeBrowser, type Page } from '../../support/pages.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
/** By the server's clock. */
const START = 1_800_000_000_000;

/** Opens a page on a device whose clock is ahead of the server's by so much. */
function openPage(browser: FakeBrowser, aheadMs: number, options: Partial<ConnectOptions> = {}) {
  const page = browser.open(options);
  page.world.jump(START + aheadMs - page.world.now());
  const gaps: Gap[] = [];
  page.client.on('gap', (gap) => gaps.push(gap));
  return Object.assign(page, { gaps });
}

/** Opens the page's connection, and completes its resume at a moment of the server's. */
async function connect({ world }: Page, serverTime: number) {
  const socket = await openNext(world);
  socket.register({}, serverTime);
  await settle();
  return socket;
}

/** Joins the lobby for the first time, at a moment of the server's. */
async function join({ client, world: { socket } }: Page, serverTime: number): Promise<void> {
  const joined = client.join('lobby');
  await settle();
  socket.joined([], { cursor: serialFloor(serverTime), serverTime });
  await joined;
}

async function rejoin({ client, world }: Page) {
  client.join('lobby').catch(() => {});
  await settle();
  return world.socket.last('join')['cursor'];
}

const CLOCKS = [
  ['right', 0],
  ['25 hours ahead', 25 * HOUR],
  ['30 hours behind', -30 * HOUR],
] as const;

describe.each(CLOCKS)('a page that is reloaded on a device whose clock is %s', (_, aheadMs) => {
  describe.each(CLOCKS)('and was %s before', (__, beforeMs) => {
    it('goes on in a room where it was, and misses nothing', async () => {
      const browser = new FakeBrowser();
      const page = openPage(browser, beforeMs);
      await connect(page, START);
      await join(page, START + SECOND);
      page.world.socket.push(roomMessageAt(START + 2 * SECOND));
      await page.leave();

      const next = openPage(browser, aheadMs);
      const socket = await connect(next, START + 5 * SECOND);
      expect(await rejoin(next)).toBe(serialFloor(START + 2 * SECOND));
      socket.joined([roomMessageAt(START + 2 * SECOND), roomMessageAt(START + 3 * SECOND)], {
        serverTime: START + 5 * SECOND,
      });
      await settle();
      expect(next.ids).toEqual([String(START + 3 * SECOND)]);
      expect(next.gaps).toEqual([]);
    });

    it('is told after a day in a room that messages are missing, and begins anew', async () => {
      const browser = new FakeBrowser();
      const page = openPage(browser, beforeMs);
      await connect(page, START);
      await join(page, START);
      await page.leave();
      // A page that does not join changes nothing.
      const other = openPage(browser, aheadMs);
      await connect(other, START + 30 * HOUR);
      await other.leave();

      const next = openPage(browser, aheadMs);
      void next.client.join('lobby');
      const socket = await connect(next, START + 49 * HOUR);
      expect(socket.last('join')).not.toHaveProperty('cursor');
      expect(next.gaps).toEqual([{ room: 'lobby', sinceMs: START }]);
      socket.joined([], { cursor: serialFloor(START + 49 * HOUR), serverTime: START + 49 * HOUR });
      await settle();
      const again = await returnedSocket(next.world);
      again.register({}, START + 49 * HOUR + MINUTE);
      await settle();
      again.joined([roomMessageAt(START + 49 * HOUR - MINUTE), roomMessageAt(START + 49 * HOUR + SECOND)]);
      await settle();
      expect(next.ids).toEqual([String(START + 49 * HOUR + SECOND)]);
      expect(next.gaps).toHaveLength(1);
    });

    it('sends what was queued until it expires by the clock of the server', async () => {
      for (const [serverTime, isSent] of [
        [START + 59 * SECOND, true],
        [START + 61 * SECOND, false],
      ] as const) {
        const browser = new FakeBrowser();
        const page = openPage(browser, beforeMs, { messageExpiryMs: MINUTE });
        await connect(page, START).then((socket) => socket.end());
        page.client.sendToUser('bob', 'queued').catch(() => {});
        await page.leave();

        const next = openPage(browser, aheadMs);
        await settle();
        expect(next.lateResults).toEqual([]);
        const socket = await connect(next, serverTime);
        if (isSent) {
          expect(dataOf(socket)).toEqual(['queued']);
          expect(next.lateResults).toEqual([]);
          await next.world.advance(5 * SECOND);
          socket.acknowledge();
          await settle();
          expect(next.lateResults).toEqual([{ id: 'page1-2', result: sentResult('page1-2') }]);
        } else {
          expect(socket.count('sendMessage')).toBe(0);
          expect(next.lateResults).toMatchObject([{ id: 'page1-2', error: { code: 'expired' } }]);
        }
      }
    });

    it('does not hand over its own messages, which a resume brings', async () => {
      const browser = new FakeBrowser();
      const page = openPage(browser, beforeMs);
      const socket = await connect(page, START);
      page.client.sendToUser('bob', 1, { id: 'own', echo: true }).catch(() => {});
      await settle();
      socket.acknowledge();
      await settle();
      page.world.jump(20 * MINUTE);
      page.client.sendToUser('bob', 2).catch(() => {});
      await page.leave();

      const last = openPage(browser, aheadMs);
      const lastSocket = await openNext(last.world);
      const own = { ...messageAt(START + 30 * SECOND, 'own'), from: { user: 'alice' } };
      lastSocket.register({}, START + 21 * MINUTE, { messages: [own, messageAt(START + 31 * SECOND, 'other')] });
      await settle();
      expect(last.ids).toEqual(['other']);
    });
  });

  it('without a word of the server expires what was queued by its own clock, as there is no other', async () => {
    const browser = new FakeBrowser();
    const page = openPage(browser, aheadMs, { messageExpiryMs: MINUTE });
    await settle();
    page.client.sendToUser('bob', 'early').catch(() => {});
    await page.world.advance(30 * SECOND);
    page.client.sendToUser('bob', 'late').catch(() => {});
    await page.leave();

    const next = openPage(browser, aheadMs);
    next.world.jump(61 * SECOND);
    await next.world.advance(0);
    expect(next.lateResults).toMatchObject([{ error: { code: 'expired' } }]);
    // Its clock is as wrong as before.
    const socket = await connect(next, START + 61 * SECOND);
    expect(dataOf(socket)).toEqual(['late']);
    socket.end();
    await next.leave();
    const last = openPage(browser, 0);
    expect((await connect(last, START + 91 * SECOND)).count('sendMessage')).toBe(0);
    expect(last.lateResults).toMatchObject([{ error: { code: 'expired' } }]);
  });

  it('forgets what it has seen and nothing can bring again', async () => {
    const browser = new FakeBrowser();
    const page = openPage(browser, aheadMs);
    const socket = await connect(page, START);
    page.client.sendToUser('bob', 1, { id: 'own', echo: true }).catch(() => {});
    await settle();
    socket.acknowledge();
    socket.push(messageAt(START + SECOND));
    await settle();
    page.world.jump(25 * MINUTE);
    socket.push(messageAt(START + 25 * MINUTE));
    await page.leave();
    const [text = ''] = browser.stored.values();
    const { feeds } = JSON.parse(text) as Snapshot;
    expect(feeds['user#alice']?.seen).toHaveLength(1);
  });
});

describe('what was said in a room before the page joined it', () => {
  const before = roomMessageAt(START - 1_500);

  it('is not handed over after any number of reloads', async () => {
    const browser = new FakeBrowser();
    const page = openPage(browser, 0);
    await connect(page, START);
    await join(page, START);
    await page.leave();
    for (let reload = 1; reload <= 3; reload += 1) {
      const next = openPage(browser, 0);
      const socket = await connect(next, START + reload * SECOND);
      expect(await rejoin(next)).toBe(serialFloor(START + (reload - 1) * SECOND));
      const later = roomMessageAt(START + reload * SECOND - 1);
      socket.joined([before, later], { cursor: serialFloor(START + reload * SECOND) });
      await settle();
      expect(next.ids).toEqual([later.id]);
      await next.leave();
    }
  });

  it('is not handed over, nor out of order, when another tab leads, be it one that was there or one that comes later', async () => {
    const browser = new FakeBrowser();
    const open = () => openPage(browser, 0, { shareAcrossTabs: true });
    const tabs = [open(), open()] as const;
    const [leader, follower] = tabs;
    await connect(leader, START);
    await settle();
    await join(leader, START);
    leader.world.socket.push(roomMessageAt(START + SECOND));
    const late = open();
    await settle();
    for (const [index, [gone, next]] of (
      [
        [leader, follower],
        [follower, late],
      ] as const
    ).entries()) {
      await gone.crash();
      const serverTime = START + (10 + index) * SECOND;
      const socket = await connect(next, serverTime);
      socket.joined([before, roomMessageAt(START + SECOND), roomMessageAt(serverTime - 1)], {
        cursor: serialFloor(serverTime),
      });
      await settle();
      expect(next.ids.at(-1)).toBe(String(serverTime - 1));
    }
    expect(follower.ids).toEqual([START + SECOND, START + 10 * SECOND - 1].map(String));
    expect(late.ids).toEqual([START + 10 * SECOND - 1, START + 11 * SECOND - 1].map(String));
  });

  it('is handed over when the page asks for it', async () => {
    const browser = new FakeBrowser();
    const page = openPage(browser, 0);
    await connect(page, START);
    await join(page, START);
    await page.leave();
    const next = openPage(browser, 0);
    // Before the storage is open, and after.
    for (const early of [true, false]) {
      if (!early) await next.client.leave('lobby').catch(() => {});
      void next.client.join('lobby', { after: before.serial }).catch(() => {});
      const socket = early ? await connect(next, START + SECOND) : next.world.socket;
      await settle();
      expect(socket.last('join')['cursor']).toBe(before.serial);
      socket.joined([before], { cursor: serialFloor(START + SECOND) });
      await settle();
      expect(next.ids).toEqual([before.id]);
      if (early) {
        void next.client.leave('lobby');
        await settle();
        socket.answer('leave', { type: 'left', room: 'lobby' });
        await settle();
        next.ids.length = 0;
      }
    }
  });

  it('is handed over of two tabs’ memory from the earlier joining on, as neither may have had it', async () => {
    const browser = new FakeBrowser();
    const pages = [openPage(browser, 0), openPage(browser, 0)] as const;
    for (const [index, page] of pages.entries()) {
      await connect(page, START);
      await join(page, START + index * MINUTE);
      page.world.socket.push(roomMessageAt(START + MINUTE + (index + 1) * SECOND));
    }
    for (const page of pages) await page.leave();
    const next = openPage(browser, 0);
    const socket = await connect(next, START + 2 * MINUTE);
    expect(await rejoin(next)).toBe(serialFloor(START + MINUTE + 2 * SECOND));
    socket.joined([
      before,
      roomMessageAt(START + 30 * SECOND),
      roomMessageAt(START + MINUTE + SECOND),
      roomMessageAt(START + MINUTE + 2 * SECOND),
    ]);
    await settle();
    expect(next.ids).toEqual([String(START + 30 * SECOND)]);
  });
});

describe('rooms that nobody has joined again', () => {
  it('are left also without having been joined', async () => {
    const browser = new FakeBrowser();
    const page = openPage(browser, 0);
    await connect(page, START);
    await join(page, START);
    await page.leave();
    const next = openPage(browser, 0);
    await connect(next, START + SECOND);
    await next.client.leave('lobby');
    expect(await rejoin(next)).toBeUndefined();
  });

  it('are kept, the newest five hundred of them, after a day without what was seen there', async () => {
    const browser = new FakeBrowser();
    const state = (index: number) => ({
      cursor: serialFloor(START + index),
      floor: serialFloor(START),
      seen: [[`user ${index} bob`, START, START + index]],
    });
    const rooms = Array.from({ length: 600 }, (_, index) => [`room#${index}`, state(index)] as const);
    const record = { feeds: Object.fromEntries(rooms), outbox: [] };
    browser.stored.set('beckon/2 ws://test/prod alice x', JSON.stringify(record));
    for (const [reload, isOld] of [false, true].entries()) {
      const page = openPage(browser, 0);
      await connect(page, START + reload * 25 * HOUR);
      page.world.socket.push(messageAt(START + reload));
      await page.leave();
      const [text = ''] = browser.stored.values();
      const { 'user#alice': _, ...feeds } = (JSON.parse(text) as Snapshot).feeds;
      expect(Object.keys(feeds)).toHaveLength(500);
      expect(feeds['room#100']).toEqual(isOld ? { cursor: state(100).cursor } : state(100));
    }
  });
});
