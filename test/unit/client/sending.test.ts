import { describe, expect, it } from 'vitest';
import { connectClient, dataOf, startClient } from '../../support/client-session.ts';
import { sentResult, settle } from '../../support/client-world.ts';

describe('a message', () => {
  it('goes to a user, or to several, and resolves with what the server did with it', async () => {
    const { client, socket } = await connectClient();
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
    const results = [sentResult('id-1'), { ...sentResult('mine'), status: 'dropped' }];
    socket.receive({ type: 'ack', id: '2', results });
    expect(await Promise.all([toBob, toBoth])).toEqual(results);
  });

  it('says what the sender wants done with it, and nothing that was not said', async () => {
    const { client, socket } = await connectClient();
    void client.sendToUser('bob', 1, { ephemeral: true, ttlSeconds: 60, echo: true });
    void client.sendToUser('bob', 2, { echo: undefined } as object);
    await settle();
    expect(socket.last('sendMessage')['messages']).toEqual([
      { to: { user: 'bob' }, id: 'id-1', ephemeral: true, ttlSeconds: 60, echo: true, data: 1 },
      { to: { user: 'bob' }, id: 'id-2', data: 2 },
    ]);
  });

  it('is what it was when it was sent', async () => {
    const { client, socket } = await connectClient();
    const data = { text: 'before' };
    void client.sendToUser('bob', data);
    data.text = 'after';
    await settle();
    expect(dataOf(socket)).toEqual([{ text: 'before' }]);
  });

  it('waits for a connection', async () => {
    const { world, client } = startClient();
    const sent = client.sendToUser('bob', 1);
    const socket = await world.accept();
    socket.acknowledge();
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
  });

  it('is refused alone when only it was wrong', async () => {
    const { client, socket } = await connectClient();
    const wrong = client.sendToUser('', 1);
    const right = client.sendToUser('bob', 2);
    await settle();
    const error = { code: 'invalid_frame', message: '"to.user" must not be empty', retryable: false };
    socket.receive({ type: 'ack', id: '2', results: [{ id: 'id-1', error }, sentResult('id-2')] });
    await expect(wrong).rejects.toMatchObject({ name: 'BeckonError', ...error, retryAfterMs: undefined });
    await expect(right).resolves.toMatchObject({ status: 'sent' });
  });

  it('is refused with its frame when the frame is', async () => {
    const { client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.refuse('sendMessage', 'invalid_frame');
    await expect(sent).rejects.toMatchObject({ code: 'invalid_frame' });
  });

  it('that closed the connection for its size is not sent again', async () => {
    const { world, client, socket } = await connectClient();
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
    const { client, socket } = await connectClient();
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
    const { client, socket } = await connectClient();
    const { socket: narrow, client: other } = await connectClient({ compress: false });
    for (let index = 0; index < 51; index += 1) void client.sendToUser('bob', index, { echo: false });
    for (let index = 0; index < 3; index += 1) void other.sendToUser('bob', 'x'.repeat(15_000));
    await settle();
    expect(dataOf(socket)).toHaveLength(50);
    expect(dataOf(narrow)).toHaveLength(2);
    socket.acknowledge();
    await settle();
    expect(dataOf(socket)).toEqual([50]);
  });

  it('takes the limits from the registration', async () => {
    const { world, client } = startClient();
    const socket = await world.accept({ maxMessagesPerFrame: 1, maxDataBytes: 3 });
    void client.sendToUser('bob', 1);
    void client.sendToUser('bob', 2);
    await settle();
    expect(dataOf(socket)).toEqual([1]);
    await expect(client.sendToUser('bob', 1234)).rejects.toMatchObject({ code: 'message_too_large' });
  });

  it('refuses what waited when the limits of the next connection are too small for it', async () => {
    const { world, client } = startClient();
    const large = client.sendToUser('bob', 'x'.repeat(500));
    const small = client.sendToUser('bob', 'x');
    large.catch(() => {});
    const socket = await world.accept({ maxFrameBytes: 200 });
    await expect(large).rejects.toMatchObject({ code: 'frame_too_large' });
    socket.acknowledge();
    await expect(small).resolves.toMatchObject({ status: 'sent' });
  });
});

describe('what is refused before it is sent', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;

  it.each([
    ['undefined', undefined, 'The data must be JSON or bytes. Found at "data": Undefined'],
    ['a function', () => {}, 'The data must be JSON or bytes. Found at "data": Function'],
    ['a BigInt', { big: 1n }, 'The data must be JSON or bytes. Found at "data.big": BigInt'],
    ['a Map', new Map(), 'The data must be JSON or bytes. Found at "data": Map'],
    ['a number that is none', { price: Number.NaN }, 'The data must be JSON or bytes. Found at "data.price": NaN'],
    ['something cyclic', cyclic, /^Converting circular structure to JSON/],
  ])('%s', async (_, data, message) => {
    const { client, socket } = await connectClient();
    const sent = client.sendToUser('bob', data);
    await expect(sent).rejects.toThrow(message);
    await expect(sent).rejects.toBeInstanceOf(TypeError);
    expect(socket.count('sendMessage')).toBe(0);
  });

  it.each([
    ['data beyond maxDataBytes', 'ü'.repeat(16_384), 'message_too_large', /has 32770 bytes; at most 32768/],
    ['a frame beyond maxFrameBytes', 'x'.repeat(32_766), 'frame_too_large', /take 32\d{3} bytes; at most 32768/],
  ])('%s, with its size in bytes of UTF-8', async (_, data, code, message) => {
    const { client } = await connectClient({ compress: false });
    await expect(client.sendToUser('bob', data)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('nothing that fits to the byte, also when it has to be sent again', async () => {
    const { world, client, socket } = await connectClient({ compress: false });
    const tooLarge = await client.sendToUser('bob', 'x'.repeat(32_766)).catch((error: Error) => error.message);
    const excess = Number(/take (\d+) bytes/.exec(String(tooLarge))?.[1]) - 32_768;
    void client.sendToUser('bob', 'x'.repeat(32_766 - excess));
    await settle();
    socket.refuse('sendMessage', 'internal');
    await world.advance(500);
    const bytes = new TextEncoder().encode(JSON.stringify(socket.last('sendMessage'))).length;
    expect(bytes).toBeGreaterThan(32_768 - 10);
    expect(bytes).toBeLessThanOrEqual(32_768);
    await expect(client.sendToUser('bob', 'x'.repeat(32_767 - excess))).rejects.toMatchObject({
      code: 'frame_too_large',
    });
  });

  it('not who it is for: that is the server’s to judge', async () => {
    const { client, socket } = await connectClient();
    void client.sendToUsers(undefined as never, 1);
    void client.sendToUser(7 as never, 1);
    await settle();
    expect(socket.last('sendMessage')['messages']).toMatchObject([{ to: {} }, { to: { user: 7 } }]);
  });

  it('an option that there is not, or that is wrong', async () => {
    const { client } = await connectClient();
    const unknown = { expireAfterMs: 1 } as object;
    await expect(client.sendToUser('bob', 1, unknown)).rejects.toThrow(
      'sendToUser: unknown option "expireAfterMs"; there are id, ephemeral, ttlSeconds, echo, receipt, expiresAfterMs, signal',
    );
    await expect(client.sendToUsers(['bob'], 1, { expiresAfterMs: 0 })).rejects.toThrow(
      'sendToUsers: "expiresAfterMs" must be a number of milliseconds above 0 and at most 2147483647, got 0',
    );
  });
});
