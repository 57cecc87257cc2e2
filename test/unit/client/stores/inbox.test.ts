import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Client } from '../../../../client/index.ts';
import { type Inbox, openInbox } from '../../../../client/stores/inbox.ts';
import { createTestServer, type TestServer } from '../../../../testing/index.ts';

let server: TestServer;
beforeEach(() => {
  server = createTestServer();
});
afterEach(() => server.close());

async function connected(user: string): Promise<Client<string>> {
  const client = server.client<string>(user);
  await client.ready();
  return client;
}

const shown = ({ state }: Inbox<string>) =>
  state.conversations.map(({ peer, unread, last }) => `${Object.values(peer)}: ${unread}, ${last?.data}`);

it('lists the conversations, and follows messages and what is read', async () => {
  const [alice, bob, carol] = await Promise.all([connected('alice'), connected('bob'), connected('carol')]);
  await bob.sendToUser('alice', 'one');
  await carol.sendToUser('alice', 'two');
  const inbox = openInbox(alice);
  await vi.waitUntil(() => inbox.state.status === 'ready');
  expect([shown(inbox), inbox.state.unread]).toEqual([['carol: 1, two', 'bob: 1, one'], 2]);
  await bob.sendToUser('alice', 'three');
  await vi.waitUntil(() => inbox.state.unread === 3);
  expect(shown(inbox)).toEqual(['bob: 2, three', 'carol: 1, two']);
  await alice.sendToUsers(['dave', 'carol'], 'four');
  await vi.waitUntil(() => inbox.state.conversations.length === 3);
  expect(shown(inbox).toSorted()).toEqual(['bob: 2, three', 'carol: 1, four', 'dave: 0, four']);
  const bobs = inbox.state.conversations.find(({ peer }) => 'user' in peer && peer.user === 'bob');
  await alice.markRead({ user: 'bob' }, bobs?.last?.serial ?? '');
  await vi.waitUntil(() => inbox.state.unread === 1);
  expect(shown(inbox)).toContain('bob: 0, three');
});

it('asks for the count of all only if it does not list all', async () => {
  const [alice, bob, carol] = await Promise.all([connected('alice'), connected('bob'), connected('carol')]);
  await bob.sendToUser('alice', 'one');
  await carol.sendToUser('alice', 'two');
  const ask = vi.spyOn(alice, 'unread');
  const whole = openInbox(alice);
  await vi.waitUntil(() => whole.state.status === 'ready');
  expect([whole.state.unread, ask.mock.calls.length]).toEqual([2, 0]);
  const part = openInbox(alice, { limit: 1 });
  await vi.waitUntil(() => part.state.status === 'ready', 10_000);
  expect([shown(part), part.state.unread, ask.mock.calls.length]).toEqual([['carol: 1, two'], 2, 1]);
});

it('asks the server what is left of a conversation that is not read to its end', async () => {
  const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
  const { serial } = await bob.sendToUser('alice', 'one');
  await bob.sendToUser('alice', 'two');
  await bob.sendToUser('alice', 'three');
  const inbox = openInbox(alice, { limit: 10 });
  await vi.waitUntil(() => inbox.state.unread === 3);
  await alice.markRead({ user: 'bob' }, serial);
  await vi.waitUntil(() => inbox.state.unread === 2, 5_000);
  expect(shown(inbox)).toEqual(['bob: 2, three']);
});

it('follows what is read on another device', async () => {
  const [phone, laptop, bob] = await Promise.all([connected('alice'), connected('alice'), connected('bob')]);
  const inbox = openInbox(laptop);
  await vi.waitUntil(() => inbox.state.status === 'ready');
  await bob.sendToUser('alice', 'one');
  const { serial } = await bob.sendToUser('alice', 'two');
  await vi.waitUntil(() => inbox.state.unread === 2);
  await phone.markRead({ user: 'bob' }, serial);
  await vi.waitUntil(() => inbox.state.unread === 0);
  expect(shown(inbox)).toEqual(['bob: 0, two']);
});

it('reads the list again after a reconnect, and changes no more after `close`', async () => {
  const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
  const inbox = openInbox(alice);
  await vi.waitUntil(() => inbox.state.status === 'ready');
  server.disconnect('alice');
  await bob.sendToUser('alice', 'one');
  server.reconnect('alice');
  await vi.waitUntil(() => inbox.state.unread === 1);
  inbox.close();
  const { state } = inbox;
  await bob.sendToUser('alice', 'two');
  await alice.presence(['bob']);
  expect(inbox.state).toBe(state);
  expect(() => openInbox(alice, { size: 1 } as never)).toThrow('size');
});

it('lists as many as asked for, and more when asked, rooms without a message too', async () => {
  const [alice, bob] = await Promise.all([connected('alice'), connected('bob')]);
  await alice.join('lobby');
  await bob.sendToUser('alice', 'one');
  const inbox = openInbox(alice, { limit: 1 });
  await vi.waitUntil(() => inbox.state.status === 'ready');
  expect(shown(inbox)).toEqual(['bob: 1, one']);
  expect(inbox.state.hasMore).toBe(true);
  inbox.loadMore();
  await vi.waitUntil(() => inbox.state.conversations.length === 2, 8_000);
  expect(shown(inbox)).toEqual(['bob: 1, one', 'lobby: 0, undefined']);
  expect(inbox.state.hasMore).toBe(false);
});

it('fails where the list is switched off', async () => {
  const off = createTestServer({ conversations: false });
  try {
    const inbox = openInbox(off.client('alice'));
    await vi.waitUntil(() => inbox.state.status === 'failed');
    expect(inbox.state.error?.code).toBe('conversations_disabled');
  } finally {
    off.close();
  }
});
