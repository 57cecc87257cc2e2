import type { Address } from '../address.ts';
import type { Tasks } from '../tasks.ts';
import type { PresenceStates } from './presence-state.ts';

/**
 * Has it announced that a user has come to an address, unless that is what is announced: mostly they have been there on
 * another device, or a moment ago. To be called after the directory shows them.
 */
export type Arrive = (address: Address, userId: string) => Promise<void>;

export function createArrive({ presenceStates, tasks }: { presenceStates: PresenceStates; tasks: Tasks }): Arrive {
  return async (address, userId) => {
    const announced = await presenceStates.read(address, userId);
    if (!announced?.online) await tasks.add([{ kind: 'presence', address, userId }]);
  };
}
