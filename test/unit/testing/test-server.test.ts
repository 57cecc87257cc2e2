import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTestServer, type TestServer } from '../../../testing/index.ts';

describe.each(['real', 'fake'])('with %s timers', (timers) => {
  let server: TestServer;
  beforeEach(() => {
    if (timers === 'fake') vi.useFakeTimers();
    server = createTestServer();
  });
  afterEach(() => {
    server.close();
    vi.useRealTimers();
  });

  /** Lets everything happen that waits for no more than this. */
  const pass = async (ms = 20) => {
    if (timers === 'fake') await vi.advanceTimersByTimeAsync(ms);
    else await new Promise((resolve) => setTimeout(resolve, ms));
  };

  test('a message arrives, and no timer is needed for it', async () => {
    const alice = server.client('alice');
    const bob = server.client('bob');
    await bob.ready();
    const arrived = bob.once('message');
    expect(await alice.sendToUser('bob', { text: 'hi' })).toMatchObject({ status: 'sent' });
    expect(await arrived).toMatchObject({ from: { user: 'alice' }, data: { text: 'hi' } });
    expect(server.sent).toMatchObject([{ from: { user: 'alice' }, to: { user: 'bob' }, data: { text: 'hi' } }]);
    expect(await bob.history({ user: 'alice' })).toMatchObject({ messages: [{ data: { text: 'hi' } }] });
    expect(server.connected).toEqual(['alice', 'bob']);
  });

  test('whoever was away gets what was sent meanwhile', async () => {
    const bob = server.client('bob');
    const texts: unknown[] = [];
    bob.on('message', ({ data }) => texts.push(data));
    await bob.ready();
    server.disconnect('bob');
    await pass();
    expect(bob.state.status).toBe('recovering');
    expect(await server.sender('billing').sendToUser('bob', 1)).toMatchObject({ status: 'stored' });
    server.reconnect('bob');
    await bob.ready();
    expect(texts).toEqual([1]);
  });

  test('a held acknowledgement is lost with its connection, and the message is sent once', async () => {
    const [alice, bob] = [server.client('alice'), server.client('bob')];
    await bob.ready();
    const acks = server.hold({ user: 'alice', frame: 'ack' });
    const sent = alice.sendToUser('bob', 'hi');
    await acks.caught();
    server.disconnect('alice');
    acks.release();
    server.reconnect('alice');
    await pass();
    expect(await sent).toMatchObject({ duplicate: true });
    expect(server.sent).toHaveLength(1);
  });

  test('the next frame or handshake is refused, and later ones are not', async () => {
    server.refuseNext('connect', 'unauthorized', { user: 'alice' });
    server.refuseNext('sendMessage', 'forbidden');
    const alice = server.client('alice');
    const errors: unknown[] = [];
    alice.on('error', ({ httpStatus }) => errors.push(httpStatus));
    await pass();
    await alice.ready();
    expect(errors).toEqual([401]);
    await expect(alice.sendToUser('bob', 1)).rejects.toMatchObject({ code: 'forbidden' });
    expect(await alice.sendToUser('bob', 2)).toMatchObject({ status: 'stored' });
  });

  test('frames take as long as is said', async () => {
    const alice = server.client('alice');
    await alice.ready();
    server.setLatency(50);
    const startedAt = Date.now();
    const sent = alice.sendToUser('bob', 1);
    await pass(200);
    await sent;
    expect(Date.now() - startedAt).toBeGreaterThanOrEqual(99);
  });

  test.each([
    ['client', () => server.client('')],
    ['sender', () => server.sender('')],
    ['setLatency', () => server.setLatency(-1)],
  ])('%s says what is wrong with its argument', (_, call) => {
    expect(call).toThrow(TypeError);
  });

  test('lost messages are told as a gap', async () => {
    const bob = server.client('bob');
    const gaps: unknown[] = [];
    bob.on('gap', (gap) => gaps.push(gap));
    await bob.ready();
    server.disconnect();
    await server.sender().sendToUser('bob', 1);
    server.loseMessages();
    server.reconnect();
    await pass();
    await bob.ready();
    expect(gaps).toHaveLength(1);
  });
});
