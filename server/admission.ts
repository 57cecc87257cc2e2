import { type Problem, problem } from '../protocol/index.ts';
import { userAddress } from './address.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { mappingExpiry } from './expiry.ts';

/**
 * The gate before whatever a registered connection asks for: notes the sign of life, or says why nothing may be done.
 * One conditional write, so that sending costs no look-up of the sender.
 */
export type Admit = (connection: Connection) => Promise<Problem | undefined>;

export function createAdmit({ directory, now }: { directory: Directory; now: Now }): Admit {
  return async ({ connectionId, userId, tokenExpiresAt }) => {
    const expiresAt = mappingExpiry(toSeconds(now()), tokenExpiresAt);
    const registered = await directory.touch(userAddress(userId), connectionId, expiresAt);
    return registered ? undefined : problem('not_registered');
  };
}
