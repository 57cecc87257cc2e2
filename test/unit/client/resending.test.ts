import { describe, expect, it } from 'vitest';
import { connectClient, dataOf } from '../../support/client-session.ts';
import { type FakeSocket, sentResult, settle, UNIT_MS } from '../../support/client-world.ts';

describe('sending again', () => {
  it('sends the same messages, with the same ids, on the next connection, before later ones', async () => {
    const { world, client, socket } = await connectClient();
    const first = client.sendToUser('bob', 1);
    await settle();
    const second = client.sendToUser('bob', 2);
    socket.end();
    await world.advance(500);
    const next = await world.accept();
    expect(next.last('sendMessage')['messages']).toEqual([
      { to: { user: 'bob' }, id: 'id-1', data: 1, retry: true },
      { to: { user: 'bob' }, id: 'id-2', data: 2 },
    ]);
    next.acknowledge();
    expect(await Promise.all([first, second])).toEqual([sentResult('id-1'), sentResult('id-2')]);
  });

  it('asks for a sign of life when the ack is late, and sends again when there is one', async () => {
    const { world, client, socket } = await connectClient({ ackTimeoutMs: 10_000 });
    const sent = client.sendToUser('bob', 1);
    await world.advance(9_999);
    expect(socket.count('ping')).toBe(0);
    await world.advance(1);
    socket.pong();
    await world.advance(500);
    expect(socket.count('sendMessage')).toBe(2);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
    expect(world.sockets).toHaveLength(1);
  });

  it('takes a late ack for what it is, even when it is the sign of life', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await world.advance(10_000);
    socket.acknowledge();
    await sent;
    await world.advance(60_000);
    expect(socket.count('sendMessage')).toBe(1);
  });

  it('reconnects when there is no sign of life', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await world.advance(15_000);
    expect(socket.closedWith).toBe('abrupt');
    await world.advance(500);
    (await world.accept()).acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it('registers first when the server says so, on the same connection', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.refuse('sendMessage', 'not_registered');
    await settle();
    expect(socket.sent.map(({ action }) => action)).toEqual(['register', 'sendMessage', 'register']);
    socket.register();
    await world.advance(500);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it('reconnects first when the token has expired', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.refuse('sendMessage', 'token_expired');
    await world.advance(500);
    (await world.accept()).acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it.each([
    ['the server', { type: 'error', id: '2', code: 'internal', message: 'failed', retryable: true }],
    ['API Gateway', { message: 'Internal server error', connectionId: 'c', requestId: 'r' }],
  ])('waits longer with each failure that %s tells of', async (_, failure) => {
    const { world, client, socket } = await connectClient();
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
    await expect(sent).resolves.toMatchObject({ status: 'sent' });
    void client.sendToUser('bob', 2);
    await settle();
    expect(dataOf(socket)).toEqual([2]);
  });

  it('sends again only those messages of a frame that may yet succeed', async () => {
    const { world, client, socket } = await connectClient();
    const results = Promise.allSettled([1, 2, 3].map((data) => client.sendToUser('bob', data)));
    await settle();
    const failure = (code: string, retryable: boolean) => ({ error: { code, message: code, retryable } });
    socket.receive({
      type: 'ack',
      id: '2',
      results: [failure('invalid_frame', false), failure('internal', true), sentResult('id-3')],
    });
    await world.advance(500);
    expect(dataOf(socket)).toEqual([2]);
    socket.acknowledge();
    expect((await results).map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });

  it.each<[string, (socket: FakeSocket) => void, boolean]>([
    ['its connection ended', (socket) => socket.end(), true],
    ['the server failed', (socket) => socket.refuse('sendMessage', 'internal'), true],
    ['its handler crashed', (socket) => socket.receive({ message: 'Internal server error' }), true],
    ['the message failed', (socket) => socket.receive({ type: 'ack', id: '2', results: [FAILED] }), true],
    ['the server was not ready for it', (socket) => socket.refuse('sendMessage', 'not_registered'), false],
  ])('says whether the server may have got the message before, when %s', async (_, fail, mayHave) => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await settle();
    expect(messageOf(socket)).not.toHaveProperty('retry');
    fail(socket);
    await settle();
    if (socket.count('register') > 1) socket.register();
    await world.advance(500);
    const next = world.socket === socket ? socket : await world.accept();
    expect(messageOf(next)).toEqual({ to: { user: 'bob' }, id: 'id-1', data: 1, ...(mayHave && { retry: true }) });
    next.acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it('still says so after the server was not ready for it', async () => {
    const { world, client, socket } = await connectClient();
    void client.sendToUser('bob', 1);
    await settle();
    for (const code of ['internal', 'not_registered'] as const) {
      socket.refuse('sendMessage', code);
      await settle();
      if (code === 'not_registered') socket.register();
      await world.advance(2_000);
    }
    expect(socket.count('sendMessage')).toBe(3);
    expect(messageOf(socket)).toMatchObject({ retry: true });
  });

  it('lets nothing overtake a message that is sent again, also within what it was sent with', async () => {
    const { world, client, socket } = await connectClient();
    for (const data of [1, 2, 3]) void client.sendToUser('bob', data);
    await settle();
    void client.sendToUser('bob', 4);
    socket.receive({ type: 'ack', id: '2', results: [sentResult('id-1'), FAILED, FAILED] });
    await world.advance(499);
    expect(socket.count('sendMessage')).toBe(1);
    await world.advance(1);
    expect(dataOf(socket)).toEqual([2, 3, 4]);
  });

  it('sends again what an ack forgot to mention', async () => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1);
    await settle();
    socket.receive({ type: 'ack', id: '2', results: [] });
    await world.advance(500);
    socket.acknowledge();
    await expect(sent).resolves.toEqual(sentResult('id-1'));
  });

  it.each(['the frame', 'one message'])('holds everything back for as long as the server says of %s', async (what) => {
    const { world, client, socket } = await connectClient();
    const sent = client.sendToUser('bob', 1, { echo: false });
    await settle();
    const error = { code: 'rate_limited', message: '', retryable: true, retryAfterMs: 40_000 };
    const results = [{ id: 'id-1', error }];
    socket.answer('sendMessage', what === 'the frame' ? { type: 'error', ...error } : { type: 'ack', results });
    const later = client.sendToUser('bob', 2, { echo: false });
    await world.advance(39_999);
    expect(socket.count('sendMessage')).toBe(1);
    await world.advance(1 + 2 * UNIT_MS);
    expect(dataOf(socket)).toEqual([1, 2]);
    socket.acknowledge();
    expect(await Promise.all([sent, later])).toEqual([sentResult('id-1'), sentResult('id-2')]);
  });
});

const FAILED = { error: { code: 'internal', message: 'failed', retryable: true } };

/** The only message in the last `sendMessage`. */
function messageOf(socket: FakeSocket): unknown {
  const { messages } = socket.last('sendMessage') as unknown as { readonly messages: readonly unknown[] };
  expect(messages).toHaveLength(1);
  return messages[0];
}
