import type { Markers } from '../../protocol/index.ts';
import type { MarkerKey, MarkerStore } from '../../server/history/markers.ts';

/** Markers in memory. The contract tests hold them to the rules of the DynamoDB store. */
export function createMemoryMarkers(): MarkerStore {
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
  };
}
