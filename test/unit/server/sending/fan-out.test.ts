import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { userAddress } from '../../../../server/address.ts';
import { MAX_SOCKETS } from '../../../../server/concurrency.ts';
import { createTaskRunner } from '../../../../server/edge/run-tasks.ts';
import { createDeliveries } from '../../../../server/sending/delivery.ts';
import { connectionIdRanges } from '../../../../server/sending/fan-out.ts';
import { createPosting } from '../../../../server/sending/posting.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const CONNECTIONS = 5_000;

/** As evenly spread as those of API Gateway, and the same each time. */
const connectionId = (number: number) =>
  `${createHash('sha256').update(String(number)).digest('base64url').slice(0, 15)}=`;

test('5,000 connections of one user each get one post, in a few tasks, and only so many at once', async () => {
  const now = () => NOW;
  const directory = createMemoryDirectory(now);
  const ids = Array.from({ length: CONNECTIONS }, (_, number) => connectionId(number));
  const common = { address: BOB, userId: 'bob', attempt: 0, registeredAt: 0, callbackUrl: 'https://api.example/prod' };
  const until = { tokenExpiresAt: NOW, expiresAt: NOW, capability: {} };
  for (const id of ids) await directory.put({ ...common, ...until, connectionId: id });

  const posted: string[] = [];
  let underWay = 0;
  let mostUnderWay = 0;
  const poster = {
    async post({ connectionId: id }: { readonly connectionId: string }) {
      underWay += 1;
      mostUnderWay = Math.max(mostUnderWay, underWay);
      await new Promise(setImmediate);
      underWay -= 1;
      posted.push(id);
      return 'sent' as const;
    },
    close: async () => 'sent' as const,
  };
  const queue: Task[] = [];
  const tasks = { add: async (added: readonly Task[]) => void queue.push(...added) };
  const posting = createPosting({ poster, directory, tasks });
  const log = createMemoryMessageLog(now);
  const guard = { isBlocked: async () => false, take: () => Promise.reject(new Error('there are connections')) };
  const deliveries = createDeliveries({ directory, log, guard, posting, tasks, now, mintSerial: serialFloor });
  const message = {
    id: 'm1',
    serial: serialFloor(NOW),
    from: { user: 'a' },
    to: { user: 'bob' },
    data: 0,
    sentAt: NOW,
  };
  const delivery = { message, expiresAt: NOW, retry: false };

  const look = await deliveries.lookUp(BOB, message.from);
  const accepted = (await deliveries.accept({ address: BOB, deliveries: [delivery] }, look)).filter(
    (it) => it !== undefined,
  );
  expect(await deliveries.deliver({ address: BOB, deliveries: accepted }, look)).toMatchObject([{ status: 'queued' }]);

  // Whoever sends looks at a few of them only, and posts to none.
  expect(look.connections.length).toBeLessThan(300);
  expect(posted).toEqual([]);
  expect(queue).toHaveLength(connectionIdRanges().length);

  const states = createMemoryAddressStates(now);
  const unused = () => Promise.reject(new Error('not a matter of delivery'));
  const presence = { check: unused, sweep: unused };
  const runTasks = createTaskRunner({ directory, posting, states, presence, poster, log: () => undefined, now });
  for (const [index, task] of queue.entries()) {
    const before = posted.length;
    await runTasks({
      Records: [{ messageId: `t${index}`, attributes: { ApproximateReceiveCount: '1' }, body: JSON.stringify(task) }],
    });
    // Ids are random, so that the parts are even.
    expect(posted.length - before).toBeLessThan((2 * CONNECTIONS) / queue.length);
  }
  expect(mostUnderWay).toBe(MAX_SOCKETS);
  expect(posted.toSorted()).toEqual(ids.toSorted());
});

test('the parts hold every connection id once, also those at their ends', () => {
  const characters = '-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
  for (const first of characters) {
    for (const id of [`${first}-----------=`, `${first}zzzzzzzzzzz=`]) {
      const holding = connectionIdRanges().filter((range) => range.first <= id && id <= range.last);
      expect(holding, id).toHaveLength(1);
    }
  }
});
