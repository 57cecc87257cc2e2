import type { Markers } from '../../protocol/index.ts';
import type { MarkerKey, MarkerStore } from '../../server/history/markers.ts';
import { deleteWhere, type Erasable } from './erasure.ts';

/** Markers in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryMarkers(): MarkerStore & Erasable {
  const markers = new Map<string, Markers>();
  const keyOf = ({ userId, peer }: MarkerKey) => JSON.stringify([userId, peer]);
  return {
    read: async (keys) => keys.map((key) => markers.get(keyOf(key)) ?? {}),
    async move(key, marker, serial) {
      const before = markers.get(keyOf(key)) ?? {};
      if ((before[marker] ?? '') >= serial) return undefined;
      const after = { ...before, [marker]: serial };
      markers.set(keyOf(key), after);
      return after;
    },
    eraseUser: (userId) => deleteWhere(markers, (key) => JSON.parse(key)[0] === userId),
  };
}
