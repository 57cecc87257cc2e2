import { userAddress } from '../address.ts';
import { ABSENCE_SECONDS } from '../presence/presence-state.ts';
import type { Tasks } from '../tasks.ts';
import type { Directory, Mapping } from './directory.ts';

/** A connection to forget. */
export interface Forgotten extends Pick<Mapping, 'address' | 'connectionId' | 'userId'> {
  /** Where to close the connection, in case it is alive. Absent: it is known to have ended. */
  readonly callbackUrl?: string;
}

/**
 * Forgets a connection that no longer exists, and queues a check of its user's presence a little later. API Gateway has
 * answered 410 for live connections, which would stay open without messages: so the connection is closed as well. If
 * that is answered with 410 too, its next frame gets `not_registered`.
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
