import type { Now } from '../../server/clock.ts';
import { arrival } from '../../server/gate/rate-limit.ts';
import type { UserBudgets } from '../../server/gate/user-budget.ts';
import type { Erasable } from './erasure.ts';

/** User budgets in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryUserBudgets(now: Now): UserBudgets & Erasable {
  const arrivals = new Map<string, number>();
  return {
    async charge(userId, charge) {
      const nowMs = now();
      const { incrementMs, latestMs } = arrival(charge, nowMs);
      const arrivesAt = Math.max(arrivals.get(userId) ?? 0, nowMs);
      if (arrivesAt > nowMs && arrivesAt > latestMs) return arrivesAt - latestMs;
      arrivals.set(userId, arrivesAt + incrementMs);
      return 0;
    },
    async spend(userId, charge) {
      const { incrementMs } = arrival(charge, now());
      arrivals.set(userId, Math.max(arrivals.get(userId) ?? 0, now()) + incrementMs);
    },
    eraseUser: (userId) => Number(arrivals.delete(userId)),
  };
}
