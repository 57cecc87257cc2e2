import fc, { type Arbitrary } from 'fast-check';
import { expect, test } from 'vitest';
import { presenceAddress, roomAddress, type Topic, userAddress } from '../../server/address.ts';
import { type Capability, hashCapability } from '../../server/auth/capability.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import type { Directory, Registration } from '../../server/connections/directory.ts';

/** An operation on a directory at a time (epoch milliseconds). */
interface Act {
  readonly name: keyof Directory;
  readonly values: unknown;
  on(directory: Directory, nowMs: number): Promise<unknown>;
}

const START_MS = 1_800_000_000_000;
const BOB = userAddress('bob');
const CONSISTENT = { consistent: true };
const MOST = { rooms: 3, watches: 2 };
const RATE_LIMIT = { perSecond: 10, burst: 5 };

const room = fc.constantFrom(...['lobby', 'attic', 'cellar', 'garden'].map(roomAddress));
const topic = fc.oneof(fc.constant(BOB), room, room, room.map(presenceAddress));
const connectionId = fc.constantFrom('c1=', 'c1=', 'c2=');
const connection = fc.record({ address: topic, connectionId });
const attempt = fc.nat({ max: 2 });
const seconds = rarely(fc.constantFrom(4, 7200), fc.constant(660));
const cost = fc.constantFrom(undefined, 0, 1, 1, 1, 4, 8);
const paid = fc.constantFrom(1, 1, 4);
const change = fc.record({
  kind: fc.constantFrom('rooms' as const, 'watches' as const),
  addresses: fc.array(room, { minLength: 1, maxLength: 3 }),
});

const touches = act('touch', fc.record({ connectionId, seconds, cost }), touch);
const CAPABILITIES = ['a', 'b', 'c'].map((name): Capability => ({ [`room:${name}`]: ['join'] }));
const capability = fc.constantFrom(...CAPABILITIES);
const subscribing = fc.oneof(
  act('addSubscriptions', fc.record({ connectionId, change }), (directory, value) =>
    directory.addSubscriptions(BOB, value.connectionId, value.change, MOST[value.change.kind]),
  ),
  act('removeSubscriptions', fc.record({ connectionId, change }), (directory, value) =>
    directory.removeSubscriptions(BOB, value.connectionId, value.change),
  ),
);
const others = fc.oneof(
  act('put', fc.record({ address: topic, connectionId, attempt, seconds, tokenSeconds: seconds }), put),
  act('enter', fc.record({ connectionId, attempt, seconds, tokenSeconds: seconds, cost: paid }), enter),
  act('find', fc.record({ address: topic, limit: fc.constantFrom(1, 2) }), (directory, { address, limit }) =>
    directory.find(address, { ...CONSISTENT, limit }),
  ),
  act(
    'members',
    fc.record({ address: room, userId: fc.constantFrom(undefined, 'bob', 'eve') }),
    async (directory, { address, userId }) =>
      (await directory.members(address, userId)).toSorted((a, b) => (a.connectionId < b.connectionId ? -1 : 1)),
  ),
  act('keepCapability', fc.record({ connectionId, capability, attempt }), (directory, { connectionId: id, ...value }) =>
    directory.keepCapability(BOB, id, value),
  ),
  act('holdBack', connectionId, async (directory, id, nowMs) => {
    // Only a made charge is taken back.
    const touched = await touch(directory, { connectionId: id, seconds: 660, cost: 1 }, nowMs);
    if (!('refused' in touched)) await directory.holdBack(BOB, id, { cost: 1, arrivesAt: nowMs + 1000 });
    return touched;
  }),
  act('forget', fc.tuple(connection, fc.boolean()), (directory, [mapping, mayBeAlive]) =>
    directory.forget({ ...mapping, userId: 'bob' }, mayBeAlive),
  ),
  act('renew', fc.record({ connectionId, topics: fc.uniqueArray(topic) }), (directory, { topics, ...value }, nowMs) =>
    directory.renew(value.connectionId, topics, toSeconds(nowMs) + 7200),
  ),
  act('withdraw', fc.record({ address: topic, connectionId, attempt }), (directory, value) =>
    directory.withdraw(value.address, value.connectionId, value.attempt),
  ),
  act('unsubscribe', fc.record({ connectionId, topics: fc.uniqueArray(topic) }), (directory, value) =>
    directory.unsubscribe(value.connectionId, value.topics),
  ),
  act('remove', connection, (directory, value) => directory.remove(value.address, value.connectionId)),
);

/** An operation some time after the previous one, mostly right after it. */
const step = fc.record({
  afterMs: rarely(fc.constantFrom(50, 1000, 660_000), fc.constantFrom(0, 0, 1)),
  act: fc.oneof(
    { arbitrary: touches, weight: 2 },
    { arbitrary: subscribing, weight: 1 },
    { arbitrary: others, weight: 2 },
  ),
});

/** Checks that directories behave the same in random sequences. Each `open` creates one over an empty table, with the given clock. */
export function sameDirectory(
  name: string,
  opens: readonly ((now: Now) => Promise<Directory>)[],
  numRuns: number,
): void {
  test(`behave the same: ${name}`, { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), async (steps) => {
        let nowMs = START_MS;
        const directories = await Promise.all(opens.map((open) => open(() => nowMs)));
        for (const directory of directories) {
          for (const id of ['c1=', 'c2=']) await put(directory, { ...REGISTRATION, connectionId: id }, nowMs);
        }
        for (const { afterMs, act } of steps) {
          nowMs += afterMs;
          const outcomes = await Promise.all(directories.map((directory) => outcomeOf(act, directory, nowMs)));
          for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
        }
      }),
      { numRuns },
    );
  });
}

const REGISTRATION = { address: BOB, attempt: 0, seconds: 660, tokenSeconds: 7200 };

/** Returns the result of an operation, and the state of the connections after it. */
async function outcomeOf(act: Act, directory: Directory, nowMs: number): Promise<unknown> {
  const outcome = await act.on(directory, nowMs);
  const kept = ['c1=', 'c2='].flatMap((id) => [
    directory.subscriptions(BOB, id),
    ...CAPABILITIES.map((each) => directory.capability(BOB, id, hashCapability(each))),
  ]);
  return [outcome, ...(await Promise.all(kept))].map(inOrder);
}

/** Sorts subscriptions, which have no order. */
function inOrder(outcome: unknown): unknown {
  if (typeof outcome !== 'object' || outcome === null || !('rooms' in outcome)) return outcome;
  const { rooms, watches } = outcome as Awaited<ReturnType<Directory['subscriptions']>>;
  return { rooms: rooms.toSorted(), watches: watches.toSorted() };
}

function act<Value>(
  name: keyof Directory,
  values: Arbitrary<Value>,
  on: (directory: Directory, value: Value, nowMs: number) => Promise<unknown>,
): Arbitrary<Act> {
  return values.map((value) => ({ name, values: value, on: (directory, nowMs) => on(directory, value, nowMs) }));
}

/** One operation in ten is a rare one. After these, few others can succeed. */
function rarely<Value>(rare: Arbitrary<Value>, usual: Arbitrary<Value>): Arbitrary<Value> {
  return fc.oneof({ arbitrary: rare, weight: 1 }, { arbitrary: usual, weight: 9 });
}

interface Put {
  readonly address: Topic;
  readonly connectionId: string;
  readonly attempt: number;
  readonly seconds: number;
  readonly tokenSeconds: number;
}

function put(directory: Directory, value: Put, nowMs: number) {
  return directory.put(toRegistration(value, nowMs));
}

function enter(
  directory: Directory,
  { cost, ...value }: Omit<Put, 'address'> & { readonly cost: number },
  nowMs: number,
) {
  return directory.enter(toRegistration({ ...value, address: BOB }, nowMs), { limit: RATE_LIMIT, cost });
}

function toRegistration({ seconds, tokenSeconds, ...mapping }: Put, nowMs: number): Registration {
  const registeredAt = toSeconds(nowMs);
  return {
    ...mapping,
    userId: 'bob',
    callbackUrl: 'https://api.example/prod',
    capability: {},
    registeredAt,
    expiresAt: registeredAt + seconds,
    tokenExpiresAt: registeredAt + tokenSeconds,
  };
}

interface Touch {
  readonly connectionId: string;
  readonly seconds: number;
  readonly cost: number | undefined;
}

function touch(directory: Directory, { connectionId, seconds, cost }: Touch, nowMs: number) {
  return directory.touch(BOB, connectionId, {
    expiresAt: toSeconds(nowMs) + seconds,
    ...(cost !== undefined && { charge: { limit: RATE_LIMIT, cost } }),
  });
}
