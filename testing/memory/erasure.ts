import type { Erasure } from '../../server/operations/erasure.ts';

/** A store that keeps something of users. */
export interface Erasable {
  /**
   * Deletes what erasing a user deletes: see `server/aws/tables.ts`.
   * @returns how many items it has deleted
   */
  eraseUser(userId: string): number;
}

/** Erases users from stores in memory, all at once. */
export function createMemoryErasure(stores: readonly Erasable[]): Erasure {
  return { eraseUser: async (userId) => stores.reduce((sum, store) => sum + store.eraseUser(userId), 0) };
}

/** Deletes the entries whose key is the right one. @returns how many */
export function deleteWhere<Key>(map: Map<Key, unknown>, isRight: (key: Key) => boolean): number {
  const keys = [...map.keys()].filter(isRight);
  for (const key of keys) map.delete(key);
  return keys.length;
}
