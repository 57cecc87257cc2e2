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
    const refused = ({ capability }: Claims) => {
      const address = addresses.find((each) => !allows(capability, operation, each));
      return address && ({ ok: false, problem: forbidden(operation, address) } as const);
    };
    // Noted only where it is allowed: whoever is noted as being in a room is seen there. The token that opened the
    // connection says what most likely holds; the directory has the last word.
    if (!kind || refused(connection)) {
      const admitted = await admit(connection);
      const refusal = admitted.ok && refused(admitted.value);
      if (!kind || refusal || !admitted.ok) return refusal || admitted;
    }
    const admitted = await admit(connection, { change: 'add', kind, addresses });
    const refusal = admitted.ok && refused(admitted.value);
    if (refusal) await admit(connection, { change: 'remove', kind, addresses });
    return refusal || admitted;
  };
}
