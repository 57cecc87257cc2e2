import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Client } from '../../../../client/index.ts';
import {
  type Conversation,
  type ConversationOptions,
  openConversation,
  type Peer,
} from '../../../../client/stores/conversation.ts';
import { createTestServer, type TestServer } from '../../../../testing/index.ts';

type Text = Conversation<string>;

const WINDOW = 1_000;

let server: TestServer;
beforeEach(() => {
  server = createTestServer();
});
afterEach(() => {
  server.close();
  vi.unstubAllGlobals();
});

const connected = async (user: string) => {
  const client = server.client<string>(user);
  await client.ready();
  return client;
};
const ready = async (client: Client<string>, peer: Peer, options?: ConversationOptions) => {
  const conversation = openConversation(client, peer, options);
  await vi.waitUntil(() => conversation.state.status === 'ready');
  return conversation;
};
const shown = ({ state }: Text) => state.entries.map(({ data, status }) => `${data} ${status}`);
const texts = ({ state }: Text) => state.entries.map(({ data }) => data);

describe('entries', () => {
  it('are the history, live messages, those of other devices and those sent here, each once and in order', async () => {
    const [alice, phone, bob] = await Promise.all(['alice', 'alice', 'bob'].map(connected));
    await bob?.sendToUser('alice', 'one');
    const conversation = await ready(alice as Client<string>, { user: 'bob' });
    await phone?.sendToUser('bob', 'two', { echo: true });
    await vi.waitUntil(() => conversation.state.entries.length === 2);
    const { key, status } = conversation.send('three');
    expect(status).toBe('sending');
    expect(shown(conversation).at(-1)).toBe('three sending');
    await bob?.sendToUser('alice', 'four');
    await vi.waitUntil(() => conversation.state.entries.length === 4);
    await vi.waitUntil(() => conversation.state.entries.every(({ serial }) => serial));
    expect(texts(conversation).toSorted()).toEqual(['four', 'one', 'three', 'two']);
    const serials = conversation.state.entries.map(({ serial }) => serial);
    expect(serials).toEqual(serials.toSorted());
    expect(conversation.state.entries.filter((entry) => entry.key === key)).toHaveLength(1);
    expect(conversation.state.entries.map(({ isOwn, data }) => isOwn && data).filter(Boolean)).toEqual([
      'two',
      'three',
    ]);
  });

  it('become received and read as the other user receives and reads them', async () => {
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const mine = await ready(alice, { user: 'bob' });
    const theirs = await ready(bob, { user: 'alice' }, { markRead: 'manual' });
    mine.send('hi');
    await vi.waitUntil(() => shown(mine).at(-1) === 'hi received', 5_000);
    await theirs.markRead();
    await vi.waitUntil(() => shown(mine).at(-1) === 'hi read', 5_000);
    expect(shown(await ready(alice, { user: 'bob' }))).toEqual(['hi read']);
  });

  it('that other parts of the page send show as well', async () => {
    const alice = await connected('alice');
    const [one, two] = [await ready(alice, { user: 'bob' }), await ready(alice, { user: 'bob' }, { pageSize: 1 })];
    one.send('by a store');
    await alice.sendToUser('bob', 'by the client');
    for (const conversation of [one, two]) {
      await vi.waitUntil(() => conversation.state.entries.filter(({ serial }) => serial).length === 2);
      expect(shown(conversation)).toEqual(['by a store sent', 'by the client sent']);
    }
  });

  it('fail, are sent again under the same id, or are discarded', async () => {
    const alice = await connected('alice');
    const conversation = await ready(alice, { user: 'bob' });
    server.refuseNext('sendMessage', 'forbidden');
    const { key, id } = conversation.send('refused');
    await vi.waitUntil(() => shown(conversation)[0] === 'refused failed');
    expect(conversation.state.entries[0]).toMatchObject({ key, id, error: { code: 'forbidden' } });
    conversation.retry(key);
    expect(shown(conversation)).toEqual(['refused sending']);
    await vi.waitUntil(() => shown(conversation)[0] === 'refused sent');
    expect(server.sent.map((message) => message.id)).toEqual([id]);
    const other = conversation.send(NaN as never);
    await vi.waitUntil(() => conversation.state.entries.at(-1)?.status === 'failed');
    expect(conversation.state.entries.at(-1)?.error).toBeInstanceOf(TypeError);
    conversation.discard(other.key);
    conversation.discard(key);
    conversation.retry('nothing');
    expect(shown(conversation)).toEqual(['refused sent']);
  });

  it('are a window: ten thousand messages do not slow it down', async () => {
    const alice = await connected('alice');
    const conversation = await ready(alice, { user: 'bob' });
    let changes = 0;
    conversation.subscribe(() => {
      changes += 1;
    });
    const message = (index: number) => ({
      id: String(index),
      serial: String(index).padStart(26, '0'),
      from: { user: 'bob' },
      to: { user: 'alice' },
      data: `message ${index}`,
      sentAt: index,
    });
    const { emitter } = (
      alice as unknown as { [key: symbol]: { emitter: { emit(event: string, value: unknown): void } } }
    )[Symbol.for('beckon.core')] as { emitter: { emit(event: string, value: unknown): void } };
    const took = (from: number) => {
      const started = performance.now();
      for (let index = from; index < from + 5_000; index += 1) {
        emitter.emit('message', message(index));
        void conversation.state;
      }
      return performance.now() - started;
    };
    const first = took(0);
    const second = took(5_000);
    expect(conversation.state.entries).toHaveLength(WINDOW);
    expect(conversation.state.entries.at(-1)?.data).toBe('message 9999');
    expect(conversation.state.hasEarlier).toBe(true);
    expect(changes).toBeGreaterThan(9_999);
    // The first half fills the window; in the second it is full.
    expect(second).toBeLessThan(Math.max(10 * first, 2_000));
  });

  it('load earlier pages beyond the window', async () => {
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    for (let index = 0; index < 7; index += 1) await bob.sendToUser('alice', String(index));
    const conversation = await ready(alice, { user: 'bob' }, { pageSize: 3 });
    expect([texts(conversation), conversation.state.hasEarlier]).toEqual([['4', '5', '6'], true]);
    await Promise.all([conversation.loadEarlier(), conversation.loadEarlier()]);
    expect(texts(conversation)).toEqual(['1', '2', '3', '4', '5', '6']);
    await conversation.loadEarlier();
    expect([texts(conversation).length, conversation.state.hasEarlier]).toEqual([7, false]);
    await conversation.loadEarlier();
    await expect(conversation.loadEarlier(0)).rejects.toThrow(TypeError);
  });

  it('lack what a schema rejects: a page with less, or nothing, is no end', async () => {
    const sender = await connected('alice');
    for (let index = 0; index < 8; index += 1) await sender.sendToUser('bob', String(index));
    // Another device, which got none of them live.
    const alice = await connected('alice');
    const history = alice.history.bind(alice);
    alice.history = async (...args) => {
      const page = await history(...args);
      return { ...page, messages: page.messages.filter(({ data }) => Number(data) % 2 === 0 && data !== '6') };
    };
    const conversation = await ready(alice, { user: 'bob' }, { pageSize: 2 });
    expect([texts(conversation), conversation.state.hasEarlier]).toEqual([[], true]);
    while (conversation.state.hasEarlier) await conversation.loadEarlier();
    expect(texts(conversation)).toEqual(['0', '2', '4']);
  });
});

describe('a conversation', () => {
  it('with oneself is a notebook', async () => {
    const [alice, phone] = await Promise.all([connected('alice'), connected('alice')]);
    const [here, there] = [await ready(alice, { user: 'alice' }), await ready(phone, { user: 'alice' })];
    here.send('milk');
    there.send('eggs');
    for (const conversation of [here, there]) {
      await vi.waitUntil(() => conversation.state.entries.filter(({ serial }) => serial).length === 2);
      expect(texts(conversation).toSorted()).toEqual(['eggs', 'milk']);
      expect(conversation.state).toMatchObject({ unread: 0, entries: [{ isOwn: true }, { isOwn: true }] });
    }
    const again = await ready(alice, { user: 'alice' });
    expect(texts(again)).toHaveLength(2);
  });

  it('refuses wrong clients, peers and options', () => {
    const client = server.client<string>('alice');
    expect(() => openConversation({} as never, { user: 'bob' })).toThrow('"client" must be a client');
    expect(() => openConversation(client, { user: 'bob', room: 'lobby' } as never)).toThrow(TypeError);
    expect(() => openConversation(client, 'bob' as never)).toThrow(TypeError);
    expect(() => openConversation(client, { user: 'bob' }, { pagesize: 3 } as never)).toThrow('pagesize');
    expect(() => openConversation(client, { user: 'bob' }, { pageSize: 0 })).toThrow(TypeError);
    expect(() => openConversation(client, { user: 'bob' }, { markRead: 'never' as never })).toThrow(TypeError);
  });

  it('that is closed while it loads changes no more, and leaves nothing behind', async () => {
    const held = server.hold({ user: 'alice', frame: 'history', direction: 'toClient' });
    const client = await connected('alice');
    const conversation = openConversation(client, { user: 'bob' });
    await vi.waitUntil(() => held.frames.length === 1);
    const { state } = conversation;
    const changes = vi.fn();
    conversation.subscribe(changes);
    conversation.close();
    conversation.close();
    held.release();
    await client.history({ user: 'bob' });
    expect(conversation.state).toBe(state);
    expect(changes).not.toHaveBeenCalled();
  });

  it('says so when it is used after `close`', async () => {
    const alice = await connected('alice');
    const conversation = await ready(alice, { user: 'bob' });
    const { state } = conversation;
    conversation.close();
    expect(conversation.send('too late')).toMatchObject({ status: 'failed', error: { code: 'closed' } });
    await expect(conversation.loadEarlier()).rejects.toMatchObject({ code: 'closed' });
    await expect(conversation.markRead()).rejects.toMatchObject({ code: 'closed' });
    conversation.setTyping(true);
    conversation.retry('x');
    conversation.discard('x');
    await alice.sendToUser('bob', 'later');
    expect(conversation.state).toBe(state);
    expect(server.sent.map(({ data }) => data)).toEqual(['later']);
  });

  it('fails with the client', async () => {
    const alice = await connected('alice');
    const conversation = await ready(alice, { user: 'bob' });
    server.disconnect();
    conversation.send('unsent');
    alice.close();
    await vi.waitUntil(() => shown(conversation)[0] === 'unsent failed');
    expect(conversation.state).toMatchObject({ status: 'failed', error: { code: 'closed' } });
    expect(openConversation(alice, { user: 'bob' }).state.status).toBe('failed');
    expect(conversation.send('more').key).toBeDefined();
  });

  it('fails where the token does not allow it, and other views go on', async () => {
    const guest = server.client<string>('guest', { capability: { 'user:bob': ['send', 'history'] } });
    const other = openConversation(guest, { user: 'carol' });
    await vi.waitUntil(() => other.state.status === 'failed');
    expect(other.state.error?.code).toBe('forbidden');
    expect((await ready(guest, { user: 'bob' })).state.error).toBeUndefined();
    const room = openConversation(guest, { room: 'lobby' });
    await vi.waitUntil(() => room.state.status === 'failed');
    room.close();
  });

  it('has a new state after each change, and the same one otherwise', async () => {
    const alice = await connected('alice');
    const conversation = await ready(alice, { user: 'bob' });
    const states = new Set([conversation.state, conversation.state]);
    expect(states.size).toBe(1);
    conversation.send('hi');
    expect(states.has(conversation.state)).toBe(false);
    await alice.sendToUser('carol', 'elsewhere');
    await vi.waitUntil(() => conversation.state.entries[0]?.serial);
    const { state } = conversation;
    await alice.sendToUser('carol', 'elsewhere');
    expect(conversation.state).toBe(state);
  });

  it('keeps its room while another part of the page is in it', async () => {
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    await alice.join('lobby');
    const [one, two] = [await ready(alice, { room: 'lobby' }), await ready(alice, { room: 'lobby' }, { pageSize: 2 })];
    one.close();
    await alice.leave('lobby');
    await bob.sendToRoom('lobby', 'still there?');
    await vi.waitUntil(() => texts(two).includes('still there?'));
    two.close();
    await vi.waitUntil(async () => (await bob.presence({ room: 'lobby' })).occupancy?.users === 0);
  });

  it('reads again after a gap, and forgets what it cannot connect to it', async () => {
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const conversation = await ready(alice, { user: 'bob' });
    await bob.sendToUser('alice', 'before');
    await vi.waitUntil(() => texts(conversation).length === 1);
    server.disconnect('alice');
    await bob.sendToUser('alice', 'lost');
    server.loseMessages();
    await bob.sendToUser('alice', 'after');
    server.reconnect('alice');
    await vi.waitUntil(() => texts(conversation).includes('after'));
    await vi.waitUntil(() => conversation.state.status === 'ready');
    expect(texts(conversation)).toEqual(['before', 'after']);
  });
});

describe('typing', () => {
  it('tells the other side, shows as no entry, and reaches no listener', async () => {
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const [mine, theirs] = [await ready(alice, { user: 'bob' }), await ready(bob, { user: 'alice' })];
    const heard = vi.fn();
    bob.on('message', heard);
    bob.on('error', heard);
    mine.setTyping(true);
    mine.setTyping(true);
    await vi.waitUntil(() => theirs.state.typing.length === 1);
    expect(theirs.state).toMatchObject({ typing: ['alice'], entries: [], unread: 0 });
    expect(mine.state.entries).toEqual([]);
    mine.setTyping(false);
    await vi.waitUntil(() => theirs.state.typing.length === 0);
    mine.setTyping(true);
    await vi.waitUntil(() => theirs.state.typing.length === 1);
    expect(heard).not.toHaveBeenCalled();
    mine.send('hi');
    await vi.waitUntil(() => texts(theirs).length === 1);
    expect(theirs.state.typing).toEqual([]);
    expect(server.sent.filter(({ encoding }) => encoding !== undefined)).toHaveLength(3);
  });
});

describe('reading', () => {
  const page = (visibilityState: string, isFocused: boolean) => {
    const target = new EventTarget();
    const document = Object.assign(target, { visibilityState, hasFocus: () => isFocused });
    vi.stubGlobal('document', document);
    return {
      change(to: string) {
        Object.assign(document, { visibilityState: to });
        document.dispatchEvent(new Event('visibilitychange'));
      },
    };
  };

  it('leaves unread what comes while the page is hidden, and marks it when the page is shown', async () => {
    const tab = page('visible', true);
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const conversation = await ready(alice, { user: 'bob' });
    await bob.sendToUser('alice', 'seen');
    await vi.waitUntil(() => conversation.state.entries.length === 1);
    expect(conversation.state).toMatchObject({ unread: 0 });
    expect(conversation.state.firstUnread).toBeUndefined();
    tab.change('hidden');
    await bob.sendToUser('alice', 'unseen');
    await vi.waitUntil(() => conversation.state.unread === 1);
    const { key } = conversation.state.entries[1] as { key: string };
    expect(conversation.state.firstUnread).toBe(key);
    tab.change('visible');
    expect(conversation.state).toMatchObject({ unread: 0, firstUnread: key });
    await vi.waitUntil(async () => (await alice.unread([{ user: 'bob' }]))[0]?.count === 0, 5_000);
  });

  it('is left to the application if it says so, and is known to all its views', async () => {
    page('visible', true);
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    await bob.sendToUser('alice', 'one');
    await bob.sendToUser('alice', 'two');
    const views = await Promise.all([
      ready(alice, { user: 'bob' }, { markRead: 'manual' }),
      ready(alice, { user: 'bob' }, { markRead: 'manual', pageSize: 1 }),
    ]);
    expect(views.map(({ state }) => state.unread)).toEqual([2, 1]);
    await views[0].markRead(views[0].state.entries[0]?.serial);
    expect(views.map(({ state }) => state.unread)).toEqual([1, 1]);
    await views[1].markRead();
    expect(views.map(({ state }) => state.unread)).toEqual([0, 0]);
  });

  it('on one device is read on the others', async () => {
    page('hidden', false);
    const [phone, laptop, bob] = await Promise.all([connected('alice'), connected('alice'), connected('bob')]);
    const view = await ready(laptop, { user: 'bob' });
    await bob.sendToUser('alice', 'one');
    const { serial } = await bob.sendToUser('alice', 'two');
    await vi.waitUntil(() => view.state.unread === 2);
    await phone.markRead({ user: 'bob' }, serial);
    await vi.waitUntil(() => view.state.unread === 0);
  });

  it('needs the focus', async () => {
    page('visible', false);
    const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
    const conversation = await ready(alice, { user: 'bob' });
    await bob.sendToUser('alice', 'unseen');
    await vi.waitUntil(() => conversation.state.entries.length === 1);
    expect(conversation.state.unread).toBe(1);
  });
});
