import { answerHandshake, type Handshake } from '../server/auth/handshake.ts';

/**
 * `$connect`: refuses users who connect too often with 429, for `authorize`, which cannot; and picks the subprotocol, which
 * API Gateway never does by itself. The mapping is not written here: a post to
 * a connection whose `$connect` has not returned gets 410, and the sender would delete the newborn mapping.
 */
export async function handler(event: Handshake) {
  return answerHandshake(event);
}
