import { userAddress } from '../server/address.ts';
import { composeDirectory } from '../server/aws/index.ts';
import { connectionOf, type WebSocketEvent } from '../server/connection.ts';
import { createLogger } from '../server/logger.ts';

const log = createLogger();
const directory = composeDirectory(Date.now);

/** `$disconnect`: forgets the connection, and takes it off its rooms. Best effort, as the event itself is: expiry and 410 do the same later. */
export async function handler(event: WebSocketEvent) {
  const { connectionId, userId } = connectionOf(event);
  await directory.forget({ address: userAddress(userId), connectionId, userId });
  log({ route: '$disconnect', outcome: 'ok', connectionId, requestId: event.requestContext.requestId });
  return { statusCode: 200 };
}
