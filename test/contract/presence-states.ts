import { beforeEach, describe, expect, test } from 'vitest';
import { type Address, roomAddress, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { PresenceState, PresenceStates } from '../../server/presence/presence-state.ts';

const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const NOW = 1_800_000_000_000;

/** The contract of every store of presence states. `open` creates one over an empty table, with the given clock. */
export function presenceStatesContract(name: string, open: (now: Now) => Promise<PresenceStates>): void {
  describe(`presence states on ${name}`, () => {
    let presenceStates: PresenceStates;

    beforeEach(async () => {
      presenceStates = await open(() => NOW);
    });

    const announcement = (userId: string, online: boolean, sinceMs: number) => ({ userId, online, sinceMs });

    async function announce(address: Address, ...all: PresenceState[]): Promise<void> {
      for (const each of all) {
        expect(await presenceStates.announce(address, each, await presenceStates.read(address, each.userId))).toBe(
          true,
        );
      }
    }

    test('a user without a presence state has none', async () => {
      expect(await presenceStates.read(BOB, 'bob')).toBeUndefined();
      expect(await presenceStates.readUsers(['bob'])).toEqual([]);
      expect(await presenceStates.online(LOBBY)).toEqual([]);
    });

    test('each user has a state of their own at each address', async () => {
      await announce(BOB, announcement('bob', true, 10));
      await announce(
        LOBBY,
        announcement('bob', true, 20),
        announcement('bob', false, 30),
        announcement('eve', true, 40),
      );
      expect(await presenceStates.read(BOB, 'bob')).toEqual(announcement('bob', true, 10));
      expect(await presenceStates.read(LOBBY, 'bob')).toEqual(announcement('bob', false, 30));
      expect(await presenceStates.read(roomAddress('attic'), 'bob')).toBeUndefined();
    });

    test('a write that expects another state changes nothing', async () => {
      const [first, second, third] = [
        announcement('bob', true, 1),
        announcement('bob', false, 2),
        announcement('bob', true, 3),
      ];
      expect(await presenceStates.announce(BOB, first, first)).toBe(false);
      expect(await presenceStates.announce(BOB, first, undefined)).toBe(true);
      expect(await presenceStates.announce(BOB, second, undefined)).toBe(false);
      expect(await presenceStates.announce(BOB, second, first)).toBe(true);
      expect(await presenceStates.announce(BOB, third, first)).toBe(false);
      expect(await presenceStates.read(BOB, 'bob')).toEqual(second);
    });

    test('reads a hundred users at once, with any names', async () => {
      const userIds = [
        'state',
        'sweep',
        'user#bob',
        'room#x',
        '😀',
        ...Array.from({ length: 95 }, (_, at) => `u${at}`),
      ];
      for (const [at, userId] of userIds.entries()) {
        if (at % 2 === 0) await announce(userAddress(userId), announcement(userId, at % 4 === 0, at + 1));
      }
      const read = await presenceStates.readUsers(userIds);
      const expected = userIds.flatMap((userId, at) => (at % 2 ? [] : [announcement(userId, at % 4 === 0, at + 1)]));
      expect(read.toSorted((a, b) => a.sinceMs - b.sinceMs)).toEqual(expected);
    });

    test('lists the users who count as present at an address in the order of their ids', async () => {
      await announce(LOBBY, announcement('eve', true, 1), announcement('bob', true, 2), announcement('ann', false, 3));
      await announce(roomAddress('lobby2'), announcement('zoe', true, 4));
      await presenceStates.setSweep(LOBBY, NOW, NOW);
      expect(await presenceStates.online(LOBBY)).toEqual([announcement('bob', true, 2), announcement('eve', true, 1)]);
    });

    test('lists more than one page of them', async () => {
      const name = (at: number) => `${String(at).padStart(4, '0')}${'界'.repeat(250)}`;
      const all = Array.from({ length: 1400 }, (_, at) => announcement(name(at), true, 1));
      for (let at = 0; at < all.length; at += 100) {
        await Promise.all(all.slice(at, at + 100).map((each) => presenceStates.announce(LOBBY, each, undefined)));
      }
      expect(await presenceStates.online(LOBBY)).toEqual(all);
    }, 60_000);

    describe('the sweep of an address', () => {
      test('is due once, and no longer after it is taken', async () => {
        expect(await presenceStates.sweeps([BOB, LOBBY])).toEqual(new Map());
        for (const due of [NOW + 10, NOW + 20]) await presenceStates.setSweep(BOB, due, NOW);
        expect(await presenceStates.sweeps([BOB, LOBBY])).toEqual(new Map([[BOB, NOW + 10]]));
        expect(await presenceStates.takeSweep(BOB, NOW + 20, NOW + 10)).toBe(false);
        expect(await presenceStates.takeSweep(BOB, NOW + 10, NOW)).toBe(true);
        expect(await presenceStates.sweeps([BOB])).toEqual(new Map());
      });

      test('may be taken before it is due, and again after a failed attempt', async () => {
        expect(await presenceStates.takeSweep(BOB, NOW, NOW)).toBe(true);
        expect(await presenceStates.takeSweep(BOB, NOW, NOW)).toBe(true);
      });

      test('gives way if it is overdue', async () => {
        for (const due of [NOW, NOW + 20]) await presenceStates.setSweep(BOB, due, due > NOW ? NOW + 1 : NOW);
        expect(await presenceStates.sweeps([BOB])).toEqual(new Map([[BOB, NOW + 20]]));
        expect(await presenceStates.takeSweep(BOB, NOW + 30, NOW + 20)).toBe(false);
        expect(await presenceStates.takeSweep(BOB, NOW + 30, NOW + 21)).toBe(true);
      });
    });
  });
}
