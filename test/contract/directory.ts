import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_ROOMS } from '../../protocol/index.ts';
import { type Address, presenceAddress, roomAddress, userAddress } from '../../server/address.ts';
import { hashCapability } from '../../server/auth/capability.ts';
import type { Now } from '../../server/clock.ts';
import type {
  Directory,
  FindOptions,
  Registration,
  SubscriptionChange,
  TouchOptions,
} from '../../server/connections/directory.ts';

const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const START_SECONDS = 1_800_000_000;
const CONSISTENT = { consistent: true };

/** The contract of every directory. `open` creates one over an empty table, with the given clock. */
export function directoryContract(name: string, open: (now: Now) => Promise<Directory>): void {
  describe(`directory on ${name}`, () => {
    let nowMs = 0;
    let nowSeconds = START_SECONDS;
    let directory: Directory;

    beforeEach(async () => {
      nowSeconds = START_SECONDS;
      nowMs = 0;
      directory = await open(() => nowSeconds * 1000 + nowMs);
    });

    test('finds only the connections of the address', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=', callbackUrl: 'https://other.example/prod' }));
      await directory.put(registration({ address: userAddress('bobby'), connectionId: 'c3=' }));

      const found = await directory.find(BOB, CONSISTENT);

      expect(found.toSorted(byConnection)).toEqual([
        {
          address: BOB,
          connectionId: 'c1=',
          userId: 'bob',
          callbackUrl: 'https://api.example/prod',
          expiresAt: START_SECONDS + 660,
        },
        {
          address: BOB,
          connectionId: 'c2=',
          userId: 'bob',
          callbackUrl: 'https://other.example/prod',
          expiresAt: START_SECONDS + 660,
        },
      ]);
    });

    test('an expired mapping is not found although its item is still there', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      nowSeconds = START_SECONDS + 59;
      expect(await directory.find(BOB, CONSISTENT)).toHaveLength(1);
      nowSeconds = START_SECONDS + 60;
      expect(await directory.find(BOB, CONSISTENT)).toHaveLength(0);
    });

    test('touch moves the expiry of a live mapping', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 })).toEqual({
        charged: 0,
        tokenExpiresAt: START_SECONDS + 3600,
        capabilityHash: hashCapability({ 'room:*': ['join'] }),
      });
      nowSeconds = START_SECONDS + 600;
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 700 }]);
    });

    test('no touch extends a mapping beyond its token', async () => {
      await directory.put(registration({ tokenExpiresAt: START_SECONDS + 60 }));
      await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 });
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 60 }]);
      nowSeconds = START_SECONDS + 55;
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 })).toMatchObject({
        refused: 'token_expired',
      });
      nowSeconds = START_SECONDS + 60;
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
    });

    test('touch revives no mapping that is expired, about to expire or missing', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      nowSeconds = START_SECONDS + 55;
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 })).toMatchObject({
        refused: 'not_registered',
      });
      nowSeconds = START_SECONDS + 61;
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 })).toMatchObject({
        refused: 'not_registered',
      });
      expect(await directory.touch(BOB, 'never', { expiresAt: START_SECONDS + 700 })).toMatchObject({
        refused: 'not_registered',
      });
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
    });

    test('forget removes one connection of one address, and does nothing if there is none', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=' }));
      await directory.put(registration({ address: userAddress('eve'), connectionId: 'c1=' }));

      const nothingElse = { rooms: [], watches: [] };
      expect(await directory.forget(registration({ connectionId: 'c1=' }))).toEqual(nothingElse);
      expect(await directory.forget(registration({ connectionId: 'c1=' }))).toEqual(nothingElse);

      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ connectionId: 'c2=' }]);
      expect(await directory.find(userAddress('eve'), CONSISTENT)).toMatchObject([{ connectionId: 'c1=' }]);
    });

    describe('forgetting a connection that may be alive', () => {
      const forget = () => directory.forget(registration(), true);

      test('ends its registration, and lets it register again', async () => {
        for (const attempt of [0, 1]) {
          expect(await directory.put(registration({ attempt }))).toBe('registered');
          await forget();
          expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
          expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660 })).toEqual({
            refused: 'not_registered',
          });
          expect(await directory.put(registration({ attempt }))).toBe('registered');
          expect(await directory.find(BOB, CONSISTENT)).toHaveLength(1);
        }
      });

      test('refuses a late older registration', async () => {
        await directory.put(registration({ attempt: 2 }));
        await forget();
        expect(await directory.put(registration({ attempt: 1 }))).toBe('superseded');
        expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
      });

      test('returns its subscriptions, and removes them', async () => {
        await directory.put(registration({ attempt: 1 }));
        await directory.put(registration({ address: LOBBY }));
        await directory.addSubscriptions(BOB, 'c1=', { kind: 'rooms', addresses: [LOBBY] }, 50);
        expect(await forget()).toMatchObject({ rooms: [LOBBY] });
        expect(await directory.find(LOBBY, CONSISTENT)).toEqual([]);
        expect(await forget()).toMatchObject({ rooms: [] });
      });

      test('leaves the tombstone of a connection that missed a message', async () => {
        await directory.put(registration());
        await directory.remove(BOB, 'c1=');
        await forget();
        expect(await directory.put(registration({ attempt: 9 }))).toBe('removed');
      });
    });

    describe('a rate limit of 10 per second and 5 at once', () => {
      const limit = { perSecond: 10, burst: 5 };
      const charge = (cost: number, more: Partial<TouchOptions> = {}) =>
        directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660, charge: { limit, cost }, ...more });
      const passes = { capabilityHash: hashCapability({}) };

      beforeEach(() => directory.put(registration({ capability: {} })));

      test('admits a burst, then as much as the rate allows', async () => {
        for (let message = 0; message < 5; message += 1) expect(await charge(1)).toMatchObject(passes);
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 100 });
        nowMs += 99;
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1 });
        nowMs += 1;
        expect(await charge(1)).toMatchObject(passes);
        expect(await charge(3)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 300 });
        nowMs += 300;
        expect(await charge(3)).toMatchObject(passes);
      });

      test('returns the sum of all charges; a charge can be taken back and made again later', async () => {
        expect(await charge(2)).toMatchObject({ charged: 2 });
        expect(await charge(1)).toMatchObject({ charged: 3 });
        await directory.holdBack(BOB, 'c1=', { cost: 1, arrivesAt: START_SECONDS * 1000 + nowMs + 1000 });
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 600 });
        nowMs += 600;
        expect(await charge(1)).toMatchObject({ charged: 3 });
      });

      test('takes nothing back from a connection that does not exist', async () => {
        await directory.holdBack(BOB, 'nobody=', { cost: 2, arrivesAt: 0 });
        expect(await directory.touch(BOB, 'nobody=', { expiresAt: START_SECONDS })).toMatchObject({
          refused: 'not_registered',
        });
      });

      test('charges nothing for a refused frame', async () => {
        await charge(5);
        for (let time = 0; time < 10; time += 1) await charge(1);
        nowMs += 500;
        expect(await charge(5)).toMatchObject(passes);
      });

      test('admits more than a burst after a pause, and then refuses for as long as that takes', async () => {
        expect(await charge(20)).toMatchObject(passes);
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1600 });
        nowMs += 1999;
        expect(await charge(20)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1 });
        nowMs += 1;
        expect(await charge(20)).toMatchObject(passes);
      });

      test('admits no more of simultaneous frames than the limit allows', async () => {
        const outcomes = await Promise.all(Array.from({ length: 12 }, () => charge(1)));
        expect(outcomes.filter((outcome) => !('refused' in outcome))).toHaveLength(5);
      });

      test('a refusal does not move the expiry', async () => {
        await charge(5);
        expect(await charge(1, { expiresAt: START_SECONDS + 700 })).toMatchObject({ refused: 'rate_limited' });
        expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 660 }]);
      });
    });

    describe('a charged registration, at 10 per second and 5 at once', () => {
      const charge = { limit: { perSecond: 10, burst: 5 }, cost: 1 };
      const enter = (attempt: number) => directory.enter(registration({ attempt }), charge);

      test('succeeds, and counts with the frames of the connection', async () => {
        expect(await enter(1)).toEqual({ charged: 1 });
        expect(await directory.find(BOB, CONSISTENT)).toHaveLength(1);
        expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660, charge })).toMatchObject({
          charged: 2,
        });
        expect(await enter(2)).toEqual({ charged: 3 });
      });

      test('is refused above the limit, and changes nothing', async () => {
        for (let attempt = 1; attempt <= 5; attempt += 1) expect(await enter(attempt)).toEqual({ charged: attempt });
        expect(
          await directory.enter(registration({ attempt: 6, callbackUrl: 'https://other.example' }), charge),
        ).toEqual({
          refused: 'rate_limited',
          retryAfterMs: 100,
        });
        expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ callbackUrl: 'https://api.example/prod' }]);
        nowMs += 100;
        expect(await enter(6)).toEqual({ charged: 6 });
      });

      test('makes no more simultaneous registrations than the limit allows', async () => {
        const outcomes = await Promise.all(Array.from({ length: 12 }, () => enter(1)));
        expect(outcomes.filter((outcome) => !('refused' in outcome))).toHaveLength(5);
      });

      test('is refused if it is late, or if the connection was removed, like any other', async () => {
        await enter(2);
        expect(await enter(1)).toEqual({ refused: 'superseded' });
        await directory.remove(BOB, 'c1=');
        expect(await enter(3)).toEqual({ refused: 'removed' });
      });
    });

    describe('subscriptions', () => {
      const MOST = { rooms: 50, watches: 200 } as const;
      const add = (kind: SubscriptionChange['kind'], ...addresses: Address[]) =>
        directory.addSubscriptions(BOB, 'c1=', { kind, addresses }, MOST[kind]);
      const remove = (kind: SubscriptionChange['kind'], ...addresses: Address[]) =>
        directory.removeSubscriptions(BOB, 'c1=', { kind, addresses });
      const noted = async () => {
        const { rooms, watches } = await directory.subscriptions(BOB, 'c1=');
        return { rooms: rooms.toSorted(), watches: watches.toSorted() };
      };
      const rooms = (count: number) => Array.from({ length: count }, (_, index) => roomAddress(`r${index}`));

      beforeEach(async () => {
        await directory.put(registration());
      });

      test('stay beside the mapping, survive another registration, and end one by one', async () => {
        expect(await add('rooms', LOBBY)).toBe(true);
        expect(await add('rooms', roomAddress('attic'))).toBe(true);
        expect(await add('watches', userAddress('eve'), LOBBY)).toBe(true);
        await directory.put(registration({ attempt: 1 }));
        await remove('rooms', LOBBY);
        await remove('watches', userAddress('nobody'));
        expect(await noted()).toEqual({ rooms: [roomAddress('attic')], watches: [LOBBY, userAddress('eve')] });
      });

      test('a connection without subscriptions has none, also after some are removed', async () => {
        await remove('rooms', LOBBY);
        expect(await noted()).toEqual({ rooms: [], watches: [] });
        await add('rooms', LOBBY);
        await remove('rooms', LOBBY);
        expect(await noted()).toEqual({ rooms: [], watches: [] });
        expect(await add('rooms')).toBe(true);
        await remove('watches');
      });

      test('have a limit for each kind; one too many changes nothing, and an existing one does not count again', async () => {
        expect(await add('rooms', ...rooms(51))).toBe(false);
        expect(await add('rooms', ...rooms(49))).toBe(true);
        expect(await add('rooms', LOBBY)).toBe(true);
        expect(await add('rooms', roomAddress('attic'))).toBe(false);
        expect(await add('rooms', LOBBY)).toBe(true);
        expect(await add('rooms', roomAddress('r0'), roomAddress('attic'))).toBe(false);
        expect(await add('watches', ...rooms(199))).toBe(true);
        const known = rooms(150);
        expect(await add('watches', ...known, userAddress('eve'), userAddress('eve'))).toBe(true);
        expect(await add('watches', ...known, userAddress('ann'))).toBe(false);
        const { rooms: inRooms, watches } = await noted();
        expect(inRooms).toEqual([LOBBY, ...rooms(49)].toSorted());
        expect(watches).toEqual([...rooms(199), userAddress('eve')].toSorted());
      });

      test('do not exceed the limit when they arrive at once', async () => {
        const added = await Promise.all(rooms(60).map((room) => add('rooms', room)));
        expect(added.filter((isAdded) => isAdded)).toHaveLength(50);
        expect((await noted()).rooms).toHaveLength(50);
      });

      test('free their place under the limit when they end', async () => {
        const [first = LOBBY, ...others] = rooms(MAX_ROOMS);
        await add('rooms', first, ...others);
        await remove('rooms', first);
        expect(await add('rooms', LOBBY)).toBe(true);
        await remove('rooms', first);
        expect((await noted()).rooms).toEqual([LOBBY, ...others].toSorted());
      });

      test('are deleted with the connection, whichever mapping leads to it', async () => {
        for (const shown of [BOB, LOBBY, presenceAddress(userAddress('eve'))]) {
          await directory.put(registration());
          await add('rooms', LOBBY);
          await add('watches', userAddress('eve'));
          await directory.put(registration({ address: LOBBY }));
          await directory.put(registration({ address: LOBBY, connectionId: 'c2=', userId: 'eve' }));
          await directory.put(registration({ address: presenceAddress(userAddress('eve')) }));

          const forgotten = await directory.forget(registration({ address: shown }));

          expect(forgotten).toEqual({ rooms: [LOBBY], watches: [userAddress('eve')] });
          expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
          expect(await directory.find(LOBBY, CONSISTENT)).toMatchObject([{ connectionId: 'c2=', userId: 'eve' }]);
          expect(await directory.find(presenceAddress(userAddress('eve')), CONSISTENT)).toEqual([]);
        }
      });

      test('name the items to delete, even if the user’s mapping is already gone', async () => {
        for (const shown of [LOBBY, presenceAddress(userAddress('eve'))]) {
          await add('rooms', LOBBY, roomAddress('attic'));
          await add('watches', userAddress('eve'));
          for (const address of [LOBBY, roomAddress('attic'), presenceAddress(userAddress('eve'))]) {
            await directory.put(registration({ address }));
          }
          // A handler died after the first deletion.
          await directory.unsubscribe('c1=', [BOB]);

          const { rooms: left } = await directory.forget(registration({ address: shown }));

          expect(left.toSorted()).toEqual([roomAddress('attic'), LOBBY]);
          for (const address of [LOBBY, roomAddress('attic'), presenceAddress(userAddress('eve'))]) {
            expect(await directory.find(address, CONSISTENT)).toEqual([]);
          }
          expect(await noted()).toEqual({ rooms: [], watches: [] });
        }
      });

      test('stay when a connection is removed: closing it needs them', async () => {
        await add('rooms', LOBBY);
        await directory.remove(BOB, 'c1=');
        expect(await noted()).toEqual({ rooms: [LOBBY], watches: [] });
      });

      test('a room’s mapping that the subscriptions do not name is deleted as well', async () => {
        await directory.put(registration({ address: LOBBY }));
        await directory.forget(registration({ address: LOBBY }));
        expect(await directory.find(LOBBY, CONSISTENT)).toEqual([]);
      });

      test('withdraw takes back an attempt and earlier ones, never a later one', async () => {
        await directory.put(registration({ address: LOBBY, attempt: 2 }));
        expect(await directory.withdraw(LOBBY, 'c1=', 1)).toBe('superseded');
        expect(await directory.find(LOBBY, CONSISTENT)).toHaveLength(1);
        expect(await directory.withdraw(LOBBY, 'c2=', 1)).toBe('withdrawn');
        expect(await directory.withdraw(LOBBY, 'c1=', 2)).toBe('withdrawn');
        expect(await directory.withdraw(LOBBY, 'c1=', 2)).toBe('withdrawn');
        expect(await directory.find(LOBBY, CONSISTENT)).toEqual([]);
        await directory.remove(LOBBY, 'c1=');
        expect(await directory.withdraw(LOBBY, 'c1=', 3)).toBe('withdrawn');
      });

      test('unsubscribe takes one connection off some topics', async () => {
        const topics = [LOBBY, ...rooms(60)];
        await Promise.all(topics.map((address) => directory.put(registration({ address }))));
        await directory.put(registration({ address: LOBBY, connectionId: 'c2=' }));
        await directory.unsubscribe('c1=', [...rooms(60), LOBBY, roomAddress('never')]);
        expect(await directory.find(LOBBY, CONSISTENT)).toMatchObject([{ connectionId: 'c2=' }]);
        const left = await Promise.all(rooms(60).map((room) => directory.find(room, CONSISTENT)));
        expect(left.flat()).toEqual([]);
        expect(await directory.find(BOB, CONSISTENT)).toHaveLength(1);
      });
    });

    describe('the capability of a newer token', () => {
      const capabilities = [{ 'room:a': ['join'] }, { 'room:b': ['join'] }, { 'room:c': ['join'] }] as const;
      const keep = (index: number, attempt: number) =>
        directory.keepCapability(BOB, 'c1=', { capability: capabilities[index] ?? {}, attempt });
      const kept = async () => {
        const found = capabilities.map((each) => directory.capability(BOB, 'c1=', hashCapability(each)));
        return (await Promise.all(found)).map((each) => each !== undefined);
      };

      test('is found by its hash, as is the previous one, and no other', async () => {
        expect(await kept()).toEqual([false, false, false]);
        await keep(0, 1);
        expect(await directory.capability(BOB, 'c1=', hashCapability(capabilities[0]))).toEqual(capabilities[0]);
        await keep(1, 2);
        expect(await kept()).toEqual([true, true, false]);
        await keep(2, 3);
        expect(await kept()).toEqual([false, true, true]);
        expect(await directory.capability(userAddress('eve'), 'c1=', hashCapability(capabilities[2]))).toBeUndefined();
      });

      test('changes nothing when it comes again, and is dropped if an earlier attempt comes late', async () => {
        await keep(0, 1);
        await keep(1, 2);
        await keep(1, 2);
        await keep(2, 1);
        expect(await kept()).toEqual([true, true, false]);
      });

      test('is stored beside the subscriptions, and deleted with the connection', async () => {
        await directory.addSubscriptions(BOB, 'c1=', { kind: 'rooms', addresses: [LOBBY] }, 1);
        await keep(0, 1);
        expect(await directory.subscriptions(BOB, 'c1=')).toEqual({ rooms: [LOBBY], watches: [] });
        expect(await directory.forget(registration())).toEqual({ rooms: [LOBBY], watches: [] });
        expect(await kept()).toEqual([false, false, false]);
      });
    });

    test('a newer token extends mappings whose older token is valid, and changes nothing else', async () => {
      const tokenExpiresAt = START_SECONDS + 60;
      for (const address of [BOB, LOBBY]) await directory.put(registration({ address, tokenExpiresAt }));
      await directory.put(registration({ address: roomAddress('attic'), tokenExpiresAt: START_SECONDS + 5 }));
      await directory.remove(roomAddress('cellar'), 'c1=');
      const topics = [BOB, LOBBY, roomAddress('attic'), roomAddress('cellar'), roomAddress('never')];
      expect(await directory.renew('c1=', topics, START_SECONDS + 7200)).toEqual([BOB, LOBBY]);
      expect(await directory.find(LOBBY, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 660 }]);
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660 })).toEqual({
        charged: 0,
        tokenExpiresAt: START_SECONDS + 7200,
        capabilityHash: hashCapability({ 'room:*': ['join'] }),
      });
    });

    describe('the members of a room', () => {
      const join = async (userId: string, connectionId: string, values: Partial<Registration> = {}) => {
        await directory.put(registration({ address: userAddress(userId), userId, connectionId, ...values }));
        await directory.put(registration({ address: LOBBY, userId, connectionId, expiresAt: START_SECONDS + 7200 }));
      };
      const members = async (ofUser?: string) =>
        (await directory.members(LOBBY, ofUser)).map(({ userId, connectionId }) => [userId, connectionId]).toSorted();

      test('are the connections with a live mapping in the room and a live mapping of their user', async () => {
        await join('bob', 'c1=');
        await join('bob', 'c2=');
        await join('eve', 'c3=');
        const all = [
          ['bob', 'c1='],
          ['bob', 'c2='],
          ['eve', 'c3='],
        ];
        expect(await members()).toEqual(all);
        expect(await members('bob')).toEqual(all.slice(0, 2));
        expect(await members('nobody')).toEqual([]);
        expect((await directory.members(LOBBY))[0]?.expiresAt).toBe(START_SECONDS + 660);
        await directory.remove(BOB, 'c1=');
        await directory.withdraw(LOBBY, 'c3=', 0);
        expect(await members()).toEqual([['bob', 'c2=']]);
        expect(await members('bob')).toEqual([['bob', 'c2=']]);
        expect(await members('eve')).toEqual([]);
        await directory.remove(LOBBY, 'c2=');
        expect([await members(), await members('bob')]).toEqual([[], []]);
      });

      test('exclude connections without a user’s mapping, in other rooms only, or with an expired mapping or token', async () => {
        await directory.put(registration({ address: LOBBY, userId: 'ghost' }));
        await directory.put(registration({ connectionId: 'c2=' }));
        await join('eve', 'c3=', { tokenExpiresAt: START_SECONDS + 60 });
        await join('ann', 'c4=', { expiresAt: START_SECONDS + 60 });
        nowSeconds = START_SECONDS + 60;
        for (const userId of [undefined, 'ghost', 'bob', 'eve', 'ann']) expect(await members(userId)).toEqual([]);
      });

      test('are found in any number', async () => {
        const all = Array.from({ length: 120 }, (_, at) => [`u${at}`, `c${at}=`] as const);
        await Promise.all(all.map(([userId, connectionId]) => join(userId, connectionId)));
        expect(await members()).toEqual(all.toSorted());
      });

      test('are found for a user with any number of connections', async () => {
        const ids = Array.from({ length: 120 }, (_, at) => `c${at}=`);
        await Promise.all(ids.map((connectionId) => join('bob', connectionId)));
        expect(await members('bob')).toEqual(ids.map((id) => ['bob', id]).toSorted());
      });
    });

    test('a removed connection is not found, not touched, and never revived', async () => {
      await directory.put(registration());
      await directory.remove(BOB, 'c1=');
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
      expect(await directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 700 })).toMatchObject({
        refused: 'not_registered',
      });
      expect(await directory.put(registration({ attempt: 99 }))).toBe('removed');
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
    });

    test('a connection that is removed before its registration arrives stays removed', async () => {
      await directory.remove(BOB, 'c1=');
      expect(await directory.put(registration())).toBe('removed');
    });

    test('the later of two registrations wins, in either order of arrival', async () => {
      expect(await directory.put(registration({ attempt: 2, callbackUrl: 'https://two' }))).toBe('registered');
      expect(await directory.put(registration({ attempt: 1, callbackUrl: 'https://one' }))).toBe('superseded');
      expect(await directory.put(registration({ attempt: 2, callbackUrl: 'https://two' }))).toBe('registered');
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ callbackUrl: 'https://two' }]);
    });

    test('finds a range of connection ids, both ends included, up to the limit', async () => {
      for (const connectionId of ['a', 'b', 'c', 'd']) await directory.put(registration({ connectionId }));
      const ids = async (options: Partial<FindOptions>) =>
        (await directory.find(BOB, { ...CONSISTENT, ...options })).map(({ connectionId }) => connectionId);
      expect(await ids({ range: { first: 'b', last: 'c' } })).toEqual(['b', 'c']);
      expect(await ids({ limit: 3 })).toEqual(['a', 'b', 'c']);
    });

    test('finds more connections than one page of a query holds', async () => {
      const callbackUrl = `https://api.example/${'x'.repeat(1800)}`;
      const ids = Array.from({ length: 700 }, (_, index) => `c${String(index).padStart(4, '0')}=`);
      await Promise.all(ids.map((connectionId) => directory.put(registration({ connectionId, callbackUrl }))));
      const found = await directory.find(BOB, CONSISTENT);
      expect(found.map(({ connectionId }) => connectionId).toSorted()).toEqual(ids);
    });
  });
}

function registration(values: Partial<Registration> = {}): Registration {
  return {
    address: BOB,
    connectionId: 'c1=',
    userId: 'bob',
    attempt: 0,
    callbackUrl: 'https://api.example/prod',
    registeredAt: START_SECONDS,
    tokenExpiresAt: START_SECONDS + 3600,
    capability: { 'room:*': ['join'] },
    expiresAt: START_SECONDS + 660,
    ...values,
  };
}

function byConnection(a: { connectionId: string }, b: { connectionId: string }): number {
  return a.connectionId < b.connectionId ? -1 : 1;
}
