import { describe, expect, it } from 'vitest';
import { SessionClient } from '../../../client/client.ts';
import type { ConnectOptions } from '../../../client/options.ts';
import { ClientWorld, delivered, type FakeSocket, settle, testOptions } from '../../support/client-world.ts';

function start(options: Partial<ConnectOptions> = {}) {
  const world = new ClientWorld();
  const client = new SessionClient<unknown, unknown>(world, testOptions(options));
  return { world, client };
}

async function connected(options: Partial<ConnectOptions> = {}) {
  const { world, client } = start(options);
  const socket = await world.accept();
  return { world, client, socket };
}

/** What a `sendMessage` frame carries. */
function dataOf(socket: FakeSocket): unknown[] {
  const { messages } = socket.last('sendMessage') as unknown as { readonly messages: readonly { data: unknown }[] };
  return messages.map(({ data }) => data);
}

function refuse(socket: FakeSocket, code: string, retryable: boolean): void {
  socket.receive({ type: 'error', id: socket.last('sendMessage').id, code, message: `${code}!`, retryable });
}

describe('a message', () => {
  it('goes to a user, or to several, and resolves with what the server did with it', async () => {
    const { client, socket } = await connected();
    const toBob = client.sendToUser('bob', { text: 'hi' });
    const toBoth = client.sendToUsers(['bob', 'carol'], 2, { id: 'mine' });
    await settle();
    expect(socket.last('sendMessage')).toEqual({
      action: 'sendMessage',
      id: '2',
      messages: [
        { to: { user: 'bob' }, id: 'id-1', data: { text: 'hi' } },
        { to: { users: ['bob', 'carol'] }, id: 'mine', data: 2 },
      ],
    });
    const results = [delivered('id-1'), { ...delivered('mine'), status: 'dropped' }];
    socket.receive({ type: 'ack', id: '2', results });
    expect(await Promise.all([toBob, toBoth])).toEqual(results);
  });

  it('is what it was when it was sent', async () => {
    const { client, socket } = await connected();
    const data = { text: 'before' };
    void client.sendToUser('bob', data);
    data.text = 'after';
    await settle();
    expect(dataOf(socket)).toEqual([{ text: 'before' }]);
  });

  it('waits for a connection', async () => {
    const { world, client } = start();
    const sent = client.sendToUser('bob', 1);
    const socket = await world.accept();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'delivered' });
  });

  it('is refused alone when only it was wrong', async () => {
    const { client, socket } = await connected();
    const wrong = client.sendToUser('', 1);
    const right = client.sendToUser('bob', 2);
    await settle();
    const error = { code: 'invalid_frame', message: '"to.user" must not be empty', retryable: false };
    socket.receive({ type: 'ack', id: '2', results: [{ id: 'id-1', error }, delivered('id-2')] });
    await expect(wrong).rejects.toMatchObject({ name: 'BeckonError', code: 'invalid_frame', message: error.message });
    await expect(right).resolves.toMatchObject({ status: 'delivered' });
  });

  it('is refused with its frame when the frame is', async () => {
    const { client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    refuse(socket, 'invalid_frame', false);
    await expect(sent).rejects.toMatchObject({ code: 'invalid_frame' });
  });

  it('that closed the connection for its size is not sent again', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.end(1009);
    await expect(sent).rejects.toMatchObject({ code: 'frame_too_large' });
    await world.advance(500);
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });
});

describe('one frame at a time', () => {
  it('puts what waits into the next frame', async () => {
    const { client, socket } = await connected();
    const first = client.sendToUser('bob', 1);
    await settle();
    void client.sendToUser('bob', 2);
    void client.sendToUser('bob', 3);
    await settle();
    expect(socket.count('sendMessage')).toBe(1);
    socket.acknowledge();
    await first;
    await settle();
    expect(dataOf(socket)).toEqual([2, 3]);
  });

  it('puts no more into a frame than the server allows', async () => {
    const { client, socket } = await connected();
    const { socket: narrow, client: other } = await connected();
    for (let index = 0; index < 51; index += 1) void client.sendToUser('bob', index);
    for (let index = 0; index < 3; index += 1) void other.sendToUser('bob', 'x'.repeat(15_000));
    await settle();
    expect(dataOf(socket)).toHaveLength(50);
    expect(dataOf(narrow)).toHaveLength(2);
    socket.acknowledge();
    await settle();
    expect(dataOf(socket)).toEqual([50]);
  });

  it('takes the limits from the registration', async () => {
    const { world, client } = start();
    const socket = await world.accept({ maxMessagesPerFrame: 1, maxDataBytes: 3 });
    void client.sendToUser('bob', 1);
    void client.sendToUser('bob', 2);
    await settle();
    expect(dataOf(socket)).toEqual([1]);
    await expect(client.sendToUser('bob', 1234)).rejects.toMatchObject({ code: 'message_too_large' });
  });

  it('refuses what waited when the limits of the next connection are too small for it', async () => {
    const { world, client } = start();
    const large = client.sendToUser('bob', 'x'.repeat(500));
    const small = client.sendToUser('bob', 'x');
    large.catch(() => {});
    const socket = await world.accept({ maxFrameBytes: 200 });
    await expect(large).rejects.toMatchObject({ code: 'frame_too_large' });
    socket.acknowledge();
    await expect(small).resolves.toMatchObject({ status: 'delivered' });
  });
});

describe('sending again', () => {
  it('sends the same messages, with the same ids, on the next connection, before later ones', async () => {
    const { world, client, socket } = await connected();
    const first = client.sendToUser('bob', 1);
    await settle();
    const second = client.sendToUser('bob', 2);
    socket.end();
    await world.advance(500);
    const next = await world.accept();
    expect(next.last('sendMessage')['messages']).toEqual([
      { to: { user: 'bob' }, id: 'id-1', data: 1 },
      { to: { user: 'bob' }, id: 'id-2', data: 2 },
    ]);
    next.acknowledge();
    expect(await Promise.all([first, second])).toEqual([delivered('id-1'), delivered('id-2')]);
  });

  it('asks for a sign of life when the ack is late, and sends again when there is one', async () => {
    const { world, client, socket } = await connected({ ackTimeoutMs: 10_000 });
    const sent = client.sendToUser('bob', 1);
    await world.advance(9_999);
    expect(socket.count('ping')).toBe(0);
    await world.advance(1);
    socket.receive({ type: 'pong', id: socket.last('ping').id, serverTime: 0 });
    await world.advance(500);
    expect(socket.count('sendMessage')).toBe(2);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
    expect(world.sockets).toHaveLength(1);
  });

  it('takes a late ack for what it is, even when it is the sign of life', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await world.advance(10_000);
    socket.acknowledge();
    await sent;
    await world.advance(60_000);
    expect(socket.count('sendMessage')).toBe(1);
  });

  it('reconnects when there is no sign of life', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await world.advance(15_000);
    expect(socket.closedWith).toBe('abrupt');
    await world.advance(500);
    (await world.accept()).acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });

  it('registers first when the server says so, on the same connection', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    refuse(socket, 'not_registered', true);
    await settle();
    expect(socket.sent.map(({ action }) => action)).toEqual(['register', 'sendMessage', 'register']);
    socket.register();
    await world.advance(500);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });

  it('reconnects first when the token has expired', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    refuse(socket, 'token_expired', false);
    await world.advance(500);
    (await world.accept()).acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });

  it.each([
    ['the server', { type: 'error', id: '2', code: 'internal', message: 'failed', retryable: true }],
    ['API Gateway', { message: 'Internal server error', connectionId: 'c', requestId: 'r' }],
  ])('waits longer with each failure that %s tells of', async (_, failure) => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      await settle();
      const before = world.now();
      socket.receive({ ...failure, ...('id' in failure && { id: socket.last('sendMessage').id }) });
      while (socket.count('sendMessage') === attempt) await world.advance(100);
      waits.push(world.now() - before);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'delivered' });
    void client.sendToUser('bob', 2);
    await settle();
    expect(dataOf(socket)).toEqual([2]);
  });

  it('sends again only those messages of a frame that may yet succeed', async () => {
    const { world, client, socket } = await connected();
    const results = Promise.allSettled([1, 2, 3].map((data) => client.sendToUser('bob', data)));
    await settle();
    const failure = (code: string, retryable: boolean) => ({ error: { code, message: code, retryable } });
    socket.receive({
      type: 'ack',
      id: '2',
      results: [failure('invalid_frame', false), failure('internal', true), delivered('id-3')],
    });
    await world.advance(500);
    expect(dataOf(socket)).toEqual([2]);
    socket.acknowledge();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it('sends again what an ack forgot to mention', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.receive({ type: 'ack', id: '2', results: [] });
    await world.advance(500);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });
});

describe('giving up', () => {
  it('rejects a message that could not be sent before it expired', async () => {
    const { world, client } = start();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 60_000 });
    const byDefault = client.sendToUser('bob', 2);
    const outcome = expect(sent).rejects.toMatchObject({ code: 'expired', maybeDelivered: false });
    await world.advance(60_000);
    await outcome;
    const other = expect(byDefault).rejects.toMatchObject({ code: 'expired' });
    await world.advance(240_000);
    await other;
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('does not send a message that expired while the computer slept', async () => {
    const { world, client } = start();
    const sent = expect(client.sendToUser('bob', 1, { expiresAfterMs: 60_000 })).rejects.toMatchObject({
      code: 'expired',
    });
    await settle();
    world.jump(60_000);
    expect((await world.accept()).count('sendMessage')).toBe(0);
    await sent;
  });

  it('expires messages also when the clock was set back', async () => {
    const { world, client } = start();
    const sent = expect(client.sendToUser('bob', 1, { expiresAfterMs: 60_000 })).rejects.toMatchObject({
      code: 'expired',
    });
    await settle();
    world.jump(-3_600_000);
    await world.advance(60_000);
    await sent;
  });

  it('says of an expired message whether it may have been delivered', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 5_000 });
    const outcome = expect(sent).rejects.toMatchObject({ code: 'expired', maybeDelivered: true });
    await world.advance(5_000);
    socket.end();
    await outcome;
  });

  it('lets an ack that is on its way decide, though the message has expired', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1, { expiresAfterMs: 5_000 });
    await world.advance(6_000);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(delivered('id-1'));
  });

  it('takes a message back that waits', async () => {
    const { world, client } = start();
    const controller = new AbortController();
    const sent = client.sendToUser('bob', 1, { signal: controller.signal });
    await settle();
    controller.abort(new Error('changed my mind'));
    await expect(sent).rejects.toThrow('changed my mind');
    await expect(client.sendToUser('bob', 2, { signal: controller.signal })).rejects.toThrow('changed my mind');
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('does not send a message again that was taken back on its way', async () => {
    const { world, client, socket } = await connected();
    const controller = new AbortController();
    const sent = client.sendToUser('bob', 1, { signal: controller.signal });
    const outcome = expect(sent).rejects.toMatchObject({ name: 'AbortError' });
    await settle();
    controller.abort();
    await outcome;
    socket.end();
    await world.advance(500);
    expect((await world.accept()).count('sendMessage')).toBe(0);
  });

  it('holds no more messages than maxQueuedMessages', async () => {
    const { client, socket } = await connected({ maxQueuedMessages: 2 });
    const first = client.sendToUser('bob', 1);
    void client.sendToUser('bob', 2);
    await settle();
    await expect(client.sendToUser('bob', 3)).rejects.toMatchObject({ code: 'outbox_full' });
    socket.acknowledge();
    await first;
    await settle();
    const again = client.sendToUser('bob', 4);
    await settle();
    socket.acknowledge();
    await expect(again).resolves.toMatchObject({ status: 'delivered' });
  });

  it('rejects everything when the client is closed, and says what may have been delivered', async () => {
    const { client } = await connected();
    const inFlight = client.sendToUser('bob', 1);
    await settle();
    const waiting = client.sendToUser('bob', 2);
    const outcomes = Promise.allSettled([inFlight, waiting]);
    client.close();
    expect(await outcomes).toMatchObject([
      { reason: { code: 'closed', maybeDelivered: true } },
      { reason: { code: 'closed', maybeDelivered: false } },
    ]);
    await expect(client.sendToUser('bob', 3)).rejects.toMatchObject({ code: 'closed' });
  });

  it('rejects everything when the session fails', async () => {
    const { world, client } = start();
    const sent = client.sendToUser('bob', 1);
    const outcome = expect(sent).rejects.toMatchObject({ code: 'origin_not_allowed' });
    await settle();
    world.socket.end(1006, 'Unexpected server response: 403');
    await outcome;
    await expect(client.sendToUser('bob', 2)).rejects.toMatchObject({ code: 'origin_not_allowed' });
  });

  it('leaves no timer behind when it is closed while it waits to send again', async () => {
    const { world, client, socket } = await connected();
    const sent = client.sendToUser('bob', 1);
    const outcome = expect(sent).rejects.toMatchObject({ code: 'closed' });
    await settle();
    refuse(socket, 'internal', true);
    await settle();
    client.close();
    await outcome;
    expect(world.timers).toBe(0);
  });
});

describe('what is refused before it is sent', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;

  it.each([
    ['undefined', undefined, 'The data must be a JSON value, got undefined'],
    ['a function', () => {}, 'The data must be a JSON value, got function'],
    ['a BigInt', { big: 1n }, 'The data must be a JSON value: Do not know how to serialize a BigInt'],
    ['something cyclic', cyclic, /^The data must be a JSON value: Converting circular structure/],
  ])('%s', async (_, data, message) => {
    const { client, socket } = await connected();
    const sent = client.sendToUser('bob', data);
    await expect(sent).rejects.toThrow(message);
    await expect(sent).rejects.toBeInstanceOf(TypeError);
    expect(socket.count('sendMessage')).toBe(0);
  });

  it.each([
    ['data beyond maxDataBytes', 'ü'.repeat(16_384), 'message_too_large', /has 32770 bytes; at most 32768/],
    ['a frame beyond maxFrameBytes', 'x'.repeat(32_766), 'frame_too_large', /a frame of 32\d{3} bytes; at most 32768/],
  ])('%s, with its size in bytes of UTF-8', async (_, data, code, message) => {
    const { client } = await connected();
    await expect(client.sendToUser('bob', data)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('nothing that fits to the byte', async () => {
    const { client, socket } = await connected();
    const tooLarge = await client.sendToUser('bob', 'x'.repeat(32_766)).catch((error: Error) => error.message);
    const excess = Number(/of (\d+) bytes/.exec(String(tooLarge))?.[1]) - 32_768;
    void client.sendToUser('bob', 'x'.repeat(32_766 - excess));
    await settle();
    const bytes = new TextEncoder().encode(JSON.stringify(socket.last('sendMessage'))).length;
    expect(bytes).toBeGreaterThan(32_768 - 10);
    expect(bytes).toBeLessThanOrEqual(32_768);
    await expect(client.sendToUser('bob', 'x'.repeat(32_767 - excess))).rejects.toMatchObject({
      code: 'frame_too_large',
    });
  });

  it('not who it is for: that is the server’s to judge', async () => {
    const { client, socket } = await connected();
    void client.sendToUsers(undefined as never, 1);
    void client.sendToUser(7 as never, 1);
    await settle();
    expect(socket.last('sendMessage')['messages']).toMatchObject([{ to: {} }, { to: { user: 7 } }]);
  });

  it('an option that there is not, or that is wrong', async () => {
    const { client } = await connected();
    const unknown = { expireAfterMs: 1 } as object;
    await expect(client.sendToUser('bob', 1, unknown)).rejects.toThrow(
      'sendToUser: unknown option "expireAfterMs"; there are id, expiresAfterMs, signal',
    );
    await expect(client.sendToUsers(['bob'], 1, { expiresAfterMs: 0 })).rejects.toThrow(
      'sendToUsers: "expiresAfterMs" must be a number of milliseconds above 0 and at most 2147483647, got 0',
    );
  });
});
