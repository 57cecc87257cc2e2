import { problem, type Result } from '../protocol/index.ts';
import { type Address, userAddress } from './address.ts';
import { allows, forbidden, type Operation } from './capability.ts';
import { type Now, toSeconds } from './clock.ts';
import type { Claims, Connection } from './connection.ts';
import type { Directory, SubscriptionChange } from './directory.ts';
import { IDLE_SECONDS } from './expiry.ts';

/**
 * The gate before whatever a registered connection asks for: notes the sign of life, and gives the claims that hold now,
 * or says why nothing may be done. One conditional write, so that sending costs no look-up of the sender.
 * @param change made in the same write, if it may be
 */
export type Admit = (
  connection: Pick<Connection, 'connectionId' | 'userId'>,
  change?: SubscriptionChange,
) => Promise<Result<Claims>>;

export function createAdmit({ directory, now }: { directory: Directory; now: Now }): Admit {
  return async ({ connectionId, userId }, change) => {
    const expiresAt = toSeconds(now()) + IDLE_SECONDS;
    const touched = await directory.touch(userAddress(userId), connectionId, expiresAt, change);
    return typeof touched === 'string' ? { ok: false, problem: problem(touched) } : { ok: true, value: touched };
  };
}

/**
 * The gate before an operation at some addresses: all of them, or none.
 * @param subscribe notes the addresses among the connection's subscriptions, in the same write
 */
export type Permit = (
  connection: Connection,
  operation: Operation,
  addresses: readonly Address[],
  subscribe?: SubscriptionChange['kind'],
) => Promise<Result<Claims>>;

export function createPermit(admit: Admit): Permit {
  return async (connection, operation, addresses, kind) => {
    const check = (claims: Claims): Result<Claims> => {
      const address = addresses.find((each) => !allows(claims.capability, operation, each));
      return address ? { ok: false, problem: forbidden(operation, address) } : { ok: true, value: claims };
    };
    const pass = async (change?: SubscriptionChange): Promise<Result<Claims>> => {
      const admitted = await admit(connection, change);
      return admitted.ok ? check(admitted.value) : admitted;
    };
    if (!kind) return pass();
    // Noted only where it is allowed: whoever is noted as being in a room is seen there. The token that opened the
    // connection says what most likely holds; the directory has the last word.
    const opened = check(connection);
    const likely = opened.ok ? opened : await pass();
    if (!likely.ok) return likely;
    const passed = await pass({ change: 'add', kind, addresses });
    const isForbidden = !passed.ok && passed.problem.code === 'forbidden';
    if (isForbidden) await admit(connection, { change: 'remove', kind, addresses });
    return passed;
  };
}
