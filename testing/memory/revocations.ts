import { HANDSHAKE_LIMIT, type Revocations } from '../../server/auth/revocations.ts';
import type { Now } from '../../server/clock.ts';
import type { Erasable } from './erasure.ts';
import { createMemoryUserBudgets } from './user-budgets.ts';

/** Revocations and counts of handshakes in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryRevocations(now: Now): Revocations & Erasable {
  const revoked = new Map<string, number>();
  const handshakes = createMemoryUserBudgets(now);
  const revokedUntil = async (userId: string) => revoked.get(userId);
  return {
    revokedUntil,
    async admitHandshake(userId) {
      const until = await revokedUntil(userId);
      const waitMs = await handshakes.charge(userId, { limit: HANDSHAKE_LIMIT, cost: 1 });
      return { admitted: waitMs === 0, ...(until !== undefined && { revokedUntil: until }) };
    },
    async revoke(userId, untilSeconds) {
      revoked.set(userId, Math.max(revoked.get(userId) ?? 0, untilSeconds));
    },
    eraseUser: handshakes.eraseUser,
  };
}
