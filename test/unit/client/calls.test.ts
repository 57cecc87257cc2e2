import { describe, expect, it } from 'vitest';
import { connectClient, startClient } from '../../support/client-session.ts';
import { messageAt, settle, UNIT_MS, watchedSignal } from '../../support/client-world.ts';

const conversation = { user: 'bob' };

describe('a question', () => {
  it('about a conversation is answered with a page, whose messages are not handed on', async () => {
    const { client, socket } = await connectClient();
    const handedOn: unknown[] = [];
    client.on('message', (message) => handedOn.push(message));
    const asked = client.history(conversation, { before: 'b', limit: 2 });
    await settle();
    expect(socket.last('history')).toEqual({ action: 'history', id: '2', conversation, before: 'b', limit: 2 });
    const page = { messages: [messageAt(1_000)], next: 'n', read: 'r', peer: { sent: 'd' } };
    socket.answer('history', { type: 'history', conversation, ...page });
    expect(await asked).toEqual(page);
    socket.push(messageAt(1_000));
    expect(handedOn).toHaveLength(1);
  });

  it('may be a search, a count, or who is there', async () => {
    const { client, socket } = await connectClient();
    const found = client.search({ room: 'lobby' }, 'hello wor', { before: 'b', limit: 5 });
    const counted = client.unread([conversation, { room: 'lobby' }]);
    const there = client.presence({ room: 'lobby' });
    const online = client.presence(['bob', 'carol']);
    await settle();
    expect(socket.sent.slice(1)).toEqual([
      { action: 'search', id: '2', conversation: { room: 'lobby' }, text: 'hello wor', before: 'b', limit: 5 },
      { action: 'unread', id: '3', conversations: [conversation, { room: 'lobby' }] },
      { action: 'presence', id: '4', room: 'lobby' },
      { action: 'presence', id: '5', users: ['bob', 'carol'] },
    ]);
    const occupancy = { users: 1, connections: 2 };
    const users = [{ user: 'bob', online: true, sinceMs: 1 }];
    const counts = [{ conversation, count: 1, more: false }];
    socket.answer('search', { type: 'search', conversation, messages: [], next: 'n' });
    socket.answer('unread', { type: 'unread', conversations: counts });
    socket.receive({ type: 'presence', id: '4', room: 'lobby', users, occupancy });
    socket.receive({ type: 'presence', id: '5', users });
    expect(await found).toEqual({ messages: [], next: 'n' });
    expect(await counted).toEqual(counts);
    expect(await there).toEqual({ room: 'lobby', users, occupancy });
    expect(await online).toEqual({ users });
  });

  it('may be whose messages are accepted, which is told page by page', async () => {
    const { client, socket } = await connectClient();
    const blocking = client.block('eve');
    await settle();
    expect(socket.last('block')).toEqual({ action: 'block', id: '2', user: 'eve', blocked: true });
    socket.answer('block', { type: 'blocked', users: ['eve'], more: false });
    expect(await blocking).toBeUndefined();

    const unblocking = client.unblock('eve');
    await settle();
    expect(socket.last('block')).toEqual({ action: 'block', id: '3', user: 'eve', blocked: false });
    socket.answer('block', { type: 'blocked', users: [], more: false });
    expect(await unblocking).toBeUndefined();

    const asked = client.blocked();
    await settle();
    expect(socket.last('block')).toEqual({ action: 'block', id: '4' });
    socket.answer('block', { type: 'blocked', users: ['ann', 'eve'], more: true });
    await settle();
    expect(socket.last('block')).toEqual({ action: 'block', id: '5', after: 'eve' });
    socket.answer('block', { type: 'blocked', users: ['zoe'], more: false });
    expect(await asked).toEqual(['ann', 'eve', 'zoe']);
  });

  it('waits for a connection, and is asked again on the next one when the answer got lost', async () => {
    const { world, client } = startClient();
    const asked = client.history(conversation);
    const socket = await world.accept();
    expect(socket.count('history')).toBe(1);
    socket.end();
    await world.advance(500);
    const next = await world.accept();
    next.answer('history', { type: 'history', conversation, messages: [] });
    expect(await asked).toEqual({ messages: [] });
  });

  it('is asked again when the server failed, was too slow, or wants to be asked later', async () => {
    const { world, client, socket } = await connectClient();
    const asked = client.history(conversation);
    await settle();
    socket.refuse('history', 'internal');
    await world.advance(500);
    expect(socket.count('history')).toBe(2);
    socket.answer('history', {
      type: 'error',
      code: 'rate_limited',
      message: '',
      retryable: true,
      retryAfterMs: 3_000,
    });
    await world.advance(2_999);
    expect(socket.count('history')).toBe(2);
    await world.advance(10_001 + UNIT_MS);
    socket.pong();
    await world.advance(2_000);
    expect(socket.count('history')).toBe(4);
    socket.answer('history', { type: 'history', conversation, messages: [] });
    await asked;
  });

  it('is asked once the connection is registered again', async () => {
    const { world, client, socket } = await connectClient();
    const asked = client.history(conversation);
    await settle();
    socket.refuse('history', 'not_registered');
    await settle();
    socket.register();
    await world.advance(500);
    socket.answer('history', { type: 'history', conversation, messages: [] });
    await asked;
  });

  it('that the server refuses is rejected with its code', async () => {
    const { client, socket } = await connectClient();
    const asked = client.search(conversation, 'x');
    await settle();
    socket.refuse('search', 'search_disabled');
    await expect(asked).rejects.toMatchObject({ name: 'BeckonError', code: 'search_disabled' });
  });

  it('is given up after half a minute, and is not asked any more then', async () => {
    const { world, client } = startClient();
    const asked = expect(client.history(conversation)).rejects.toMatchObject({ code: 'expired' });
    await world.advance(30_000);
    await asked;
    const socket = await world.accept();
    expect(socket.count('history')).toBe(0);
  });

  it('can be given up, which leaves nothing behind', async () => {
    const { world, client, socket } = await connectClient();
    const call = watchedSignal();
    const asked = client.history(conversation, { signal: call.signal });
    await settle();
    const { timers } = world;
    call.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    expect(call.listeners()).toBe(0);
    expect(world.timers).toBe(timers - 1);
    socket.refuse('history', 'internal');
    await world.advance(60_000);
    expect(socket.count('history')).toBe(1);
    await expect(client.history(conversation, { signal: call.signal })).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is rejected when the client is closed, and afterwards', async () => {
    const { world, client } = await connectClient();
    const asked = expect(client.unread([conversation])).rejects.toMatchObject({ code: 'closed' });
    client.close();
    await asked;
    await expect(client.unread([conversation])).rejects.toMatchObject({ code: 'closed' });
    expect(world.timers).toBe(0);
  });

  it('that cannot be one is refused by name', async () => {
    const { client } = await connectClient();
    const target = 'presence: "target" must be an array of users or {room: "…"}';
    await expect(client.presence('bob' as never)).rejects.toThrow(`${target}, got "bob"`);
    await expect(client.presence([1] as never)).rejects.toThrow(TypeError);
    await expect(client.watch(undefined as never)).rejects.toThrow(TypeError);
    await expect(client.history('bob' as never)).rejects.toThrow(
      'history: "conversation" must be {user: "…"}, {room: "…"} or {service: "…"}, got "bob"',
    );
    await expect(client.unread([{}] as never)).rejects.toThrow(TypeError);
    await expect(client.block(['eve'] as never)).rejects.toThrow('block: "user" must be a string');
    await expect(client.unread('bob' as never)).rejects.toThrow('unread: "conversations" must be an array, got "bob"');
    await expect(client.search(conversation, 1 as never)).rejects.toThrow('search: "text" must be a string, got 1');
    await expect(client.history(conversation, { from: 1 } as never)).rejects.toThrow(
      'history: unknown option "from"; there are signal, timeoutMs, before, after, limit',
    );
    await expect(client.markRead(conversation, undefined as never)).rejects.toThrow(TypeError);
  });
});
