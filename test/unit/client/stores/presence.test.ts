import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openPresence, type PresenceStore } from '../../../../client/stores/presence.ts';
import { createTestServer, type TestServer } from '../../../../testing/index.ts';

let server: TestServer;
beforeEach(() => {
  server = createTestServer();
});
afterEach(() => server.close());

const connected = async (user: string) => {
  const client = server.client<string>(user);
  await client.ready();
  return client;
};
const names = ({ state }: PresenceStore) => [...state.users.keys()].toSorted();

it('a room has the users who are in it, and their number, across connections', async () => {
  const [alice, bob, carol] = await Promise.all(['alice', 'bob', 'carol'].map(connected));
  await bob?.join('lobby');
  const presence = openPresence(alice as NonNullable<typeof alice>, { room: 'lobby' });
  expect(presence.state).toMatchObject({ status: 'loading', total: 0 });
  await vi.waitUntil(() => presence.state.status === 'ready');
  expect([names(presence), presence.state.total]).toEqual([['bob'], 1]);
  await carol?.join('lobby');
  await vi.waitUntil(() => presence.state.total === 2);
  server.disconnect('alice');
  await bob?.leave('lobby');
  server.reconnect('alice');
  await vi.waitUntil(() => presence.state.total === 1);
  expect(names(presence)).toEqual(['carol']);
  expect(presence.state.users.get('carol')).toMatchObject({ online: true, sinceMs: expect.any(Number) });
});

it('users are online or not, and the total counts those who are', async () => {
  const [alice] = await Promise.all([connected('alice'), connected('bob')]);
  const presence = openPresence(alice, ['bob', 'carol']);
  await vi.waitUntil(() => presence.state.status === 'ready');
  expect([names(presence), presence.state.total]).toEqual([['bob', 'carol'], 1]);
  await connected('carol');
  await vi.waitUntil(() => presence.state.total === 2);
});

it('a target is watched until the last who watches it has ended', async () => {
  const alice = await connected('alice');
  const [one, two] = [openPresence(alice, ['bob']), openPresence(alice, ['bob', 'carol'])];
  await alice.watch(['bob']);
  await vi.waitUntil(() => [one, two].every(({ state }) => state.status === 'ready'));
  one.close();
  await alice.unwatch(['bob']);
  await connected('bob');
  await vi.waitUntil(() => two.state.total === 1);
  expect(one.state.total).toBe(0);
  const heard = vi.fn();
  two.close();
  alice.on('presence', heard);
  await alice.presence(['bob']);
  await connected('carol');
  await alice.presence(['bob']);
  expect(heard).not.toHaveBeenCalled();
});

it('a store that is closed before the answer watches nothing', async () => {
  const alice = await connected('alice');
  const held = server.hold({ user: 'alice', frame: 'presence', direction: 'toClient' });
  const presence = openPresence(alice, ['bob']);
  await vi.waitUntil(() => held.frames.length === 1);
  presence.close();
  held.release();
  const heard = vi.fn();
  alice.on('presence', heard);
  await alice.presence(['bob']);
  await connected('bob');
  await alice.presence(['bob']);
  expect([presence.state.status, heard.mock.calls]).toEqual(['loading', []]);
});

it('fails where the token does not allow it, for a wrong target, and with the client', async () => {
  const guest = server.client<string>('guest', { capability: { 'user:bob': ['send'] } });
  const refused = openPresence(guest, ['bob']);
  await vi.waitUntil(() => refused.state.status === 'failed');
  expect(refused.state.error?.code).toBe('forbidden');
  const wrong = openPresence(guest, [7 as never]);
  await vi.waitUntil(() => wrong.state.status === 'failed');
  const alice = await connected('alice');
  const presence = openPresence(alice, ['bob']);
  await vi.waitUntil(() => presence.state.status === 'ready');
  alice.close();
  expect(presence.state).toMatchObject({ status: 'failed', error: { code: 'closed' } });
  expect(() => openPresence({} as never, ['bob'])).toThrow(TypeError);
});
