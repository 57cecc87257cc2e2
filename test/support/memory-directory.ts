import { type Now, toSeconds } from '../../server/clock.ts';
import type { Directory, Registration } from '../../server/directory.ts';
import { EXPIRY_MARGIN_SECONDS } from '../../server/expiry.ts';

interface Item extends Registration {
  readonly removed: boolean;
}

/** A directory in memory, held to the same contract as the one on DynamoDB. `items` are what a table would hold. */
export function createMemoryDirectory(now: Now): Directory & { readonly items: Map<string, Item> } {
  const items = new Map<string, Item>();
  const key = (address: string, connectionId: string) => JSON.stringify([address, connectionId]);
  return {
    items,
    async put(registration) {
      const existing = items.get(key(registration.address, registration.connectionId));
      if (existing?.removed) return 'removed';
      if (existing && existing.attempt > registration.attempt) return 'superseded';
      items.set(key(registration.address, registration.connectionId), { ...registration, removed: false });
      return 'registered';
    },
    async find(address, { limit, range }) {
      return [...items.values()]
        .filter((item) => item.address === address && !item.removed && item.expiresAt > toSeconds(now()))
        .filter(({ connectionId }) => !range || (connectionId >= range.first && connectionId <= range.last))
        .map(({ connectionId, callbackUrl, expiresAt }) => ({ address, connectionId, callbackUrl, expiresAt }))
        .sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
        .slice(0, limit);
    },
    async touch(address, connectionId, expiresAt) {
      const item = items.get(key(address, connectionId));
      if (!item || item.removed || item.expiresAt <= toSeconds(now()) + EXPIRY_MARGIN_SECONDS) return false;
      items.set(key(address, connectionId), { ...item, expiresAt });
      return true;
    },
    async forget(address, connectionId) {
      items.delete(key(address, connectionId));
    },
    async remove(address, connectionId) {
      const item = items.get(key(address, connectionId));
      const nothing = { userId: '', attempt: 0, callbackUrl: '', registeredAt: 0, tokenExpiresAt: 0, expiresAt: 0 };
      items.set(key(address, connectionId), { ...nothing, ...item, address, connectionId, removed: true });
    },
  };
}
