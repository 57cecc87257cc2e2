import { beforeEach, describe, expect, test } from 'vitest';
import { userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { Directory, FindOptions, Registration } from '../../server/directory.ts';

const BOB = userAddress('bob');
const START_SECONDS = 1_800_000_000;
const CONSISTENT = { consistent: true };

/** What every directory must do. `open` gives one over an empty table, reading the given clock. */
export function directoryContract(name: string, open: (now: Now) => Promise<Directory>): void {
  describe(`directory on ${name}`, () => {
    let nowSeconds = START_SECONDS;
    let directory: Directory;

    beforeEach(async () => {
      nowSeconds = START_SECONDS;
      directory = await open(() => nowSeconds * 1000);
    });

    test('finds the connections of an address, and no others', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=', callbackUrl: 'https://other.example/prod' }));
      await directory.put(registration({ address: userAddress('bobby'), connectionId: 'c3=' }));

      const found = await directory.find(BOB, CONSISTENT);

      expect(found.toSorted(byConnection)).toEqual([
        { address: BOB, connectionId: 'c1=', callbackUrl: 'https://api.example/prod', expiresAt: START_SECONDS + 660 },
        {
          address: BOB,
          connectionId: 'c2=',
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
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toEqual({
        tokenExpiresAt: START_SECONDS + 3600,
        capability: { 'room:*': ['join'] },
      });
      nowSeconds = START_SECONDS + 600;
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 700 }]);
    });

    test('no sign of life takes a mapping beyond its token', async () => {
      await directory.put(registration({ tokenExpiresAt: START_SECONDS + 60 }));
      await directory.touch(BOB, 'c1=', START_SECONDS + 700);
      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ expiresAt: START_SECONDS + 60 }]);
      nowSeconds = START_SECONDS + 55;
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe('token_expired');
      nowSeconds = START_SECONDS + 60;
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
    });

    test('touch revives nothing: neither an expired mapping, nor one about to expire, nor one that never was', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      nowSeconds = START_SECONDS + 55;
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe('not_registered');
      nowSeconds = START_SECONDS + 61;
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe('not_registered');
      expect(await directory.touch(BOB, 'never', START_SECONDS + 700)).toBe('not_registered');
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
    });

    test('forget removes one connection of one address, and is content when there is none', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=' }));
      await directory.put(registration({ address: userAddress('eve'), connectionId: 'c1=' }));

      await directory.forget(BOB, 'c1=');
      await directory.forget(BOB, 'c1=');

      expect(await directory.find(BOB, CONSISTENT)).toMatchObject([{ connectionId: 'c2=' }]);
      expect(await directory.find(userAddress('eve'), CONSISTENT)).toMatchObject([{ connectionId: 'c1=' }]);
    });

    test('a removed connection is not found, not touched, and never revived', async () => {
      await directory.put(registration());
      await directory.remove(BOB, 'c1=');
      expect(await directory.find(BOB, CONSISTENT)).toEqual([]);
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe('not_registered');
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
