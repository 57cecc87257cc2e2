import { beforeEach, describe, expect, test } from 'vitest';
import { userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { AddressStates } from '../../server/connections/address-state.ts';
import { serialFloor } from '../../server/serial.ts';

const at = serialFloor;
const BOB = userAddress('bob');

/** The contract of every store of address states. `open` creates one over an empty table, with the given clock. */
export function addressStatesContract(name: string, open: (now: Now) => Promise<AddressStates>): void {
  describe(`address states on ${name}`, () => {
    let nowMs = 1_800_000_000_000;
    let states: AddressStates;

    beforeEach(async () => {
      states = await open(() => nowMs);
    });

    test('an unknown address has no state', async () => {
      expect(await states.read(BOB)).toEqual({});
    });

    test('the acknowledged cursor moves forward, never back, for each address alone', async () => {
      await states.acknowledge(BOB, at(2000));
      await states.acknowledge(BOB, at(1000));
      await states.acknowledge(userAddress('eve'), at(500));
      expect(await states.read(BOB)).toEqual({ cursor: at(2000) });
      await states.acknowledge(BOB, at(3000));
      expect(await states.read(BOB)).toEqual({ cursor: at(3000) });
    });

    test('keeps what was shown on the device with the latest cursor, for each address alone', async () => {
      const shown = (id: string) => [
        { from: { user: 'ann "the" 漢' }, ids: [id, 'x'] },
        { from: { service: 's' }, ids: [id] },
      ];
      expect(await states.readShown(BOB)).toEqual([]);
      await states.keepShown(BOB, at(2000), shown('1'));
      await states.keepShown(BOB, at(1000), shown('older'));
      await states.keepShown(userAddress('eve'), at(3000), shown('hers'));
      expect(await states.readShown(BOB)).toEqual(shown('1'));
      await states.keepShown(BOB, at(2000), shown('2'));
      expect(await states.readShown(BOB)).toEqual(shown('2'));
      await states.keepShown(BOB, at(3000), []);
      expect(await states.readShown(BOB)).toEqual([]);
    });

    test('keeps what was shown apart from the state', async () => {
      await states.keepShown(BOB, at(2000), [{ from: { user: 'ann' }, ids: ['1'] }]);
      expect(await states.read(BOB)).toEqual({});
      await states.acknowledge(BOB, at(1000));
      await states.markLate(BOB, at(500));
      expect(await states.read(BOB)).toMatchObject({ cursor: at(1000) });
      expect(await states.readShown(BOB)).toEqual([{ from: { user: 'ann' }, ids: ['1'] }]);
    });

    test('keeps the earliest serial and the latest moment of late deliveries', async () => {
      await states.markLate(BOB, at(2000));
      nowMs += 1000;
      await states.markLate(BOB, at(3000));
      await states.acknowledge(BOB, at(5000));
      expect(await states.read(BOB)).toEqual({ cursor: at(5000), late: { serial: at(2000), markedAt: nowMs } });
      await states.markLate(BOB, at(1000));
      expect(await states.read(BOB)).toMatchObject({ late: { serial: at(1000), markedAt: nowMs } });
    });
  });
}
