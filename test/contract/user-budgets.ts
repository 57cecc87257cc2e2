import { beforeEach, describe, expect, test } from 'vitest';
import type { Now } from '../../server/clock.ts';
import type { UserBudgets } from '../../server/gate/user-budget.ts';

const START = 1_800_000_000_000;

/** The contract of all user budgets. `open` creates them over an empty table, with the given clock. */
export function userBudgetsContract(name: string, open: (now: Now) => Promise<UserBudgets>): void {
  describe(`user budgets on ${name}, with 10 a second and 5 at once`, () => {
    let userBudgets: UserBudgets;
    let nowMs: number;

    beforeEach(async () => {
      nowMs = START;
      userBudgets = await open(() => nowMs);
    });

    const charge = (userId: string, cost = 1) =>
      userBudgets.charge(userId, { limit: { perSecond: 10, burst: 5 }, cost });

    test('a charge within the limit passes; a refused one has the time to wait', async () => {
      for (let time = 0; time < 5; time += 1) expect(await charge('bob')).toBe(0);
      expect(await charge('bob')).toBe(100);
      nowMs += 99;
      expect(await charge('bob')).toBe(1);
      nowMs += 1;
      expect(await charge('bob')).toBe(0);
      expect(await charge('bob', 3)).toBe(300);
    });

    test('a refused charge takes nothing', async () => {
      expect(await charge('bob', 5)).toBe(0);
      for (let time = 0; time < 10; time += 1) await charge('bob');
      nowMs += 500;
      expect(await charge('bob', 5)).toBe(0);
    });

    test('more than a burst passes after a pause, and counts in full', async () => {
      expect(await charge('bob', 20)).toBe(0);
      expect(await charge('bob')).toBe(1600);
      nowMs += 2000;
      expect(await charge('bob', 20)).toBe(0);
    });

    test('a charge for finished work always passes, and the next charge waits for it', async () => {
      const spend = (cost: number) => userBudgets.spend('bob', { limit: { perSecond: 10, burst: 5 }, cost });
      await spend(20);
      expect(await charge('bob')).toBe(1600);
      await spend(10);
      expect(await charge('bob')).toBe(2600);
      nowMs += 2600;
      expect(await charge('bob')).toBe(0);
      await Promise.all(Array.from({ length: 10 }, () => spend(1)));
      expect(await charge('bob')).toBe(1100);
    });

    test('each user has a budget, which their connections share', async () => {
      await charge('bob', 5);
      expect(await charge('eve', 5)).toBe(0);
      const outcomes = await Promise.all(Array.from({ length: 12 }, () => charge('kim')));
      expect(outcomes.filter((retryAfterMs) => retryAfterMs === 0)).toHaveLength(5);
    });
  });
}
