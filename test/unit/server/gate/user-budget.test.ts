import { beforeEach, describe, expect, test } from 'vitest';
import type { Message, Push } from '../../../../protocol/index.ts';
import { userAddress } from '../../../../server/address.ts';
import type { Mapping } from '../../../../server/connections/directory.ts';
import { createSurcharge } from '../../../../server/gate/user-budget.ts';
import { SYSTEM_CLOCK } from '../../../../server/sending/paced.ts';
import { createPosting, type Posting, Unreachable } from '../../../../server/sending/posting.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

const FOREVER = Number.POSITIVE_INFINITY;
const AT_ONCE = { postsPerSecond: FOREVER, atOnce: 50, stopAt: FOREVER, leaveAt: FOREVER };
const LIMIT = { perSecond: 10, burst: 5 };

let surcharges: [userId: string, units: number][];
let posting: Posting;

beforeEach(() => {
  surcharges = [];
  posting = createPosting({
    poster: { post: async () => 'sent', close: async () => 'sent' },
    directory: createMemoryDirectory(() => 0),
    tasks: { add: async () => undefined },
    surcharge: async (...surcharge) => {
      if (surcharge[1] > 0) surcharges.push(surcharge);
    },
  });
});

const targets = (count: number): Mapping[] =>
  Array.from({ length: count }, (_, index) => ({
    address: userAddress('bob'),
    connectionId: `b${index}`,
    userId: 'bob',
    callbackUrl: 'https://api',
    expiresAt: 0,
  }));

const message = (from: Message['from'], data: string): Message => {
  const serial = '0'.repeat(26);
  return { id: data.slice(0, 8), serial, from, to: { user: 'bob' }, data, sentAt: 0 };
};
const ALICE = { user: 'alice' };

describe('a sender is charged for the posts', () => {
  test.each([
    [99, []],
    [100, [['alice', 1]]],
    [200, [['alice', 2]]],
  ])('to %d connections: one unit for each hundred, of which the first is paid already', async (count, charged) => {
    await posting.deliver(targets(count), [message(ALICE, 'a')]);
    expect(surcharges).toEqual(charged);
  });

  test.each([
    [0, []],
    [1, [['alice', 1]]],
    [101, [['alice', 2]]],
  ])('to a part with %d connections: one unit for each hundred begun', async (count, charged) => {
    await posting.part(targets(count), { type: 'messages', messages: [message(ALICE, 'a')] }, AT_ONCE, SYSTEM_CLOCK);
    expect(surcharges).toEqual(charged);
  });

  test('of each frame, if messages take more than one', async () => {
    const large = Array.from({ length: 5 }, (_, index) => message(ALICE, `${index}${'x'.repeat(32_000)}`));
    await posting.deliver(targets(50), large);
    expect(surcharges).toEqual([['alice', 1]]);
  });

  test('unless it is a service', async () => {
    await posting.deliver(targets(200), [message({ service: 'billing' }, 'a')]);
    expect(surcharges).toEqual([]);
  });

  test('even if one post fails', async () => {
    const poster = { post: async () => new Unreachable(undefined), close: async () => 'sent' as const };
    const directory = createMemoryDirectory(() => 0);
    const surcharge = async (...charged: [string, number]) => {
      surcharges.push(charged);
    };
    const broken = createPosting({ poster, directory, tasks: { add: async () => undefined }, surcharge });
    await expect(broken.deliver(targets(100), [message(ALICE, 'a')])).rejects.toThrow('cannot be reached');
    expect(surcharges).toEqual([['alice', 1]]);
  });
});

test('whoever comes or goes, for the presence', async () => {
  const frame: Push = { type: 'presence', users: [{ user: 'alice', online: true }] };
  await posting.announce(targets(200), frame);
  await posting.part(targets(1), frame, AT_ONCE, SYSTEM_CLOCK);
  expect(surcharges).toEqual([
    ['alice', 2],
    ['alice', 1],
  ]);
});

test('whoever marks messages, for receipts and markers together', async () => {
  const read = '0'.repeat(26);
  const receipts = targets(150).map((target) => ({
    target,
    frame: { type: 'receipt', from: { user: 'alice' }, read } as const,
  }));
  const markers = targets(50).map((target) => ({
    target,
    frame: { type: 'marker', conversation: { user: 'bob' }, read } as const,
  }));
  await posting.push('alice', [...receipts, ...markers]);
  await posting.push('alice', markers);
  expect(surcharges).toEqual([['alice', 2]]);
});

test('a surcharge that fails undoes nothing, and is reported', async () => {
  const failures: unknown[] = [];
  const failure = new Error('The table does not answer.');
  const userBudgets = { spend: () => Promise.reject(failure) };
  const surcharge = createSurcharge({ userBudgets, userRateLimit: LIMIT, onFailure: (error) => failures.push(error) });
  await surcharge('alice', 3);
  expect(failures).toEqual([failure]);
});

test('a surcharge of zero makes no write', async () => {
  const userBudgets = { spend: () => Promise.reject(new Error('not to be asked')) };
  await createSurcharge({
    userBudgets,
    userRateLimit: LIMIT,
    onFailure: (error) => {
      throw error;
    },
  })('alice', 0);
});
