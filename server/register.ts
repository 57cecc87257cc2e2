import { DEFAULT_LIMITS, type RegisteredReply } from '../protocol/index.ts';
import { userAddress } from './address.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { mappingExpiry } from './expiry.ts';

/** Makes a connection one of its user's. */
export type Register = (connection: Connection) => Promise<Omit<RegisteredReply, 'id'>>;

/** @param callbackUrl the Management API endpoint of the API that holds the connections */
export function createRegister(dependencies: { directory: Directory; callbackUrl: string; now: Now }): Register {
  const { directory, callbackUrl, now } = dependencies;
  return async ({ connectionId, userId, tokenExpiresAt }) => {
    const serverTime = now();
    const registeredAt = toSeconds(serverTime);
    const expiresAt = mappingExpiry(registeredAt, tokenExpiresAt);
    const address = userAddress(userId);
    await directory.put({ address, connectionId, callbackUrl, userId, registeredAt, tokenExpiresAt, expiresAt });
    return {
      type: 'registered',
      userId,
      connectionId,
      serverTime,
      expiresAt: expiresAt * 1000,
      limits: DEFAULT_LIMITS,
    };
  };
}
