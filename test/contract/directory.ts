import { beforeEach, describe, expect, test } from 'vitest';
import { userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { Directory, Registration } from '../../server/directory.ts';

const BOB = userAddress('bob');
const START_SECONDS = 1_800_000_000;

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

      const found = await directory.find(BOB);

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
      expect(await directory.find(BOB)).toHaveLength(1);
      nowSeconds = START_SECONDS + 60;
      expect(await directory.find(BOB)).toHaveLength(0);
    });

    test('touch moves the expiry of a live mapping', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe(true);
      nowSeconds = START_SECONDS + 600;
      expect(await directory.find(BOB)).toMatchObject([{ expiresAt: START_SECONDS + 700 }]);
    });

    test('touch revives nothing: neither an expired mapping, nor one about to expire, nor one that never was', async () => {
      await directory.put(registration({ expiresAt: START_SECONDS + 60 }));
      nowSeconds = START_SECONDS + 55;
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe(false);
      nowSeconds = START_SECONDS + 61;
      expect(await directory.touch(BOB, 'c1=', START_SECONDS + 700)).toBe(false);
      expect(await directory.touch(BOB, 'never', START_SECONDS + 700)).toBe(false);
      expect(await directory.find(BOB)).toEqual([]);
    });

    test('remove forgets one connection of one address, and is content when there is none', async () => {
      await directory.put(registration({ connectionId: 'c1=' }));
      await directory.put(registration({ connectionId: 'c2=' }));
      await directory.put(registration({ address: userAddress('eve'), connectionId: 'c1=' }));

      await directory.remove(BOB, 'c1=');
      await directory.remove(BOB, 'c1=');

      expect(await directory.find(BOB)).toMatchObject([{ connectionId: 'c2=' }]);
      expect(await directory.find(userAddress('eve'))).toMatchObject([{ connectionId: 'c1=' }]);
    });

    test('finds more connections than one page of a query holds', async () => {
      const callbackUrl = `https://api.example/${'x'.repeat(1800)}`;
      const ids = Array.from({ length: 700 }, (_, index) => `c${String(index).padStart(4, '0')}=`);
      await Promise.all(ids.map((connectionId) => directory.put(registration({ connectionId, callbackUrl }))));
      const found = await directory.find(BOB);
      expect(found.map(({ connectionId }) => connectionId).toSorted()).toEqual(ids);
    });
  });
}

function registration(values: Partial<Registration> = {}): Registration {
  return {
    address: BOB,
    connectionId: 'c1=',
    userId: 'bob',
    callbackUrl: 'https://api.example/prod',
    registeredAt: START_SECONDS,
    tokenExpiresAt: START_SECONDS + 3600,
    expiresAt: START_SECONDS + 660,
    ...values,
  };
}

function byConnection(a: { connectionId: string }, b: { connectionId: string }): number {
  return a.connectionId < b.connectionId ? -1 : 1;
}
