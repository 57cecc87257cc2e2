import { type Now, toSeconds } from '../../server/clock.ts';
import type { Directory, Registration } from '../../server/directory.ts';
import { EXPIRY_MARGIN_SECONDS } from '../../server/expiry.ts';

/** A directory in memory, held to the same contract tests as the one on DynamoDB. `items` are what a table would hold. */
export function createMemoryDirectory(now: Now): Directory & { readonly items: Map<string, Registration> } {
  const items = new Map<string, Registration>();
  const key = (address: string, connectionId: string) => JSON.stringify([address, connectionId]);
  return {
    items,
    async put(registration) {
      items.set(key(registration.address, registration.connectionId), registration);
    },
    async find(address) {
      return [...items.values()]
        .filter((item) => item.address === address && item.expiresAt > toSeconds(now()))
        .map(({ connectionId, callbackUrl, expiresAt }) => ({ address, connectionId, callbackUrl, expiresAt }));
    },
    async touch(address, connectionId, expiresAt) {
      const item = items.get(key(address, connectionId));
      if (!item || item.expiresAt <= toSeconds(now()) + EXPIRY_MARGIN_SECONDS) return false;
      items.set(key(address, connectionId), { ...item, expiresAt });
      return true;
    },
    async remove(address, connectionId) {
      items.delete(key(address, connectionId));
    },
  };
}
