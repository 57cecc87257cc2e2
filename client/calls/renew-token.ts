import { isFinal } from '../connection/connection-end.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';

/**
 * Registers the connection with a token that `getToken` returns now. Without a connection, waits for the next one, which asks for a token.
 * @throws BeckonError `token_failed`, `unauthorized`, `user_changed`; why the client is over.
 */
export async function renewToken(core: Core): Promise<void> {
  const { connection } = core.session;
  if (!connection) return nextConnection(core);
  try {
    await connection.registerWith(await connection.requestToken(0));
  } catch (error) {
    if (isFinal(error as BeckonError)) connection.end({ error: error as BeckonError, final: true });
    throw error;
  }
}

function nextConnection(core: Core): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = core.observe((event, value) => {
      if (event !== 'connected' && event !== 'over') return;
      stop();
      if (event === 'connected') resolve();
      else reject(value);
    });
  });
}
