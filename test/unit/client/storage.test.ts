import { describe, expect, it } from 'vitest';
import type { Snapshot } from '../../../client/storage/storage.ts';
import { serialFloor } from '../../../server/serial.ts';
import { dataOf, openNext, returnedSocket } from '../../support/client-session.ts';
import { messageAt, sentResult, settle } from '../../support/client-world.ts';
import { FakeBrowser, type Page, tokenOf } from '../../support/pages.ts';

/** Opens the page's connection, and completes its resume at a moment of the server's. */
async function resume({ world }: Page, atMs: number) {
  const socket = await openNext(world);
  socket.page([], { cursor: serialFloor(atMs), serverTime: atMs });
  await settle();
  return socket;
}

/** Opens the page's connection, and gives from where it resumes. */
async function sinceOf({ world }: Page): Promise<unknown> {
  return (await openNext(world)).last('register')['cursor'];
}

function send({ client }: Page, data: unknown): void {
  client.sendToUser('bob', data).catch(() => {});
}

describe('a page that is reloaded', () => {
  it('sends what was queued, in order, under the same ids, before anything later, and says that it may have come', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await page.world.accept();
    send(page, 1);
    await settle();
    socket.end();
    send(page, 2);
    await page.leave();

    const next = browser.open();
    send(next, 3);
    const nextSocket = await next.world.accept();
    expect(nextSocket.last('sendMessage')['messages']).toEqual([
      { to: { user: 'bob' }, id: 'page1-2', data: 1, retry: true },
      { to: { user: 'bob' }, id: 'page1-3', data: 2, retry: true },
      { to: { user: 'bob' }, id: 'page2-1', data: 3 },
    ]);
    nextSocket.acknowledge();
    await settle();
    expect(next.lateResults).toEqual(['page1-2', 'page1-3'].map((id) => ({ id, result: sentResult(id) })));
    await next.leave();
    expect((await browser.open().world.accept()).count('sendMessage')).toBe(0);
  });

  it('is told of what is refused, and of what has expired meanwhile', async () => {
    const browser = new FakeBrowser();
    const page = browser.open({ messageExpiryMs: 60_000 });
    await page.world.accept().then((socket) => socket.end());
    send(page, 'expires');
    void page.client.sendToUser('', 'refused', { expiresAfterMs: 300_000 });
    await page.leave();

    const next = browser.open();
    next.world.jump(60_001);
    const socket = await next.world.accept();
    await next.world.advance(0);
    expect(dataOf(socket)).toEqual(['refused']);
    socket.refuse('sendMessage', 'invalid_frame');
    await settle();
    expect(next.lateResults).toMatchObject([
      { id: 'page1-2', error: { name: 'BeckonError', code: 'expired', maybeDelivered: true } },
      { id: 'page1-3', error: { name: 'BeckonError', code: 'invalid_frame' } },
    ]);
  });

  it('resumes from where it was, and hands over nothing that it has seen, though the overlap brings it again', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await resume(page, 1_000_000);
    socket.push(messageAt(1_001_000), messageAt(1_002_000));
    expect(page.ids).toHaveLength(2);
    await page.leave();

    const next = browser.open();
    const nextSocket = await openNext(next.world);
    expect(nextSocket.last('register')['cursor']).toBe(messageAt(1_002_000).serial);
    nextSocket.page([messageAt(1_001_000), messageAt(1_002_000), messageAt(1_003_000)]);
    await settle();
    expect(next.ids).toEqual(['1003000']);
    expect(next.client.counters.duplicates).toBe(2);
  });

  it('begins a resume again that was broken off, and brings none of its messages twice', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await resume(page, 1_000_000);
    const again = await returnedSocket(page.world);
    again.page([messageAt(1_001_000)], { more: true, cursor: serialFloor(2_000_000) });
    await settle();
    expect(page.ids).toEqual(['1001000']);
    await page.leave();

    const next = browser.open();
    const socket = await openNext(next.world);
    expect(socket.last('register')['cursor']).toBe(serialFloor(1_000_000));
    socket.page([messageAt(1_001_000), messageAt(1_002_000)]);
    await settle();
    expect(next.ids).toEqual(['1002000']);
  });

  it('loses nothing either when it crashes, except what happened in the last moment', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await resume(page, 1_000_000);
    page.world.socket.end();
    send(page, 'written');
    await page.world.advance(250);
    send(page, 'too late');
    await page.crash();
    expect(dataOf(await browser.open().world.accept())).toEqual(['written']);
  });

  it('has its messages also when its successor crashes before it has sent them', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await settle();
    send(page, 1);
    await page.leave();
    const second = browser.open();
    await settle();
    await second.crash();
    expect(dataOf(await browser.open().world.accept())).toEqual([1]);
  });

  it('takes no message that was taken back, refused or sent', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await page.world.accept();
    send(page, 'sent');
    await settle();
    socket.acknowledge();
    await settle();
    const controller = new AbortController();
    const takenBack = page.client.sendToUser('bob', 'taken back', { signal: controller.signal });
    controller.abort();
    await expect(takenBack).rejects.toThrow();
    await page.leave();
    expect((await browser.open().world.accept()).count('sendMessage')).toBe(0);
  });
});

describe('what is stored', () => {
  it('is written once for a burst', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await resume(page, 1_000_000);
    await page.world.advance(1_000);
    const before = browser.writes;
    for (let index = 0; index < 100; index += 1) {
      socket.push(messageAt(1_001_000 + index));
      send(page, index);
    }
    await page.world.advance(250);
    expect(browser.writes).toBe(before + 1);
    await page.world.advance(10_000);
    expect(browser.writes).toBe(before + 1);
  });

  it('is of one user at one address, and nobody else gets it', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await resume(page, 1_000_000);
    page.world.socket.end();
    send(page, 'of alice');
    await page.leave();
    for (const options of [{ getToken: () => tokenOf('alice b') }, { url: 'ws://test/other' }]) {
      const other = browser.open(options);
      const socket = await other.world.accept();
      expect(socket.last('register')).not.toHaveProperty('cursor');
      expect(socket.count('sendMessage')).toBe(0);
      await other.leave();
    }
    const again = browser.open();
    expect(await sinceOf(again)).toBe(serialFloor(1_000_000));
  });

  it('is not written before it is known of whom it is', async () => {
    const browser = new FakeBrowser();
    const page = browser.open({ getToken: () => new Promise(() => {}) });
    send(page, 1);
    await page.world.advance(1_000);
    await page.leave();
    expect(browser.stored.size).toBe(0);
  });

  it('is bounded: what is neither new nor to be resumed is left out, and of the rest the newest are kept', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await resume(page, 1_000_000);
    socket.push(messageAt(1_000_000, 'old'));
    page.world.jump(600_000);
    socket.push(...Array.from({ length: 10_001 }, (_, index) => messageAt(1_600_000 + index)));
    await page.leave();
    const [text = ''] = browser.stored.values();
    const { feeds } = JSON.parse(text) as Snapshot;
    const { seen = [] } = feeds['user#alice'] ?? {};
    expect(seen).toHaveLength(10_000);
    expect(seen[0]?.[0]).toBe('user 1600001 bob');
    socket.push(messageAt(1_600_000 + 300_000));
  });

  it('stays for the next client when this one is closed, and errors say so', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await page.world.accept().then((socket) => socket.end());
    const sent = page.client.sendToUser('bob', 1);
    page.client.close();
    await expect(sent).rejects.toMatchObject({ code: 'closed', maybeDelivered: true });
    await settle();
    expect(browser.locks?.held).toEqual([]);
    expect(page.world.timers).toBe(0);
    expect(page.world.watchers).toBe(0);

    const next = browser.open();
    await settle();
    next.client.close();
    await settle();
    expect(next.lateResults).toEqual([]);
    expect(dataOf(await browser.open().world.accept())).toEqual([1]);
  });

  it('is left alone by a client that is closed before it has read it', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await settle();
    send(page, 1);
    await page.leave();
    for (let turns = 0; turns < 12; turns += 1) {
      const hasty = browser.open();
      for (let turn = 0; turn < turns; turn += 1) await undefined;
      hasty.client.close();
      await settle();
      expect(hasty.world.timers).toBe(0);
    }
    expect(browser.locks?.held).toEqual([]);
    expect(dataOf(await browser.open().world.accept())).toEqual([1]);
  });
});

describe('several tabs', () => {
  it('each have their own, whatever the others do', async () => {
    const browser = new FakeBrowser();
    const [first, second] = [browser.open(), browser.open()];
    for (const [index, page] of [first, second].entries()) {
      await resume(page, 1_000_000 + index);
      page.world.socket.end();
      send(page, index);
    }
    await first.leave();
    const again = browser.open();
    const socket = await openNext(again.world);
    expect(socket.last('register')['cursor']).toBe(serialFloor(1_000_000));
    socket.register();
    await settle();
    expect(dataOf(socket)).toEqual([0]);
    await second.leave();
    const other = browser.open();
    const otherSocket = await openNext(other.world);
    expect(otherSocket.last('register')['cursor']).toBe(serialFloor(1_000_001));
    otherSocket.register();
    await settle();
    expect(dataOf(otherSocket)).toEqual([1]);
  });

  it('that are restored together replay nothing, and send everything once', async () => {
    const browser = new FakeBrowser();
    const pages = [browser.open(), browser.open(), browser.open()];
    for (const [index, page] of pages.entries()) {
      await resume(page, 1_000_000 + index);
      page.world.socket.end();
      send(page, index);
    }
    await Promise.all(pages.map((page) => page.leave()));
    const restored = pages.map(() => browser.open());
    const sent: unknown[] = [];
    for (const { world } of restored) {
      const socket = await openNext(world);
      expect(socket.last('register')['cursor']).toBeDefined();
      socket.register();
      await settle();
      if (socket.count('sendMessage') > 0) sent.push(...dataOf(socket));
    }
    expect(sent.sort()).toEqual([0, 1, 2]);
  });

  it('that are new go on from where the others are', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await resume(page, 1_000_000);
    socket.push(messageAt(1_001_000));
    send(page, 'its own');
    await page.world.advance(250);
    const other = browser.open();
    const otherSocket = await openNext(other.world);
    expect(otherSocket.last('register')['cursor']).toBe(messageAt(1_001_000).serial);
    otherSocket.page([messageAt(1_001_000), messageAt(1_002_000)]);
    await settle();
    expect(other.ids).toEqual(['1002000']);
    expect(otherSocket.count('sendMessage')).toBe(0);
  });

  it('send what one that was closed has left, as soon as they are connected', async () => {
    const browser = new FakeBrowser();
    const [staying, closed] = [browser.open(), browser.open()];
    await resume(staying, 1_000_000);
    await resume(closed, 2_000_000);
    for (const page of [staying, closed]) page.world.socket.end();
    send(closed, 'left');
    await closed.leave();
    const socket = await returnedSocket(staying.world);
    // Not from where the other was: this one has not handed over what came between.
    expect(socket.last('register')['cursor']).toBe(serialFloor(1_000_000));
    socket.register();
    await settle();
    expect(dataOf(socket)).toEqual(['left']);
    expect((await returnedSocket(staying.world)).last('register')['cursor']).toBe(serialFloor(1_000_000));
  });

  it('without locks take over everything, so that both may send a message, under the same id', async () => {
    const browser = new FakeBrowser({ hasLocks: false });
    const page = browser.open();
    await resume(page, 1_000_000);
    page.world.socket.end();
    send(page, 1);
    await page.world.advance(250);
    const other = browser.open();
    const socket = await openNext(other.world);
    expect(socket.last('register')['cursor']).toBe(serialFloor(1_000_000));
    socket.register();
    await settle();
    await page.world.advance(500);
    const again = await page.world.accept();
    const expected = { id: 'page1-2', data: 1 };
    expect([socket, again].map((each) => each.last('sendMessage')['messages'])).toMatchObject([[expected], [expected]]);
    await Promise.all([page.leave(), other.leave()]);
    expect((await browser.open().world.accept()).last('sendMessage')['messages']).toMatchObject([expected]);
  });
});

describe('a storage that fails', () => {
  const full = () => {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  };

  it('is told of once, and the client goes on in memory', async () => {
    const browser = new FakeBrowser();
    browser.refuse = full;
    const page = browser.open();
    const socket = await resume(page, 1_000_000);
    for (let time = 0; time < 3; time += 1) {
      socket.push(messageAt(1_001_000 + time));
      await page.world.advance(250);
    }
    const sent = page.client.sendToUser('bob', 1);
    await settle();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    expect(page.ids).toHaveLength(3);
    expect(page.errors).toMatchObject([{ code: 'storage_failed', message: expect.stringContaining('quota') }]);
    const left = page.client.sendToUser('bob', 2);
    page.client.close();
    await expect(left).rejects.toMatchObject({ code: 'closed' });
  });

  it('is tried again, because there may be room by then', async () => {
    const browser = new FakeBrowser();
    browser.refuse = full;
    const page = browser.open();
    await page.world.accept().then((socket) => socket.end());
    send(page, 1);
    await page.world.advance(250);
    expect(browser.stored.size).toBe(0);
    browser.refuse = undefined;
    send(page, 2);
    await page.leave();
    expect(dataOf(await browser.open().world.accept())).toEqual([1, 2]);
  });

  it('keeps the record of an earlier client when there is no room for another', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    await page.world.accept().then((socket) => socket.end());
    send(page, 1);
    await page.leave();
    browser.refuse = full;
    const second = browser.open();
    expect(dataOf(await second.world.accept())).toEqual([1]);
    await second.crash();
    browser.refuse = undefined;
    expect(dataOf(await browser.open().world.accept())).toEqual([1]);
  });

  it.each<[string, 'get' | 'keys']>([
    ['look at the keys', 'keys'],
    ['read', 'get'],
  ])('at the first try to %s disturbs nothing', async (_, call) => {
    const browser = new FakeBrowser();
    browser.stored.set('beckon/2 ws://test/prod alice x', '{}');
    const refused = new DOMException('Access is denied for this document.', 'SecurityError');
    const storage = Object.assign(browser.storageOf({ gone: false }), {
      [call]: () => {
        throw refused;
      },
    });
    const page = browser.open({ storage });
    send(page, 1);
    expect(dataOf(await page.world.accept())).toEqual([1]);
    expect(page.errors).toMatchObject([{ code: 'storage_failed', cause: refused }]);
    page.client.close();
    await settle();
    expect(browser.locks?.held).toEqual([]);
  });

  it('by never answering holds nothing up for longer than five seconds', async () => {
    const page = new FakeBrowser().open({
      storage: { get: () => null, set: () => {}, delete: () => {}, keys: () => new Promise(() => {}) },
    });
    await page.world.advance(4_999);
    expect(page.world.sockets).toHaveLength(0);
    await page.world.advance(1);
    await page.world.accept();
    expect(page.client.state.status).toBe('connected');
    expect(page.errors).toMatchObject([{ code: 'storage_failed' }]);
  });

  const feed = { cursor: serialFloor(1_000_000), seen: [['user 1 bob', 1, 1]] };
  const right = { feeds: { 'user#alice': feed }, outbox: [] };
  const message = { text: '{"to":{"user":"bob"},"id":"1","data":1}', bytes: 50, expiresAt: 9e12 };

  it('not, with what a client has written', async () => {
    const browser = new FakeBrowser();
    browser.stored.set('beckon/2 ws://test/prod alice x', JSON.stringify({ ...right, outbox: [message] }));
    const page = browser.open();
    const socket = await openNext(page.world);
    expect(socket.last('register')['cursor']).toBe(serialFloor(1_000_000));
    socket.register();
    await settle();
    expect(dataOf(socket)).toEqual([1]);
    expect(page.errors).toEqual([]);
  });

  it.each([
    ['half of it', '{"feeds":{"user#al'],
    ['null', 'null'],
    ['a list', '[]'],
    ['nothing in it', '{}'],
    ['a cursor that is none', JSON.stringify({ ...right, feeds: { 'user#alice': { cursor: 7 } } })],
    ['what was seen in another form', JSON.stringify({ ...right, feeds: { 'user#alice': { seen: ['1'] } } })],
    [
      'a moment that is none',
      JSON.stringify({ ...right, feeds: { 'user#alice': { seen: [['user 1 bob', '1', 1]] } } }),
    ],
    ['a message that is no JSON', JSON.stringify({ ...right, outbox: [{ ...message, text: '{' }] })],
    ['a message that is no object', JSON.stringify({ ...right, outbox: [{ ...message, text: '7' }] })],
    ['a message without a size', JSON.stringify({ ...right, outbox: [{ ...message, bytes: undefined }] })],
    ['a message without an end', JSON.stringify({ ...right, outbox: [{ ...message, expiresAt: '1' }] })],
  ])('for a record with %s leaves the others good, and tells of it', async (_, text) => {
    const browser = new FakeBrowser();
    browser.stored.set('beckon/2 ws://test/prod alice x', text);
    browser.stored.set('beckon/2 ws://test/prod alice y', JSON.stringify({ ...right, outbox: [message] }));
    const page = browser.open();
    const socket = await page.world.accept();
    expect(dataOf(socket)).toEqual([1]);
    expect(page.errors).toMatchObject([{ code: 'storage_failed', message: expect.stringContaining('cannot be read') }]);
    await page.leave();
    const next = browser.open();
    await next.world.accept();
    expect(next.errors).toEqual([]);
  });

  it('not, for what another version or somebody else has written, which is left alone', async () => {
    const browser = new FakeBrowser();
    const others = new Map([
      ['beckon/3 ws://test/prod alice x', 'of tomorrow'],
      ['theme', 'dark'],
    ]);
    for (const [key, value] of others) browser.stored.set(key, value);
    const page = browser.open();
    await page.world.accept();
    await page.leave();
    for (const [key, value] of others) expect(browser.stored.get(key)).toBe(value);
    expect(page.errors).toEqual([]);
  });
});

describe('a token of another user', () => {
  it('stops the client, whose messages are not sent in the other one’s name', async () => {
    let user = 'alice';
    const browser = new FakeBrowser();
    const page = browser.open({ getToken: () => tokenOf(user) });
    await page.world.accept().then((socket) => socket.end());
    const sent = page.client.sendToUser('bob', 1);
    user = 'mallory';
    const outcome = expect(sent).rejects.toMatchObject({ code: 'user_changed', maybeDelivered: true });
    await page.world.advance(500);
    await outcome;
    expect(page.client.state).toMatchObject({ status: 'failed', reason: { code: 'user_changed' } });
    expect(page.world.sockets).toHaveLength(1);
    expect(dataOf(await browser.open().world.accept())).toEqual([1]);
  });
});
