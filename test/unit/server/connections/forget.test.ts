import { expect, test } from 'vitest';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import { createForget } from '../../../../server/connections/forget.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

test('forgetting a connection queues a presence check of its user, also in its rooms, for when they could be back', async () => {
  const directory = createMemoryDirectory(() => 0);
  const bob = { address: userAddress('bob'), userId: 'bob', connectionId: 'b1' };
  const rooms = [roomAddress('lobby'), roomAddress('attic')];
  await directory.put({
    ...bob,
    callbackUrl: '',
    attempt: 0,
    registeredAt: 0,
    expiresAt: 60,
    tokenExpiresAt: 60,
    capability: {},
  });
  await directory.addSubscriptions(bob.address, 'b1', { kind: 'rooms', addresses: rooms }, 50);
  const tasks: Task[] = [];
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };

  await createForget({ directory, tasks: { add } })({ ...bob, address: roomAddress('lobby') });

  // Its end is known: there is nothing to close.
  const check = { kind: 'presence', userId: 'bob', delaySeconds: 15 };
  expect(tasks).toEqual([bob.address, ...rooms].map((address) => ({ ...check, address })));
  expect([directory.items.size, directory.subscriptionItems.size]).toEqual([0, 0]);
});
