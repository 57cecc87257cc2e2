import { beforeEach, describe, expect, test } from 'vitest';
import { MAX_ROOMS } from '../../protocol/index.ts';
import { type Address, presenceAddress, roomAddress, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { Directory, FindOptions, Registration, SubscriptionChange, TouchOptions } from '../../server/directory.ts';

const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const START_SECONDS = 1_800_000_000;
const CONSISTENT = { consistent: true };

/** What every directory must do. `open` gives one over an empty table, reading the given clock. */
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

    test('finds the connections of an address, and no others', async () => {
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
        capability: { 'room:*': ['join'] },
      });
      nowSeconds = START_SECONDS + 600;
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 700 }]);
    });

    test('no sign of life takes a mapping beyond its token', async () => {
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

    test('touch revives nothing: neither an expired mapping, nor one about to expire, nor one that never was', async () => {
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

    test('forget removes one connection of one address, and is content when there is none', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=' }));
      await directory.put(registration({ address: userAddress('eve'), connectionId: 'c1=' }));

      const nothingElse = { rooms: [], watches: [] };
      expect(await directory.forget(registration({ connectionId: 'c1=' }))).toEqual(nothingElse);
      expect(await directory.forget(registration({ connectionId: 'c1=' }))).toEqual(nothingElse);

      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ connectionId: 'c2=' }]);
      expect(await directory.find(userAddress('eve'), CONSISTENT)).toMatchObject([{ connectionId: 'c1=' }]);
    });

    describe('a rate limit of 10 a second, and 5 at once', () => {
      const limit = { perSecond: 10, burst: 5 };
      const charge = (cost: number, more: Partial<TouchOptions> = {}) =>
        directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660, charge: { limit, cost }, ...more });
      const passes = { capability: {} };

      beforeEach(() => directory.put(registration({ capability: {} })));

      test('lets through what comes at once, and then as much as time allows', async () => {
        for (let message = 0; message < 5; message += 1) expect(await charge(1)).toMatchObject(passes);
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 100 });
        nowMs += 99;
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1 });
        nowMs += 1;
        expect(await charge(1)).toMatchObject(passes);
        expect(await charge(3)).toMatchObject({
          refused: 'rate_limited',
          retryAfterMs: 300,
          callbackUrl: 'https://api.example/prod',
        });
        nowMs += 300;
        expect(await charge(3)).toMatchObject(passes);
      });

      test('tells what has been charged in all; a charge can be taken back, to come again later', async () => {
        expect(await charge(2)).toMatchObject({ charged: 2 });
        expect(await charge(1)).toMatchObject({ charged: 3 });
        await directory.holdBack(BOB, 'c1=', { cost: 1, arrivesAt: START_SECONDS * 1000 + nowMs + 1000 });
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 600 });
        nowMs += 600;
        expect(await charge(1)).toMatchObject({ charged: 3 });
      });

      test('takes nothing back from a connection that is not there', async () => {
        await directory.holdBack(BOB, 'nobody=', { cost: 2, arrivesAt: 0 });
        expect(await directory.touch(BOB, 'nobody=', { expiresAt: START_SECONDS })).toMatchObject({
          refused: 'not_registered',
        });
      });

      test('charges nothing for what it refuses', async () => {
        await charge(5);
        for (let time = 0; time < 10; time += 1) await charge(1);
        nowMs += 500;
        expect(await charge(5)).toMatchObject(passes);
      });

      test('lets through more than may come at once after a pause, and makes it wait as long as it takes', async () => {
        expect(await charge(20)).toMatchObject(passes);
        expect(await charge(1)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1600 });
        nowMs += 1999;
        expect(await charge(20)).toMatchObject({ refused: 'rate_limited', retryAfterMs: 1 });
        nowMs += 1;
        expect(await charge(20)).toMatchObject(passes);
      });

      test('of frames that come at the same time no more pass than may', async () => {
        const outcomes = await Promise.all(Array.from({ length: 12 }, () => charge(1)));
        expect(outcomes.filter((outcome) => !('refused' in outcome))).toHaveLength(5);
      });

      test('a refusal notes no subscription, and moves no expiry', async () => {
        await charge(5);
        const change = { change: 'add', kind: 'rooms', addresses: [roomAddress('lobby')] } as const;
        expect(await charge(1, { change, expiresAt: START_SECONDS + 700 })).toMatchObject({ refused: 'rate_limited' });
        expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 660 }]);
        expect(await directory.forget(registration())).toMatchObject({ rooms: [] });
      });

      test('what comes right behind something else ends a subscription all the same, however many there are', async () => {
        const rooms = Array.from({ length: MAX_ROOMS }, (_, index) => roomAddress(`r${index}`));
        const [first = LOBBY, ...others] = rooms;
        await charge(1, { change: { change: 'add', kind: 'rooms', addresses: rooms } });
        expect(await charge(1, { change: { change: 'remove', kind: 'rooms', addresses: [first] } })).toMatchObject(
          passes,
        );
        expect(await charge(1, { change: { change: 'add', kind: 'rooms', addresses: [LOBBY] } })).toMatchObject(passes);
        const absent = { change: 'remove', kind: 'rooms', addresses: [first] } as const;
        expect(await charge(1, { change: absent })).toMatchObject(passes);
        expect((await directory.subscriptions(BOB, 'c1=')).rooms.toSorted()).toEqual([LOBBY, ...others].toSorted());
      });

      test('counts those who go on although they were told to wait, until they have paused', async () => {
        await charge(5);
        expect(await directory.countRefusal(BOB, 'c1=')).toBe(1);
        expect(await directory.countRefusal(BOB, 'c1=')).toBe(2);
        nowMs += 500;
        await charge(1);
        expect(await directory.countRefusal(BOB, 'c1=')).toBe(1);
        expect(await directory.countRefusal(BOB, 'never')).toBe(0);
      });
    });

    describe('subscriptions', () => {
      const change = (kind: SubscriptionChange['kind'], ...addresses: Address[]) =>
        ({ change: 'add', kind, addresses }) as const;
      const touch = (subscriptions: SubscriptionChange) =>
        directory.touch(BOB, 'c1=', { expiresAt: START_SECONDS + 660, change: subscriptions });
      const noted = async () => {
        const { rooms, watches } = await directory.forget(registration());
        return { rooms: rooms.toSorted(), watches: watches.toSorted() };
      };
      const rooms = (count: number) => Array.from({ length: count }, (_, index) => roomAddress(`r${index}`));

      beforeEach(async () => {
        await directory.put(registration());
      });

      test('are noted with a sign of life, outlive another registration, and end one by one', async () => {
        expect(await touch(change('rooms', LOBBY))).toMatchObject({ capability: { 'room:*': ['join'] } });
        await touch(change('rooms', roomAddress('attic')));
        await touch(change('watches', userAddress('eve'), LOBBY));
        await directory.put(registration({ attempt: 1 }));
        await touch({ ...change('rooms', LOBBY), change: 'remove' });
        await touch({ ...change('watches', userAddress('nobody')), change: 'remove' });
        expect(await noted()).toEqual({ rooms: [roomAddress('attic')], watches: [LOBBY, userAddress('eve')] });
      });

      test('are not noted for a connection that is not live', async () => {
        nowSeconds = START_SECONDS + 660;
        expect(await touch(change('rooms', LOBBY))).toMatchObject({ refused: 'not_registered' });
        expect(await noted()).toEqual({ rooms: [], watches: [] });
      });

      test('have a limit for each kind; one more changes nothing, and what is there already is not one more', async () => {
        expect(await touch(change('rooms', ...rooms(51)))).toMatchObject({ refused: 'too_many_rooms' });
        expect(await touch(change('rooms', ...rooms(49)))).toMatchObject({ tokenExpiresAt: START_SECONDS + 3600 });
        expect(await touch(change('rooms', LOBBY))).toMatchObject({ tokenExpiresAt: START_SECONDS + 3600 });
        expect(await touch(change('rooms', roomAddress('attic')))).toMatchObject({ refused: 'too_many_rooms' });
        expect(await touch(change('rooms', LOBBY))).toMatchObject({ tokenExpiresAt: START_SECONDS + 3600 });
        expect(await touch(change('rooms', roomAddress('r0'), roomAddress('attic')))).toMatchObject({
          refused: 'too_many_rooms',
        });
        expect(await touch(change('watches', ...rooms(199)))).toMatchObject({ tokenExpiresAt: START_SECONDS + 3600 });
        const known = rooms(150);
        expect(await touch(change('watches', ...known, userAddress('eve'), userAddress('eve')))).toMatchObject({
          tokenExpiresAt: START_SECONDS + 3600,
        });
        expect(await touch(change('watches', ...known, userAddress('ann')))).toMatchObject({
          refused: 'too_many_watches',
        });
        const { rooms: inRooms, watches } = await noted();
        expect(inRooms).toEqual([LOBBY, ...rooms(49)].toSorted());
        expect(watches).toEqual([...rooms(199), userAddress('eve')].toSorted());
      });

      test('go with the connection, whichever of its mappings showed that it is gone', async () => {
        for (const shown of [BOB, LOBBY, presenceAddress(userAddress('eve'))]) {
          await directory.put(registration());
          await touch(change('rooms', LOBBY));
          await touch(change('watches', userAddress('eve')));
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

      test('a mapping of a room that its user’s does not tell of goes as well', async () => {
        await directory.put(registration({ address: LOBBY }));
        await directory.forget(registration({ address: LOBBY }));
        expect(await directory.find(LOBBY, CONSISTENT)).toEqual([]);
      });

      test('withdraw takes back an attempt and those before it, and never a later one', async () => {
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

    describe('the members of a room', () => {
      const join = async (userId: string, connectionId: string, values: Partial<Registration> = {}) => {
        const address = userAddress(userId);
        await directory.put(registration({ address, userId, connectionId, ...values }));
        const change = { change: 'add', kind: 'rooms', addresses: [LOBBY] } as const;
        await directory.touch(address, connectionId, { expiresAt: START_SECONDS + 600, change });
        await directory.put(registration({ address: LOBBY, userId, connectionId, expiresAt: START_SECONDS + 7200 }));
      };
      const members = async () =>
        (await directory.members(LOBBY)).map(({ userId, connectionId }) => [userId, connectionId]).toSorted();
      const ofBob = async () => (await directory.find(BOB, { ...CONSISTENT, inRoom: LOBBY })).length;

      test('are the connections whose users’ mappings are live and say so', async () => {
        await join('bob', 'c1=');
        await join('bob', 'c2=');
        await join('eve', 'c3=');
        expect(await members()).toEqual([
          ['bob', 'c1='],
          ['bob', 'c2='],
          ['eve', 'c3='],
        ]);
        expect(await ofBob()).toBe(2);
        expect((await directory.members(LOBBY))[0]?.expiresAt).toBe(START_SECONDS + 600);
        await directory.remove(BOB, 'c1=');
        const change = { change: 'remove', kind: 'rooms', addresses: [LOBBY] } as const;
        await directory.touch(userAddress('eve'), 'c3=', { expiresAt: START_SECONDS + 600, change });
        expect(await members()).toEqual([['bob', 'c2=']]);
        expect(await ofBob()).toBe(1);
        nowSeconds = START_SECONDS + 600;
        expect(await members()).toEqual([]);
        expect(await ofBob()).toBe(0);
      });

      test('are not those whose user’s mapping is gone, or is in other rooms, or whose token is over', async () => {
        await directory.put(registration({ address: LOBBY, userId: 'ghost' }));
        await directory.put(registration({ connectionId: 'c2=' }));
        await directory.put(registration({ address: LOBBY, connectionId: 'c2=' }));
        await join('eve', 'c3=', { tokenExpiresAt: START_SECONDS + 60 });
        nowSeconds = START_SECONDS + 60;
        expect(await members()).toEqual([]);
      });

      test('are found however many there are', async () => {
        const all = Array.from({ length: 120 }, (_, at) => [`u${at}`, `c${at}=`] as const);
        await Promise.all(all.map(([userId, connectionId]) => join(userId, connectionId)));
        expect(await members()).toEqual(all.toSorted());
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

    test('one that is removed before its registration has landed stays removed', async () => {
      await directory.remove(BOB, 'c1=');
      expect(await directory.put(registration())).toBe('removed');
    });

    test('of two registrations the later attempt stands, in whatever order they land', async () => {
      expect(await directory.put(registration({ attempt: 2, callbackUrl: 'https://two' }))).toBe('registered');
      expect(await directory.put(registration({ attempt: 1, callbackUrl: 'https://one' }))).toBe('superseded');
      expect(await directory.put(registration({ attempt: 2, callbackUrl: 'https://two' }))).toBe('registered');
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ callbackUrl: 'https://two' }]);
    });

    test('finds a range of connection ids, both ends included, and no more than asked for', async () => {
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
