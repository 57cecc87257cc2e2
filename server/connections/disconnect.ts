import type { ByePush } from '../../protocol/index.ts';
import { userAddress } from '../address.ts';
import { isClosed, type Poster } from '../sending/posting.ts';
import { type Directory, type Mapping, topicsOf } from './directory.ts';

/** A connection to be closed. */
export type Leaving = Pick<Mapping, 'connectionId' | 'userId' | 'callbackUrl'>;

/**
 * Takes a connection out of the directory for good, tells it why, and closes it: whatever is sent from the moment on that
 * this begins may miss it, and whatever is sent after it has ended does.
 * @throws Error if the connection could not be closed; it gets nothing any more all the same
 */
export type Disconnect = (connection: Leaving, bye: Omit<ByePush, 'type'>) => Promise<void>;

export function createDisconnect({ directory, poster }: { directory: Directory; poster: Poster }): Disconnect {
  return async (connection, bye) => {
    const { connectionId, userId } = connection;
    const user = userAddress(userId);
    await directory.remove(user, connectionId);
    // They are read and not deleted: a second attempt needs them when this one fails, and so does whoever forgets the
    // connection, to have its rooms checked.
    await directory.unsubscribe(connectionId, topicsOf(await directory.subscriptions(user, connectionId)));
    const { code, message, reconnect, retryAfterMs } = bye;
    const told = {
      type: 'bye',
      code,
      message,
      reconnect,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    } as const;
    // What could not be told is no reason to stay open.
    await poster.post(connection, told);
    if (!isClosed(await poster.close(connection))) throw new Error('The connection could not be closed');
  };
}
