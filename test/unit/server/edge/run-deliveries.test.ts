import { describe, expect, test } from 'vitest';
import type { Message, Push } from '../../../../protocol/index.ts';
import { presenceAddress, userAddress } from '../../../../server/address.ts';
import { MAX_SOCKETS } from '../../../../server/concurrency.ts';
import { createDeliveryRunner, MAX_HOPS } from '../../../../server/edge/run-deliveries.ts';
import { ALL_CONNECTION_IDS, MAX_PART_CONNECTIONS } from '../../../../server/sending/fan-out.ts';
import { SYSTEM_CLOCK } from '../../../../server/sending/paced.ts';
import { createPosting, Unreachable } from '../../../../server/sending/posting.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { DeliverTask } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createDeliveryWorld } from '../../../support/delivery-world.ts';

const BOB = userAddress('bob');

/** Which ids got the message twice, and which did not get it. */
function compare(ids: readonly string[], posted: readonly string[]) {
  const once = new Set(posted);
  return { missed: ids.filter((id) => !once.has(id)).length, repeated: posted.length - once.size };
}

test('delivers to 10,000 connections, each once, at the pace that is set, in a short chain', async () => {
  const world = await createDeliveryWorld({ connections: 10_000 });
  await world.run(world.task(ALL_CONNECTION_IDS));
  expect(compare(world.ids, world.posted)).toEqual({ missed: 0, repeated: 0 });
  expect(world.mostHops()).toBeLessThanOrEqual(3);
  expect(world.mostPerSecond()).toBeLessThanOrEqual(5_000 * 1.1);
  expect(world.elapsedMs()).toBeLessThan(5_000);
  expect(world.dead).toEqual([]);
});

test('passes over the connection that sends, and delivers to those that have joined since the room was divided', async () => {
  const world = await createDeliveryWorld({ connections: 600 });
  const [spared = ''] = world.ids;
  await world.join('zzzzzzzzzzzzzzz=');
  await world.run({ ...world.task(ALL_CONNECTION_IDS), spared });
  expect(world.posted.toSorted()).toEqual([...world.ids.slice(1), 'zzzzzzzzzzzzzzz='].toSorted());
});

describe('a function that does not come to the end', () => {
  test('hands on what is left before its deadline: nobody is missed, and nobody gets the message twice', async () => {
    const world = await createDeliveryWorld({ connections: 500, postMs: 900 });
    await world.run(world.task(ALL_CONNECTION_IDS));
    expect(compare(world.ids, world.posted)).toEqual({ missed: 0, repeated: 0 });
    expect(world.mostHops()).toBeGreaterThan(0);
    expect(world.dead).toEqual([]);
  });

  test('repeats only posts that were under way, when the API stops to answer in the middle', async () => {
    // It takes those posts, but answers none of them.
    const silent = new Set<number>(Array.from({ length: MAX_SOCKETS }, (_, index) => 200 + index));
    const reached: string[] = [];
    const world = await createDeliveryWorld({
      connections: 500,
      answer(connectionId, attempt) {
        if (!silent.has(attempt)) return 'sent';
        reached.push(connectionId);
        return undefined;
      },
    });
    await world.run(world.task(ALL_CONNECTION_IDS));
    const { missed, repeated } = compare(world.ids, [...world.posted, ...reached]);
    expect(missed).toBe(0);
    expect(repeated).toBeLessThanOrEqual(MAX_SOCKETS);
    // The first attempt has ended in time: the task did not have to come back after its visibility timeout.
    expect(world.elapsedMs()).toBeLessThan(20_000);
  });

  test('repeats its own part only, when it dies in the middle', async () => {
    const world = await createDeliveryWorld({ connections: 3_000, dies: (attempt) => attempt === 1_400 });
    await world.run(world.task(ALL_CONNECTION_IDS));
    const { missed, repeated } = compare(world.ids, world.posted);
    expect(missed).toBe(0);
    expect(repeated).toBeLessThan(MAX_PART_CONNECTIONS);
    expect(world.dead).toEqual([]);
  });

  test('keeps its progress when the API gets out of reach in the middle', async () => {
    let failsUntilMs: number | undefined;
    const world = await createDeliveryWorld({
      connections: 500,
      answer(_, attempt, nowMs) {
        if (attempt > 200) failsUntilMs ??= nowMs + 30_000;
        return failsUntilMs !== undefined && nowMs < failsUntilMs ? new Unreachable(undefined) : 'sent';
      },
    });
    await world.run(world.task(ALL_CONNECTION_IDS));
    expect(compare(world.ids, world.posted)).toEqual({ missed: 0, repeated: 0 });
    expect(world.closed).toEqual([]);
  });
});

describe('a throttled account', () => {
  test('slows a room of 10,000 down to 2,500 posts a second, and cuts nobody off', async () => {
    let window = 0;
    let taken = 0;
    const world = await createDeliveryWorld({
      connections: 10_000,
      answer(_, __, nowMs) {
        const tenth = Math.floor(nowMs / 100);
        if (tenth !== window) taken = 0;
        window = tenth;
        taken += 1;
        return taken > 250 ? 'throttled' : 'sent';
      },
    });
    await world.run(world.task(ALL_CONNECTION_IDS));
    expect(compare(world.ids, world.posted)).toEqual({ missed: 0, repeated: 0 });
    expect(world.closed).toEqual([]);
    expect(world.dead).toEqual([]);
    expect(world.elapsedMs()).toBeLessThan(30_000);
    const throttled = world.lines.reduce((sum, { metrics }) => sum + (metrics?.PostsThrottled ?? 0), 0);
    expect(throttled).toBeGreaterThan(0);
  });

  test('delivers to each connection once when the account recovers after a minute', async () => {
    let startMs = 0;
    const world = await createDeliveryWorld({
      connections: 300,
      answer(_, attempt, nowMs) {
        if (startMs === 0) startMs = nowMs;
        return attempt > 100 && nowMs < startMs + 60_000 ? 'throttled' : 'sent';
      },
    });
    await world.run(world.task(ALL_CONNECTION_IDS));
    expect(compare(world.ids, world.posted)).toEqual({ missed: 0, repeated: 0 });
    expect(world.closed).toEqual([]);
  });

  test('that does not recover: cuts connections off after more than a minute, long before Lambda takes it for a loop', async () => {
    const world = await createDeliveryWorld({ connections: 300, answer: () => 'throttled' });
    // A delivery that has been divided twice already.
    await world.run({ ...world.task(ALL_CONNECTION_IDS), hop: 3 });
    expect(world.posted).toEqual([]);
    expect(world.closed.toSorted()).toEqual(world.ids.toSorted());
    expect(world.elapsedMs()).toBeGreaterThan(60_000);
    expect(world.mostHops()).toBe(MAX_HOPS);
    expect(world.dead).toEqual([]);
  });
});

describe('a late delivery', () => {
  const NOW = 1_800_000_000_000;

  test('leaves its mark before it reads the current connections', async () => {
    const looks: object[] = [];
    const states = createMemoryAddressStates(() => NOW);
    const directory = createMemoryDirectory(() => NOW);
    const { find } = directory;
    directory.find = async (address, options) => {
      looks.push({ consistent: options.consistent, ...(await states.read(BOB)) });
      return find(address, options);
    };
    const tasks = { add: async () => undefined };
    const poster = { post: async () => 'sent' as const, close: async () => 'sent' as const };
    const run = createDeliveryRunner({
      ...{ directory, states, tasks, posting: createPosting({ poster, directory, tasks }), log: () => undefined },
      postsPerSecond: 1000,
      clock: { ...SYSTEM_CLOCK, now: () => NOW },
    });
    const deliver = (secondsAgo: number) => {
      const message = { id: 'm1', serial: serialFloor(NOW - secondsAgo * 1000), from: { user: 'a' } };
      const messages: Message[] = [{ ...message, to: { user: 'bob' }, data: 0, sentAt: 0 }];
      const task: DeliverTask = { kind: 'deliver', address: BOB, messages, range: ALL_CONNECTION_IDS };
      const attributes = { ApproximateReceiveCount: '1' };
      const Records = [{ messageId: 't', attributes, body: JSON.stringify(task) }];
      return run({ Records }, { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY });
    };
    await deliver(59);
    await deliver(61);
    expect(looks).toEqual([
      { consistent: true },
      { consistent: true, late: { serial: serialFloor(NOW - 61_000), markedAt: NOW } },
    ]);
  });
});

test('tells a range of watchers', async () => {
  const NOW = 1_800_000_000_000;
  const directory = createMemoryDirectory(() => NOW);
  const topic = presenceAddress(BOB);
  const until = { tokenExpiresAt: NOW, expiresAt: NOW, capability: {}, callbackUrl: '' };
  for (const connectionId of ['a1', 'b1', 'b2'])
    await directory.put({ ...until, address: topic, userId: 'w', attempt: 0, registeredAt: 0, connectionId });
  const told: unknown[] = [];
  const poster = {
    async post({ connectionId }: { connectionId: string }, frame: Push) {
      told.push([connectionId, frame]);
      return 'sent' as const;
    },
    close: async () => 'sent' as const,
  };
  const tasks = { add: async () => undefined };
  const run = createDeliveryRunner({
    ...{ directory, tasks, posting: createPosting({ poster, directory, tasks }), log: () => undefined },
    states: createMemoryAddressStates(() => NOW),
    postsPerSecond: 1_000_000,
    clock: { ...SYSTEM_CLOCK, now: () => NOW },
  });
  const frame = { type: 'presence', users: [{ user: 'bob', online: true, sinceMs: NOW }] } as const;
  const task = { kind: 'announce', topic, frame, range: { first: 'b', last: 'c' } };
  const Records = [{ messageId: 't', attributes: { ApproximateReceiveCount: '1' }, body: JSON.stringify(task) }];
  await run({ Records }, { getRemainingTimeInMillis: () => Number.POSITIVE_INFINITY });
  expect(told).toEqual([
    ['b1', frame],
    ['b2', frame],
  ]);
});
