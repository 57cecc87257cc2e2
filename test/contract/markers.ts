import { beforeEach, describe, expect, test } from 'vitest';
import { roomAddress, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { MarkerStore } from '../../server/history/markers.ts';
import { serialFloor } from '../../server/serial.ts';

const at = (ms: number) => serialFloor(1_800_000_000_000 + ms);
const WITH_BOB = { userId: 'alice', peer: userAddress('bob') };

/** The contract of every store of markers. `open` creates one over an empty table, with the given clock. */
export function markersContract(name: string, open: (now: Now) => Promise<MarkerStore>): void {
  describe(`markers on ${name}`, () => {
    let markers: MarkerStore;

    beforeEach(async () => {
      markers = await open(() => 1_800_000_000_000);
    });

    test('start unset, and each moves alone', async () => {
      expect(await markers.read([WITH_BOB])).toEqual([{}]);
      expect(await markers.move(WITH_BOB, 'received', at(2))).toEqual({ received: at(2) });
      expect(await markers.move(WITH_BOB, 'read', at(1))).toEqual({ received: at(2), read: at(1) });
      expect(await markers.read([WITH_BOB])).toEqual([{ received: at(2), read: at(1) }]);
    });

    test('move only forward', async () => {
      await markers.move(WITH_BOB, 'read', at(5));
      expect(await markers.move(WITH_BOB, 'read', at(4))).toBeUndefined();
      expect(await markers.move(WITH_BOB, 'read', at(5))).toBeUndefined();
      expect(await markers.read([WITH_BOB])).toEqual([{ read: at(5) }]);
    });

    test('are separate for each user and conversation, and are read in the order of the keys', async () => {
      const inBob = { userId: 'alice', peer: roomAddress('bob') };
      const ofBob = { userId: 'bob', peer: userAddress('alice') };
      await markers.move(WITH_BOB, 'read', at(1));
      await markers.move(inBob, 'read', at(2));
      expect(await markers.read([ofBob, inBob, WITH_BOB, inBob])).toEqual([
        {},
        { read: at(2) },
        { read: at(1) },
        { read: at(2) },
      ]);
      expect(await markers.read([])).toEqual([]);
    });
  });
}
