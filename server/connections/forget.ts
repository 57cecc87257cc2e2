import { userAddress } from '../address.ts';
import { ABSENCE_SECONDS } from '../presence/presence-state.ts';
import type { Tasks } from '../tasks.ts';
import type { Directory, Mapping } from './directory.ts';

/** A connection to be forgotten. */
export interface Forgotten extends Pick<Mapping, 'address' | 'connectionId' | 'userId'> {
  /** Where to close it, in case it is alive. Absent: it is known to have ended. */
  readonly callbackUrl?: string;
}

/**
 * Forgets a connection that has ceased to exist, and has it checked a little later whether its user is still there. API
 * Gateway has been seen to answer 410 for a living connection, which would stay open and hear nothing; so it is closed as
 * well, and where that is answered in the same way, its next frame is answered with `not_registered`.
 */
export type Forget = (connection: Forgotten) => Promise<void>;

export function createForget({ directory, tasks }: { directory: Directory; tasks: Tasks }): Forget {
  return async ({ callbackUrl, ...mapping }) => {
    const { userId, connectionId } = mapping;
    const { rooms } = await directory.forget(mapping, callbackUrl !== undefined);
    const check = { kind: 'presence', userId, delaySeconds: ABSENCE_SECONDS } as const;
    await tasks.add([
      ...(callbackUrl === undefined ? [] : [{ kind: 'close', connectionId, callbackUrl } as const]),
      ...[userAddress(userId), ...rooms].map((address) => ({ ...check, address })),
    ]);
  };
}
