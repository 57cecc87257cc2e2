import { type Now, toSeconds } from '../../server/clock.ts';
import { OFFENCE_WINDOW_MS, type Offences } from '../../server/gate/offences.ts';
import { deleteWhere, type Erasable } from './erasure.ts';

/** Offences in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryOffences(now: Now): Offences & Erasable {
  const items = new Map<string, { readonly offences: number; readonly expiresAt: number }>();
  return {
    async add({ userId, connectionId }, offences) {
      const key = JSON.stringify([userId, connectionId]);
      const nowMs = now();
      const item = items.get(key);
      const begun = item && item.expiresAt > toSeconds(nowMs) ? item : undefined;
      const sum = (begun?.offences ?? 0) + offences;
      const expiresAt = begun?.expiresAt ?? toSeconds(nowMs + OFFENCE_WINDOW_MS);
      items.set(key, { offences: sum, expiresAt });
      return sum;
    },
    eraseUser: (userId) => deleteWhere(items, (key) => JSON.parse(key)[0] === userId),
  };
}
