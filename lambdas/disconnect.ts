import { userAddress } from '../server/address.ts';
import { composeDirectory, composeTasks } from '../server/aws/index.ts';
import { connectionOf, type WebSocketEvent } from '../server/connections/connection.ts';
import { createForget } from '../server/connections/forget.ts';
import { createLogger } from '../server/logger.ts';

const log = createLogger();
const forget = createForget({ directory: composeDirectory({ now: Date.now }), tasks: composeTasks() });

/**
 * `$disconnect`: forgets the connection, removes it from its rooms, and queues a check whether its user is offline. API
 * Gateway sends this event at best effort; the mapping's expiry and a 410 do the same later.
 */
export async function handler(event: WebSocketEvent) {
  const { connectionId, userId } = connectionOf(event);
  await forget({ address: userAddress(userId), connectionId, userId });
  log({ route: '$disconnect', outcome: 'ok', connectionId, requestId: event.requestContext.requestId });
  return { statusCode: 200 };
}
