import { userAddress } from './address.ts';
import type { Directory, Mapping } from './directory.ts';
import type { Tasks } from './tasks.ts';

/**
 * How long somebody may be away before it is announced, in seconds: a page that is loaded again comes back at once, and
 * a client that has lost its network within its first attempts.
 */
export const ABSENCE_SECONDS = 15;

/** Forgets a connection that has ceased to exist, and has it checked a little later whether its user is still there. */
export type Forget = (mapping: Pick<Mapping, 'address' | 'connectionId' | 'userId'>) => Promise<void>;

export function createForget({ directory, tasks }: { directory: Directory; tasks: Tasks }): Forget {
  return async (mapping) => {
    const { userId } = mapping;
    const { rooms } = await directory.forget(mapping);
    const check = { kind: 'presence', userId, delaySeconds: ABSENCE_SECONDS } as const;
    await tasks.add([userAddress(userId), ...rooms].map((address) => ({ ...check, address })));
  };
}
