import { describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '../../../protocol/limits.ts';
import { connectClient, openNext, returnedSocket, startListening, tokenUntil } from '../../support/client-session.ts';
import { type FakeSocket, type Frame, settle } from '../../support/client-world.ts';

// As API Gateway does, the sockets of these tests close with 1009 when a frame is too large.

/** The longest ids: what takes most bytes of UTF-8, and what JSON has to escape. */
const LONG_IDS: readonly [string, string][] = [
  ['Chinese', '漢'],
  ['quotes', '"'],
  ['backslashes', '\\'],
  ['emoji', '😀'],
];

function longIds(character: string, count: number, length = 256): string[] {
  const padding = character.repeat((length - 4) / character.length);
  return Array.from({ length: count }, (_, index) => `${String(index).padStart(4, '0')}${padding}`);
}

function bytesOf(frame: Frame): number {
  return Buffer.byteLength(JSON.stringify(frame));
}

function framesOf(socket: FakeSocket, action: string): readonly Frame[] {
  return socket.sent.filter((frame) => frame.action === action);
}

describe.each(LONG_IDS)('with the longest ids, of %s,', (_, character) => {
  it('what was watched is renewed in frames that fit', async () => {
    const { world, client, socket } = await connectClient();
    client.on('error', (error) => expect.unreachable(error.message));
    const users = longIds(character, 180);
    const rooms = longIds(character, 20).map((room) => ({ room }));
    const targets = [0, 36, 72, 108, 144].map((start) => users.slice(start, start + 36));
    for (const target of [...targets, ...rooms]) {
      const watched = client.watch(target);
      await settle();
      socket.answer('presence', { type: 'presence', users: [] });
      await watched;
    }
    const next = await returnedSocket(world);
    next.register();
    await settle();
    const frames = framesOf(next, 'presence');
    expect(frames.flatMap((frame) => frame['users'] ?? [])).toEqual(users);
    expect(frames.flatMap((frame) => ('room' in frame ? [{ room: frame['room'] }] : []))).toEqual(rooms);
    for (const frame of frames) expect(bytesOf(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
    expect(next.closedWith).toBeUndefined();
  });

  it('what was read is told in frames that fit', async () => {
    const { world, client, socket } = await connectClient();
    const rooms = longIds(character, 100);
    const read = Promise.all(rooms.map((room) => client.markRead({ room }, '01MCC5RMZ8FDAW3FTFF9WQKFBQ')));
    await world.advance(1_000);
    for (let answered = 0; answered < framesOf(socket, 'mark').length; answered += 1) {
      socket.answer('mark', { type: 'marked' });
      await settle();
    }
    await read;
    const frames = framesOf(socket, 'mark');
    expect(frames.flatMap(({ marks }) => marks)).toHaveLength(100);
    for (const frame of frames) expect(bytesOf(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES);
  });

  it('rooms are joined again, whatever they are called', async () => {
    const { world, client, socket } = await connectClient();
    const rooms = longIds(character, 50);
    for (const room of rooms) {
      const joined = client.join(room);
      await settle();
      socket.joined();
      await joined;
    }
    const next = await returnedSocket(world);
    next.register();
    await settle();
    expect(framesOf(next, 'join').map(({ room }) => room)).toEqual(rooms);
  });
});

describe('a call that would need a larger frame', () => {
  const user = '漢'.repeat(256);
  const users = longIds('漢', 100);
  const long = 'x'.repeat(40_000);
  const calls: [string, (client: Awaited<ReturnType<typeof connectClient>>['client']) => Promise<unknown>][] = [
    ['presence', (client) => client.presence(users)],
    ['watch', (client) => client.watch(users)],
    ['unwatch', (client) => client.unwatch([...users.slice(1), 'bob'])],
    ['unread', (client) => client.unread(users.map((room) => ({ room })))],
    ['join', (client) => client.join(long)],
    ['join after', (client) => client.join('hall', { after: long })],
    ['history', (client) => client.history({ room: long })],
    ['search', (client) => client.search({ user }, long)],
    ['markRead', (client) => client.markRead({ user: long }, '1')],
    ['sendToUser', (client) => client.sendToUser(long, 1)],
  ];

  it.each(calls)('(%s) is refused by itself: the connection, and what else waits, goes on', async (_, call) => {
    const { world, client, socket } = await connectClient();
    const watched = client.watch(['bob']);
    await settle();
    socket.answer('presence', { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: 1 }] });
    await watched;
    const joined = client.join('lobby');
    await settle();
    socket.joined();
    await joined;

    const asked = client.history({ user: 'bob' });
    const sent = client.sendToUser('bob', 1);
    const refused = expect(call(client)).rejects.toMatchObject({ code: 'frame_too_large' });
    await world.advance(1_000);
    await refused;
    socket.answer('history', { type: 'history', conversation: { user: 'bob' }, messages: [] });
    socket.acknowledge();
    await expect(Promise.all([asked, sent])).resolves.toMatchObject([{ messages: [] }, { status: 'sent' }]);
    expect(client.state.status).toBe('connected');

    const next = await returnedSocket(world);
    next.register();
    await settle();
    expect(framesOf(next, 'presence')).toMatchObject([{ users: ['bob'] }]);
    expect(framesOf(next, 'join')).toMatchObject([{ room: 'lobby' }]);
  });

  it('is measured by what the operator allows', async () => {
    const { world, client } = await connectClient();
    const socket = await returnedSocket(world);
    socket.register({ maxFrameBytes: 1_000 });
    await settle();
    const message = expect.stringMatching(/^The frame would take \d+ bytes; at most 1000 are allowed\.$/);
    await expect(client.presence(users.slice(0, 2))).rejects.toMatchObject({ code: 'frame_too_large', message });
    const read = longIds('漢', 4, 100).map((room) => client.markRead({ room }, '01MCC5RMZ8FDAW3FTFF9WQKFBQ'));
    await world.advance(1_000);
    expect(socket.last('mark')['marks']).toHaveLength(2);
    socket.answer('mark', { type: 'marked' });
    await settle();
    socket.answer('mark', { type: 'marked' });
    await Promise.all(read);
  });
});

it('a token that no frame can carry has the connection replaced, as one that the server refuses', async () => {
  const large = `${tokenUntil(8_000_000)}${'x'.repeat(40_000)}`;
  const tokens = [tokenUntil(400_000), large, large, tokenUntil(9_000_000)];
  const { world, client } = startListening({ getToken: () => tokens.shift() ?? '' });
  const socket = await openNext(world);
  socket.register({ heartbeatSeconds: 10_000 }, 100_000);
  await world.advance(210_000);
  expect(socket.last('register')).not.toHaveProperty('token');
  expect([client.state.status, world.sockets.length]).toEqual(['connected', 2]);
});

describe('a connection that is closed with 1009 all the same', () => {
  it('costs only the largest of the frames that wait', async () => {
    const { world, client, socket } = await connectClient();
    const joined = client.join('lobby');
    const watched = client.watch(['bob']);
    const asked = client.history({ user: 'bob' });
    const sent = expect(client.sendToUser('bob', 'x'.repeat(500))).rejects.toMatchObject({ code: 'frame_too_large' });
    await settle();
    socket.end(1009);
    await sent;
    expect(client.state).toMatchObject({ status: 'recovering', reason: { code: 'frame_too_large', closeCode: 1009 } });
    await world.advance(500);
    const next = await world.accept();
    next.joined();
    next.answer('presence', { type: 'presence', users: [] });
    next.answer('history', { type: 'history', conversation: { user: 'bob' }, messages: [] });
    await Promise.all([joined, watched, asked]);
    expect(next.count('sendMessage')).toBe(0);
  });
});
