import { createConnect, type Handshake } from '../server/auth/handshake.ts';
import { createLogger } from '../server/logger.ts';

const connect = createConnect({ log: createLogger() });

/**
 * `$connect`: refuses with 429 users who connect too often, because `authorize` cannot; and picks the subprotocol, because API
 * Gateway does not. It does not write the mapping: until it returns, a post to the connection gets 410, and the sender would
 * delete the mapping of a connection that is about to open.
 */
export async function handler(event: Handshake) {
  return connect(event);
}
