import type { ByePush } from '../../protocol/index.ts';
import { userAddress } from '../address.ts';
import { isClosed, type Poster } from '../sending/posting.ts';
import { type Directory, type Mapping, topicsOf } from './directory.ts';

/** A connection to close. */
export type Leaving = Pick<Mapping, 'connectionId' | 'userId' | 'callbackUrl'>;

/**
 * Removes a connection from the directory for good, tells it why, and closes it. It may miss messages from the call on,
 * and misses all messages after it.
 * @throws Error if the connection could not be closed; it gets no messages all the same
 */
export type Disconnect = (connection: Leaving, bye: Omit<ByePush, 'type'>) => Promise<void>;

export function createDisconnect({ directory, poster }: { directory: Directory; poster: Poster }): Disconnect {
  return async (connection, bye) => {
    const { connectionId, userId } = connection;
    const user = userAddress(userId);
    await directory.remove(user, connectionId);
    // The subscriptions are read and not deleted: a second attempt needs them if this one fails, and forgetting the
    // connection needs them to check the presence of its rooms.
    await directory.unsubscribe(connectionId, topicsOf(await directory.subscriptions(user, connectionId)));
    const { code, message, reconnect, retryAfterMs } = bye;
    const told = {
      type: 'bye',
      code,
      message,
      reconnect,
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    } as const;
    // A connection that could not be told is closed all the same.
    await poster.post(connection, told);
    if (!isClosed(await poster.close(connection))) throw new Error('The connection could not be closed');
  };
}
