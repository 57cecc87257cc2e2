import { problem, type Result } from '../protocol/index.ts';
import { userAddress } from './address.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Claims, Connection } from './connection.ts';
import type { Directory } from './directory.ts';
import { IDLE_SECONDS } from './expiry.ts';

/**
 * The gate before whatever a registered connection asks for: notes the sign of life, and gives the claims that hold now,
 * or says why nothing may be done. One conditional write, so that sending costs no look-up of the sender.
 */
export type Admit = (connection: Pick<Connection, 'connectionId' | 'userId'>) => Promise<Result<Claims>>;

export function createAdmit({ directory, now }: { directory: Directory; now: Now }): Admit {
  return async ({ connectionId, userId }) => {
    const touched = await directory.touch(userAddress(userId), connectionId, toSeconds(now()) + IDLE_SECONDS);
    return typeof touched === 'string' ? { ok: false, problem: problem(touched) } : { ok: true, value: touched };
  };
}
