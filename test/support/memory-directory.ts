import { type Now, toSeconds } from '../../server/clock.ts';
import type { Directory, Registration } from '../../server/directory.ts';
import { EXPIRY_MARGIN_SECONDS } from '../../server/expiry.ts';

interface Item extends Registration {
  readonly removed: boolean;
}

const endsAt = ({ expiresAt, tokenExpiresAt }: Registration) => Math.min(expiresAt, tokenExpiresAt);

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
        .filter((item) => item.address === address && !item.removed && endsAt(item) > toSeconds(now()))
        .filter(({ connectionId }) => !range || (connectionId >= range.first && connectionId <= range.last))
        .map((item) => ({
          address,
          connectionId: item.connectionId,
          callbackUrl: item.callbackUrl,
          expiresAt: endsAt(item),
        }))
        .sort((a, b) => (a.connectionId < b.connectionId ? -1 : 1))
        .slice(0, limit);
    },
    async touch(address, connectionId, expiresAt) {
      const item = items.get(key(address, connectionId));
      const soonSeconds = toSeconds(now()) + EXPIRY_MARGIN_SECONDS;
      if (item && !item.removed && item.tokenExpiresAt <= soonSeconds) return 'token_expired';
      if (!item || item.removed || item.expiresAt <= soonSeconds) return 'not_registered';
      items.set(key(address, connectionId), { ...item, expiresAt });
      const { tokenExpiresAt, capability } = item;
      return { tokenExpiresAt, capability };
    },
    async forget(address, connectionId) {
      items.delete(key(address, connectionId));
    },
    async remove(address, connectionId) {
      const item = items.get(key(address, connectionId));
      const nothing = {
        userId: '',
        attempt: 0,
        callbackUrl: '',
        registeredAt: 0,
        tokenExpiresAt: 0,
        expiresAt: 0,
        capability: {},
      };
      items.set(key(address, connectionId), { ...nothing, ...item, address, connectionId, removed: true });
    },
  };
}
