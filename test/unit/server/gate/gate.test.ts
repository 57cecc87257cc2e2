import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_SIZE_LIMITS } from '../../../../protocol/index.ts';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { type Admit, createGate, createPermit, type Permit } from '../../../../server/gate/gate.ts';
import { createSubscribe } from '../../../../server/rooms/subscribe.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryUserBudgets } from '../../../../testing/memory/user-budgets.ts';

const NOW = 1_800_000_000_000;
const LOBBY = roomAddress('lobby');
const ATTIC = roomAddress('attic');

let directory: ReturnType<typeof createMemoryDirectory>;
let touches: number;
let nowMs: number;
let admit: Admit;
let permit: Permit;

beforeEach(() => {
  nowMs = NOW;
  directory = createMemoryDirectory(() => nowMs);
  touches = 0;
  const { touch } = directory;
  directory.touch = (...values) => {
    touches += 1;
    return touch(...values);
  };
  const now = () => nowMs;
  const limits = { rateLimit: { perSecond: 10, burst: 20 }, userRateLimit: { perSecond: 20, burst: 40 } };
  admit = createGate({ directory, userBudgets: createMemoryUserBudgets(now), ...limits, now }).admit;
  permit = createPermit(admit);
});

/** A connection that was opened with one capability, and registered since with another. */
async function connection(opened: Capability, registered: Capability = opened) {
  const bob = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW, capability: registered };
  const address = userAddress('bob');
  if (registered !== opened) await directory.keepCapability(address, 'b1', { capability: registered, attempt: 0 });
  await directory.put({ ...bob, address, callbackUrl: '', expiresAt: NOW, attempt: 0, registeredAt: 0 });
  return { ...bob, capability: opened };
}

/** Counts the reads of what is kept of a connection beside its mapping. */
function countReads(): { count: number } {
  const reads = { count: 0 };
  const { capability } = directory;
  directory.capability = (...values) => {
    reads.count += 1;
    return capability(...values);
  };
  return reads;
}

const ALL: Capability = { 'room:*': ['join', 'history'] };
const NONE: Capability = { 'room:*': ['send'] };
const FORBIDDEN = { ok: false, problem: { code: 'forbidden' } };

test('an operation that is allowed at every address passes, with the current claims and one write', async () => {
  expect(await permit(await connection(ALL), 'history', [LOBBY, ATTIC])).toEqual({
    ok: true,
    value: { tokenExpiresAt: NOW, capability: ALL },
  });
  expect(touches).toBe(1);
});

test('an operation that is forbidden at one address is refused, and says at which', async () => {
  const some = await connection({ 'room:lobby': ['history'] });
  expect(await permit(some, 'history', [LOBBY, ATTIC])).toMatchObject({
    problem: { code: 'forbidden', message: 'the token\'s capability does not allow "history" at "room:attic"' },
  });
});

test('a connection that is not registered is told so, whatever its capability', async () => {
  const nobody = { connectionId: 'x', userId: 'eve', tokenExpiresAt: NOW, capability: NONE };
  expect(await permit(nobody, 'join', [LOBBY])).toMatchObject({ problem: { code: 'not_registered' } });
  expect(await permit(nobody, 'history', [LOBBY])).toMatchObject({ problem: { code: 'not_registered' } });
});

describe('the capability', () => {
  test('that opened the connection is known without a read', async () => {
    const reads = countReads();
    expect(await permit(await connection(ALL), 'join', [LOBBY])).toMatchObject({ ok: true });
    expect(await permit(await connection(NONE), 'join', [LOBBY])).toMatchObject(FORBIDDEN);
    expect(reads.count).toBe(0);
  });

  test('of a newer token holds, whether it allows more or less, and takes one read', async () => {
    const reads = countReads();
    expect(await permit(await connection(NONE, ALL), 'join', [LOBBY])).toMatchObject({ value: { capability: ALL } });
    expect(await permit(await connection(ALL, NONE), 'join', [LOBBY])).toMatchObject(FORBIDDEN);
    expect(reads.count).toBe(2);
  });

  test('of the token before holds while the registration with a newer one is under way', async () => {
    const bob = await connection(NONE, ALL);
    await directory.keepCapability(userAddress('bob'), 'b1', { capability: { 'room:attic': ['join'] }, attempt: 1 });
    expect(await permit(bob, 'join', [LOBBY])).toMatchObject({ value: { capability: ALL } });
  });

  test('that is not kept lets nothing pass: the client registers again', async () => {
    const bob = await connection(NONE, ALL);
    directory.subscriptionItems.clear();
    expect(await permit(bob, 'join', [LOBBY])).toMatchObject({ problem: { code: 'not_registered' } });
  });
});

test('a refused operation has written nothing but the charge', async () => {
  const bob = await connection(NONE);
  expect(await permit(bob, 'join', [LOBBY])).toMatchObject(FORBIDDEN);
  expect([...directory.items.keys()]).toEqual([JSON.stringify([userAddress('bob'), 'b1'])]);
  expect(directory.subscriptionItems.size).toBe(0);
});

describe('a subscription', () => {
  test('too many are refused, and the others stay', async () => {
    const bob = await connection(ALL);
    const fifty = Array.from({ length: 50 }, (_, index) => roomAddress(`r${index}`));
    const subscribe = createSubscribe({ directory, limits: DEFAULT_SIZE_LIMITS });
    expect(await subscribe(bob, 'rooms', fifty)).toBeUndefined();
    expect(await subscribe(bob, 'rooms', [LOBBY])).toMatchObject({ code: 'too_many_rooms' });
    expect(await directory.subscriptions(userAddress('bob'), 'b1')).toEqual({ rooms: fifty, watches: [] });
  });

  test('are limited by the installation', async () => {
    const bob = await connection(ALL);
    const subscribe = createSubscribe({ directory, limits: { maxRooms: 1, maxWatches: 2 } });
    expect(await subscribe(bob, 'watches', [LOBBY, ATTIC])).toBeUndefined();
    expect(await subscribe(bob, 'watches', [roomAddress('third')])).toMatchObject({ code: 'too_many_watches' });
    expect(await subscribe(bob, 'rooms', [LOBBY])).toBeUndefined();
    expect(await subscribe(bob, 'rooms', [ATTIC])).toMatchObject({ code: 'too_many_rooms' });
  });
});

describe('a user who sends over several connections', () => {
  beforeEach(async () => {
    const registration = { address: userAddress('bob'), callbackUrl: '', capability: {}, tokenExpiresAt: NOW };
    for (let number = 1; number <= 5; number += 1) {
      const times = { expiresAt: NOW, attempt: 0, registeredAt: 0 };
      await directory.put({ ...registration, ...times, connectionId: `b${number}`, userId: 'bob' });
    }
  });

  /** How many messages get through in some seconds in which every connection sends as much as it may. */
  async function sendAllTheTime(connections: number, seconds: number): Promise<number> {
    let passed = 0;
    for (const endsAt = nowMs + seconds * 1000; nowMs < endsAt; nowMs += 50) {
      for (let number = 1; number <= connections; number += 1) {
        if ((await admit({ connectionId: `b${number}`, userId: 'bob', capability: {} })).ok) passed += 1;
      }
    }
    return passed;
  }

  test('is limited by each connection’s rate over one or two, and by the user’s over more', async () => {
    // 10 a second and 20 at once for each connection; 20 and 40 for all, and the tenth that each may be ahead.
    expect(await sendAllTheTime(1, 30)).toBeLessThanOrEqual(321);
    nowMs += 60_000;
    const overFive = await sendAllTheTime(5, 30);
    expect(overFive).toBeGreaterThan(550);
    expect(overFive).toBeLessThanOrEqual(20 * 30 + 40 + 5 * 4);
  });

  test('is told how long to wait, and passes then', async () => {
    const refused = async () => {
      for (let time = 0; time < 200; time += 1) {
        const connectionId = `b${1 + (time % 5)}`;
        const outcome = await admit({ connectionId, userId: 'bob', capability: {} });
        if (!outcome.ok) return { connectionId, problem: outcome.problem };
      }
      throw new Error('nothing was refused');
    };
    const { connectionId, problem } = await refused();
    expect(problem).toMatchObject({ code: 'rate_limited', retryable: true });
    const bob = { connectionId, userId: 'bob', capability: {} };
    nowMs += (problem.retryAfterMs ?? 0) - 1;
    expect(await admit(bob)).toMatchObject({ problem: { code: 'rate_limited' } });
    nowMs += 101;
    expect(await admit(bob)).toMatchObject({ ok: true });
  });
});
