import { describe, expect, it } from 'vitest';
import type { Client } from '../../../client/index.ts';
import type { ErrorCode } from '../../../protocol/index.ts';
import { serialFloor } from '../../../server/serial.ts';
import { connectClient, returnedSocket } from '../../support/client-session.ts';
import { type FakeSocket, type Frame, messageAt, roomMessageAt, settle } from '../../support/client-world.ts';
import { FakeBrowser } from '../../support/pages.ts';

// Whatever is refused, by the client or by the server, leaves the client as it was.

const SERIAL = '01MCC5RMZ8FDAW3FTFF9WQKFBQ';
const bob = { user: 'bob' };
const cyclic: Record<string, unknown> = { user: 'bob' };
cyclic['self'] = cyclic;

/** A client that watches bob and the room `lobby`, is in it, and has been told that bob is online. */
async function busyClient() {
  const started = await connectClient();
  const { client, socket } = started;
  const told: unknown[] = [];
  client.on('presence', (change) => told.push(change));
  client.on('message', ({ id }) => told.push(id));
  client.on('error', ({ code }) => told.push(code));
  client.on('left', ({ room }) => told.push(room));
  const there = { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: 10 }] };
  const occupancy = { users: 1, connections: 1 };
  const watched = [client.watch(['bob'])];
  await settle();
  socket.answer('presence', there);
  watched.push(client.watch({ room: 'lobby' }));
  await settle();
  socket.answer('presence', { ...there, room: 'lobby', occupancy });
  await Promise.all(watched);
  const joined = client.join('lobby');
  await settle();
  socket.joined();
  await joined;
  return { ...started, told };
}

/** Uses everything that the client did before, and that it has been asked for since. */
async function expectUnharmed({ world, client, socket, told }: Awaited<ReturnType<typeof busyClient>>): Promise<void> {
  expect(told).toEqual([]);
  socket.receive({ type: 'presence', users: [{ user: 'bob', online: false, sinceMs: 20 }] });
  socket.receive({ type: 'presence', room: 'lobby', users: [{ user: 'bob', online: false, sinceMs: 20 }] });
  socket.push(messageAt(1_000), roomMessageAt(1_100));
  const gone = [{ user: 'bob', online: false, sinceMs: 20 }];
  expect(told).toEqual([{ users: gone }, { room: 'lobby', users: gone }, '1000', '1100']);

  const read = client.markRead(bob, SERIAL);
  await world.advance(1_000);
  expect(socket.last('mark')['marks']).toEqual([{ conversation: bob, read: SERIAL }]);
  socket.answer('mark', { type: 'marked' });
  // Beside it, the server is told what was shown.
  socket.pong();
  await read;
  const sent = client.sendToUser('bob', 1, { echo: false });
  await settle();
  socket.acknowledge();
  await expect(sent).resolves.toMatchObject({ status: 'sent' });

  const next = await returnedSocket(world);
  next.register();
  await settle();
  const asked = next.sent.flatMap(({ action, id: _, attempt: __, cursor: ___, ...frame }) =>
    action === 'register' ? [] : [{ action, ...frame }],
  );
  expect(asked).toHaveLength(3);
  expect(asked).toEqual(
    expect.arrayContaining([
      { action: 'presence', users: ['bob'], watch: true },
      { action: 'presence', room: 'lobby', watch: true },
      { action: 'join', room: 'lobby' },
    ]),
  );
}

const names = ['', ' ', '\u0000', 'x'.repeat(257), '\ud800'];
const numbers = [0, -1, 1.5, 101, Number.NaN, Number.POSITIVE_INFINITY, 'many', null];
const conversations = names.flatMap((name) => [{ user: name }, { room: name }]);
const anyClient = (call: (client: Client<unknown, unknown>) => unknown) => call as (client: never) => Promise<unknown>;

/** Those that the server is to judge. */
const refusedByServer: [string, string, (client: never) => Promise<unknown>][] = [
  ...names.flatMap((name) => [
    call('presence', `watch([${name}])`, (client) => client.watch([name])),
    call('presence', `watch(bob and ${name})`, (client) => client.watch(['bob', name])),
    call('presence', `watch({room: ${name}})`, (client) => client.watch({ room: name })),
    call('presence', `unwatch([${name}])`, (client) => client.unwatch([name])),
    call('presence', `unwatch(bob and ${name})`, (client) => client.unwatch(['bob', name])),
    call('presence', `unwatch({room: ${name}})`, (client) => client.unwatch({ room: name })),
    call('presence', `presence([${name}])`, (client) => client.presence([name])),
    call('presence', `presence({room: ${name}})`, (client) => client.presence({ room: name })),
    call('join', `join(${name})`, (client) => client.join(name)),
  ]),
  call('presence', 'watch([])', (client) => client.watch([])),
  call('presence', 'unwatch([])', (client) => client.unwatch([])),
  call('presence', 'presence([])', (client) => client.presence([])),
  ...(['watch', 'unwatch', 'presence'] as const).map((method) =>
    call('presence', `${method}(101 users, bob among them)`, (client) =>
      client[method]([...Array.from({ length: 100 }, (_, index) => `user ${index}`), 'bob']),
    ),
  ),
  call('join', 'join(hall after nonsense)', (client) => client.join('hall', { after: 'nonsense' })),
  ...conversations.flatMap((conversation) => [
    call('history', `history(${JSON.stringify(conversation)})`, (client) => client.history(conversation as never)),
    call('search', `search(${JSON.stringify(conversation)})`, (client) => client.search(conversation as never, 'x')),
    call('unread', `unread(${JSON.stringify(conversation)})`, (client) => client.unread([bob, conversation] as never)),
    call('mark', `markRead(${JSON.stringify(conversation)})`, (client) =>
      client.markRead(conversation as never, SERIAL),
    ),
  ]),
  ...numbers.flatMap((limit) => [
    call('history', `history(limit ${limit})`, (client) => client.history(bob, { limit: limit as never })),
    call('search', `search(limit ${limit})`, (client) => client.search(bob, 'x', { limit: limit as never })),
  ]),
  call('history', 'history(before and after)', (client) => client.history(bob, { before: SERIAL, after: SERIAL })),
  call('search', 'search(201 characters)', (client) => client.search(bob, 'x'.repeat(201))),
  ...['', 'x'.repeat(257), 'a  b'].flatMap((user) => [
    call('block', `block(${user})`, (client) => client.block(user)),
    call('block', `unblock(${user})`, (client) => client.unblock(user)),
  ]),
  call('unread', 'unread([])', (client) => client.unread([])),
  call('unread', 'unread(51)', (client) => client.unread(Array(51).fill(bob))),
  ...['', 'nonsense', '7ZZZZZZZZZZZZZZZZZZZZZZZZZ'].map((serial) =>
    call('mark', `markRead(${serial})`, (client) => client.markRead(bob, serial)),
  ),
];

function call(
  action: string,
  name: string,
  perform: (client: Client<unknown, unknown>) => unknown,
): [string, string, (client: never) => Promise<unknown>] {
  return [name, action, anyClient(perform)];
}

describe('what the server refuses', () => {
  it.each(refusedByServer)('leaves the client as it was: %s', async (_, action, perform) => {
    const busy = await busyClient();
    const { world, client, socket } = busy;
    const outcome = expect(perform(client as never)).rejects.toMatchObject({ code: 'invalid_frame' });
    await settle();
    await world.advance(action === 'mark' ? 1_000 : 0);
    socket.refuse(action, 'invalid_frame');
    await outcome;
    await expectUnharmed(busy);
  });

  it.each<[ErrorCode, 'watch' | 'unwatch']>([
    ['forbidden', 'watch'],
    ['too_many_watches', 'watch'],
    ['forbidden', 'unwatch'],
  ])('leaves the client as it was: %s for %s', async (code, method) => {
    const busy = await busyClient();
    for (const target of [['bob', 'carol'], { room: 'lobby' }]) {
      const outcome = expect(busy.client[method](target as never)).rejects.toMatchObject({ code });
      await settle();
      busy.socket.refuse('presence', code);
      await outcome;
    }
    await expectUnharmed(busy);
  });

  it('tells afterwards what has changed while it was not clear whether it was still watched', async () => {
    const { client, socket, told } = await busyClient();
    const ended = [client.unwatch(['bob', '']), client.unwatch({ room: 'lobby' })].map((each) =>
      expect(each).rejects.toMatchObject({ code: 'invalid_frame' }),
    );
    await settle();
    const gone = [{ user: 'bob', online: false, sinceMs: 20 }];
    socket.receive({ type: 'presence', users: gone });
    socket.receive({ type: 'presence', room: 'lobby', users: gone });
    expect(told).toEqual([]);
    const frames: readonly Frame[] = socket.sent.filter(({ action }) => action === 'presence').slice(-2);
    for (const { id } of frames) {
      socket.receive({ type: 'error', id, code: 'invalid_frame', message: '', retryable: false });
    }
    await Promise.all(ended);
    expect(told).toEqual([{ users: gone }, { room: 'lobby', users: gone }]);
  });

  it('is refused by itself after a reconnect, too: what was watched before is renewed in frames of its own', async () => {
    const { world, client, told } = await busyClient();
    const outcome = expect(client.watch(['carol', ''])).rejects.toMatchObject({ code: 'invalid_frame' });
    await settle();
    const next = await returnedSocket(world);
    next.register();
    await settle();
    refuseWith(next, ({ users }) => (users as string[] | undefined)?.includes('') ?? false);
    await outcome;
    expect(told).toEqual([]);
    const after = await returnedSocket(world);
    after.register();
    await settle();
    expect(after.sent.filter(({ action }) => action === 'presence')).toMatchObject([
      { room: 'lobby' },
      { users: ['bob'] },
    ]);
  });

  it('forgets nothing of a room that an earlier page was in, when this one is not let in', async () => {
    const browser = new FakeBrowser();
    const page = browser.open();
    const socket = await page.world.accept();
    void page.client.join('lobby');
    await settle();
    socket.joined([], { cursor: serialFloor(900_000) });
    await settle();
    await page.leave();

    const next = browser.open();
    const nextSocket = await next.world.accept();
    for (const code of ['too_many_rooms', 'forbidden'] as const) {
      const refused = expect(next.client.join('lobby')).rejects.toMatchObject({ code });
      await settle();
      nextSocket.refuse('join', code);
      await refused;
    }
    void next.client.join('lobby');
    await settle();
    expect(nextSocket.last('join')).toMatchObject({ room: 'lobby', cursor: serialFloor(900_000) });
  });

  it.each([undefined, null, 'enough'])('is taken back by a signal whose reason is %s, too', async (reason) => {
    const busy = await busyClient();
    const controller = new AbortController();
    const watched = busy.client.watch(['carol'], { signal: controller.signal });
    await settle();
    controller.abort(reason);
    expect(await watched.catch((error: unknown) => error)).toBe(controller.signal.reason);
    await expectUnharmed(busy);
  });

  it('of several marks at one conversation is one, and not the others', async () => {
    const { world, client, socket } = await connectClient();
    const good = [client.markRead(bob, SERIAL), client.markRead({ room: 'lobby' }, SERIAL)];
    const bad = [client.markRead(bob, 'zzz'), client.markRead({ room: 'lobby' }, 'zzz')].map((each) =>
      expect(each).rejects.toMatchObject({ code: 'invalid_frame' }),
    );
    await world.advance(1_000);
    for (let answered = 0; answered < socket.count('mark'); answered += 1) {
      const marks = socket.last('mark')['marks'] as { read: string }[];
      if (marks.some(({ read }) => read === 'zzz')) socket.refuse('mark', 'invalid_frame');
      else socket.answer('mark', { type: 'marked' });
      await settle();
    }
    await Promise.all([...good, ...bad]);
  });
});

/** Those that do not even get to the server. */
const refusedByClient: [string, (client: never) => Promise<unknown>][] = (
  [
    ['watch(bob)', (client) => client.watch('bob' as never)],
    ['watch({})', (client) => client.watch({} as never)],
    ['watch(null)', (client) => client.watch(null as never)],
    ['watch([1])', (client) => client.watch(['bob', 1] as never)],
    ['unwatch([1])', (client) => client.unwatch(['bob', 1] as never)],
    ['unwatch({room: 1})', (client) => client.unwatch({ room: 1 } as never)],
    ['unwatch()', (client) => client.unwatch(undefined as never)],
    ['watch(bad options)', (client) => client.watch(['carol'], { cursor: 1 } as never)],
    ['watch(bad signal)', (client) => client.watch(['carol'], { signal: 1 } as never)],
    ['watch(null options)', (client) => client.watch(['carol'], null as never)],
    ['join(1)', (client) => client.join(1 as never)],
    ['join(bad options)', (client) => client.join('hall', { before: 1 } as never)],
    ['join(after 1)', (client) => client.join('hall', { after: 1 } as never)],
    ['join(after 1n)', (client) => client.join('hall', { after: 1n } as never)],
    ['join(after itself)', (client) => client.join('hall', { after: cyclic } as never)],
    ['join(after null)', (client) => client.join('hall', { after: null } as never)],
    ['leave(1)', (client) => client.leave(1 as never)],
    ['history(both)', (client) => client.history({ user: 'bob', room: 'lobby' } as never)],
    ['history(cyclic)', (client) => client.history(cyclic as never)],
    ['history(limit 1n)', (client) => client.history(bob, { limit: 1n as never })],
    ['history(before itself)', (client) => client.history(bob, { before: cyclic as never })],
    ['search(1)', (client) => client.search(bob, 1 as never)],
    ['search(before 1n)', (client) => client.search(bob, 'x', { before: 1n as never })],
    ['unread(cyclic)', (client) => client.unread([cyclic] as never)],
    ['unread("bob")', (client) => client.unread('bob' as never)],
    ['markRead(cyclic)', (client) => client.markRead(cyclic as never, SERIAL)],
    ['markRead(extra)', (client) => client.markRead({ user: 'bob', cursor: 1n } as never, SERIAL)],
    ['markRead(1)', (client) => client.markRead(bob, 1n as never)],
    ['markRead(room 1)', (client) => client.markRead({ room: 1n } as never, SERIAL)],
    ['sendToUser(1n)', (client) => client.sendToUser(1n as never, 1)],
    ['sendToUsers(cyclic)', (client) => client.sendToUsers(cyclic as never, 1)],
    ['sendToUser(data 1n)', (client) => client.sendToUser('bob', 1n)],
    ['sendToUser(no data)', (client) => client.sendToUser('bob', undefined)],
    ['sendToUser(id 1n)', (client) => client.sendToUser('bob', 1, { id: 1n as never })],
    ['sendToUser(expiresAfterMs 0)', (client) => client.sendToUser('bob', 1, { expiresAfterMs: 0 })],
    ['sendToUser(bad signal)', (client) => client.sendToUser('bob', 1, { signal: 1 as never })],
    ['sendToRoom(bad options)', (client) => client.sendToRoom('lobby', 1, { retry: true } as never)],
    ['on(nothing)', async (client) => client.on('nothing' as never, () => {})],
    ['on(no listener)', async (client) => client.on('message', 1 as never)],
    ['messages(0)', async (client) => client.messages({ maxBuffered: 0 })],
  ] satisfies [string, (client: Client<unknown, unknown>) => Promise<unknown>][]
).map(([name, perform]) => [name, anyClient(perform)]);

it.each(refusedByClient)('what the client refuses leaves it as it was: %s', async (_, perform) => {
  const busy = await busyClient();
  await expect(perform(busy.client as never)).rejects.toThrow(TypeError);
  await busy.world.advance(1_000);
  await expectUnharmed(busy);
});

/** Refuses each frame that the server would, and answers the others. */
function refuseWith(socket: FakeSocket, isWrong: (frame: Frame) => boolean): void {
  for (const frame of socket.sent.filter(({ action }) => action === 'presence')) {
    const { id, room } = frame;
    if (isWrong(frame)) socket.receive({ type: 'error', id, code: 'invalid_frame', message: '', retryable: false });
    else if (room === undefined) socket.receive({ type: 'presence', id, users: [] });
    else {
      const users = [{ user: 'bob', online: true, sinceMs: 10 }];
      socket.receive({ type: 'presence', id, room, users, occupancy: { users: 1, connections: 1 } });
    }
  }
}
