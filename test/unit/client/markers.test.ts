import { describe, expect, it } from 'vitest';
import type { Json, Message } from '../../../protocol/index.ts';
import { connectClient, startClient } from '../../support/client-session.ts';
import { messageAt, settle } from '../../support/client-world.ts';

const bob = { user: 'bob' };
const lobby = { room: 'lobby' };
const withReceipt = (message: Message): Message => ({ ...message, receipt: true });

describe('what has been read', () => {
  it('on another device is told, in order; a marker without a conversation is ignored', async () => {
    const { client, socket } = await connectClient();
    const told: unknown[] = [];
    client.on('marker', (marker) => told.push(marker));
    socket.receive({ type: 'marker', conversation: bob, read: '2' });
    socket.receive({ type: 'marker', read: '3' });
    socket.receive({ type: 'marker', conversation: { service: 'billing' }, received: '4', read: '4' });
    await settle();
    expect(told).toEqual([
      { conversation: bob, read: '2' },
      { conversation: { service: 'billing' }, received: '4', read: '4' },
    ]);
    expect(client.counters.ignoredFrames).toBe(1);
  });

  it('is told after a second, the latest of each conversation, and resolves when the server knows', async () => {
    const { world, client, socket } = await connectClient();
    const read = Promise.all([
      client.markRead(bob, '2'),
      client.markRead(lobby, '5'),
      client.markRead(bob, '3'),
      client.markRead(bob, '1'),
    ]);
    await world.advance(999);
    expect(socket.count('mark')).toBe(0);
    await world.advance(1);
    const marks = [
      { conversation: bob, read: '3' },
      { conversation: lobby, read: '5' },
    ];
    expect(socket.last('mark')).toEqual({ action: 'mark', id: '2', marks });
    socket.answer('mark', { type: 'marked' });
    await read;
  });

  it('waits for a connection, however long, and goes as one', async () => {
    const { world, client } = startClient({ connectTimeoutMs: 2 ** 31 - 1 });
    const read = [client.markRead(bob, '1', { timeoutMs: 2 ** 31 - 1 })];
    await world.advance(1_000);
    read.push(client.markRead(bob, '2', { timeoutMs: 2 ** 31 - 1 }));
    await world.advance(600_000);
    const socket = await world.accept();
    expect(socket.sent.filter(({ action }) => action === 'mark')).toMatchObject([
      { marks: [{ conversation: bob, read: '2' }] },
    ]);
    socket.end();
    await world.advance(500);
    const next = await world.accept();
    next.answer('mark', { type: 'marked' });
    await Promise.all(read);
  });

  it('is told in frames of fifty conversations, one at a time', async () => {
    const { world, client, socket } = await connectClient();
    const read = Array.from({ length: 60 }, (_, index) => client.markRead({ user: `user ${index}` }, '1'));
    await settle();
    expect(socket.last('mark')['marks']).toHaveLength(50);
    await world.advance(1_000);
    expect(socket.count('mark')).toBe(1);
    socket.answer('mark', { type: 'marked' });
    await settle();
    expect(socket.last('mark')['marks']).toHaveLength(10);
    socket.answer('mark', { type: 'marked' });
    await Promise.all(read);
  });

  it('is rejected alone when only it was wrong', async () => {
    const { world, client, socket } = await connectClient();
    const allowed = client.markRead(bob, '1');
    const forbidden = expect(client.markRead(lobby, '1')).rejects.toMatchObject({ code: 'forbidden' });
    await world.advance(1_000);
    socket.refuse('mark', 'forbidden');
    await settle();
    expect(socket.last('mark')['marks']).toEqual([{ conversation: bob, read: '1' }]);
    socket.answer('mark', { type: 'marked' });
    await allowed;
    await settle();
    socket.refuse('mark', 'forbidden');
    await forbidden;
  });

  it('is rejected when the client is closed', async () => {
    const { world, client } = await connectClient();
    const read = expect(client.markRead(bob, '1')).rejects.toMatchObject({ code: 'closed' });
    client.close();
    await read;
    expect(world.timers).toBe(0);
  });

  it.each([
    ['of one conversation', [bob, bob]],
    ['of several', [bob, lobby]],
  ])('is rejected when the client is closed while marks %s are on their way', async (_, conversations) => {
    const { world, client, socket } = await connectClient();
    const read = Promise.allSettled(conversations.map((conversation) => client.markRead(conversation, '1')));
    await world.advance(1_000);
    expect(socket.count('mark')).toBe(1);
    client.close();
    expect(await read).toMatchObject([{ reason: { code: 'closed' } }, { reason: { code: 'closed' } }]);
    expect(world.timers).toBe(0);
  });
});

describe('a message whose sender wants to hear that it was received', () => {
  async function listening() {
    const started = await connectClient();
    const handedOn: Json[] = [];
    started.client.on('message', ({ data }) => handedOn.push(data as Json));
    return { ...started, handedOn };
  }

  it('is marked once listeners were called, together with those that follow it', async () => {
    const { world, client, socket, handedOn } = await listening();
    socket.push(withReceipt(messageAt(1_000)), messageAt(1_100));
    expect(handedOn).toHaveLength(2);
    socket.push(withReceipt(messageAt(2_000)));
    void client.markRead(bob, messageAt(1_000).serial);
    await world.advance(1_000);
    expect(socket.last('mark')['marks']).toEqual([
      { conversation: bob, received: messageAt(2_000).serial, read: messageAt(1_000).serial },
    ]);
  });

  it('is marked when a loop takes it, but not when nobody does', async () => {
    const { world, client, socket } = await connectClient();
    socket.push(withReceipt(messageAt(1_000)));
    await world.advance(2_000);
    expect(socket.count('mark')).toBe(0);
    client.messages();
    socket.push(withReceipt(messageAt(2_000)));
    await world.advance(1_000);
    expect(socket.count('mark')).toBe(1);
  });

  it('is not marked when it is the copy of one’s own, or in a room', async () => {
    const { world, socket } = await listening();
    const message = withReceipt(messageAt(1_000));
    socket.push({ ...message, id: '1', from: { user: 'alice' }, to: { user: 'bob' } });
    socket.push({ ...message, id: '2', to: { room: 'lobby' } });
    await world.advance(2_000);
    expect(socket.count('mark')).toBe(0);
  });

  it('is told to its sender', async () => {
    const { client, socket } = await connectClient();
    const receipts: unknown[] = [];
    client.on('receipt', (receipt) => receipts.push(receipt));
    socket.receive({ type: 'receipt', from: bob, received: '1' });
    expect(receipts).toEqual([{ from: bob, received: '1' }]);
  });

  it('is let be when the mark is refused, which is told as an error', async () => {
    const { world, client, socket } = await listening();
    const codes: string[] = [];
    client.on('error', ({ code }) => codes.push(code));
    socket.push(withReceipt(messageAt(1_000)));
    await world.advance(1_000);
    socket.refuse('mark', 'forbidden');
    await settle();
    expect(codes).toEqual(['forbidden']);
    socket.push(withReceipt(messageAt(2_000)));
    client.close();
    await settle();
    expect(codes).toEqual(['forbidden']);
  });
});
