import { userAddress } from '../server/address.ts';
import { composeDirectory, composeTasks } from '../server/aws/index.ts';
import { connectionOf, type WebSocketEvent } from '../server/connections/connection.ts';
import { createForget } from '../server/connections/forget.ts';
import { createLogger } from '../server/logger.ts';

const log = createLogger();
const forget = createForget({ directory: composeDirectory({ now: Date.now }), tasks: composeTasks() });

/**
 * `$disconnect`: forgets the connection, takes it off its rooms, and has it checked whether its user has gone. Best effort,
 * as the event itself is: expiry and 410 do the same later.
 */
export async function handler(event: WebSocketEvent) {
  const { connectionId, userId } = connectionOf(event);
  await forget({ address: userAddress(userId), connectionId, userId });
  log({ route: '$disconnect', outcome: 'ok', connectionId, requestId: event.requestContext.requestId });
  return { statusCode: 200 };
}
