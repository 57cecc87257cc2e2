import { beforeEach, describe, expect, test } from 'vitest';
import type { Now } from '../../server/clock.ts';
import { serialFloor } from '../../server/serial.ts';
import type { UserStates } from '../../server/user-state.ts';

const at = serialFloor;

/** What every store of users' states must do. `open` gives one over an empty table, reading the given clock. */
export function userStatesContract(name: string, open: (now: Now) => Promise<UserStates>): void {
  describe(`users’ states on ${name}`, () => {
    let nowMs = 1_800_000_000_000;
    let states: UserStates;

    beforeEach(async () => {
      states = await open(() => nowMs);
    });

    test('of a user nobody has heard of, nothing is known', async () => {
      expect(await states.read('bob')).toEqual({});
    });

    test('the acknowledged cursor moves forward, never back, for each user alone', async () => {
      await states.acknowledge('bob', at(2000));
      await states.acknowledge('bob', at(1000));
      await states.acknowledge('eve', at(500));
      expect(await states.read('bob')).toEqual({ cursor: at(2000) });
      await states.acknowledge('bob', at(3000));
      expect(await states.read('bob')).toEqual({ cursor: at(3000) });
    });

    test('of late deliveries the earliest serial and the latest moment stand', async () => {
      await states.markLate('bob', at(2000));
      nowMs += 1000;
      await states.markLate('bob', at(3000));
      await states.acknowledge('bob', at(5000));
      expect(await states.read('bob')).toEqual({ cursor: at(5000), late: { serial: at(2000), markedAt: nowMs } });
      await states.markLate('bob', at(1000));
      expect(await states.read('bob')).toMatchObject({ late: { serial: at(1000), markedAt: nowMs } });
    });
  });
}
