import { type Problem, problem, type SizeLimits } from '../../protocol/index.ts';
import { type Address, userAddress } from '../address.ts';
import type { Connection } from '../connections/connection.ts';
import { type Directory, TOO_MANY } from '../connections/directory.ts';

/**
 * Adds subscriptions of a connection that has passed the gate: all of the addresses, or none.
 * @returns why it did not
 */
export type Subscribe = (
  connection: Pick<Connection, 'connectionId' | 'userId'>,
  kind: keyof typeof TOO_MANY,
  addresses: readonly Address[],
) => Promise<Problem | undefined>;

export function createSubscribe(dependencies: {
  readonly directory: Pick<Directory, 'addSubscriptions'>;
  readonly limits: Pick<SizeLimits, 'maxRooms' | 'maxWatches'>;
}): Subscribe {
  const { directory, limits } = dependencies;
  const most = { rooms: limits.maxRooms, watches: limits.maxWatches };
  return async ({ connectionId, userId }, kind, addresses) => {
    const change = { kind, addresses };
    const isAdded = await directory.addSubscriptions(userAddress(userId), connectionId, change, most[kind]);
    return isAdded ? undefined : problem(TOO_MANY[kind]);
  };
}
