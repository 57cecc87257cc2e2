import { afterEach, expect, test } from 'vitest';
import { createTestServer } from '../../../testing/index.ts';

let stop = () => {};
afterEach(() => stop());

test('a user reads the conversation with a service, and nobody else does', async () => {
  const server = createTestServer();
  const [alice, bob] = [server.client('alice'), server.client('bob')];
  stop = () => [alice, bob].forEach((client) => void client.close());
  const service = { service: 'billing' };
  const { serial } = await server.sender('billing').sendToUser('alice', 'Your bill', { receipt: true });
  expect(await alice.history(service)).toMatchObject({ messages: [{ data: 'Your bill', from: service }] });
  expect(await bob.history(service)).toMatchObject({ messages: [] });
  expect(await bob.history({ user: 'alice' })).toMatchObject({ messages: [] });
  expect(await alice.unread([service])).toMatchObject([{ conversation: service, count: 1 }]);
  await alice.markRead(service, serial);
  expect(await alice.unread([service])).toMatchObject([{ count: 0, read: serial }]);
});

test('a service’s message that asks for a receipt is marked as received', async () => {
  const server = createTestServer();
  const held = server.hold({ user: 'alice', frame: 'mark', direction: 'toServer' });
  const alice = server.client('alice');
  stop = () => void alice.close();
  alice.on('message', () => {});
  await server.sender('billing').sendToUser('alice', 'Your bill', { receipt: true });
  await held.caught();
  expect(held.frames).toEqual(['mark']);
});
