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
