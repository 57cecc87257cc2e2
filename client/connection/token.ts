import { abortWith, onAbort } from '../base/abort.ts';
import { fromBase64 } from '../base/base64.ts';
import { unlessAborted } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import type { Options } from '../options.ts';

/** What a subprotocol name consists of (RFC 6455 section 4.1), for that is how a browser hands the token over. */
const TOKEN = /^[\w!#$%&'*+\-.^`|~]+$/;

/**
 * Asks the application for a token.
 * @throws BeckonError `unauthorized` as the application throws it, which is final; `token_failed` for anything else that
 * it throws, for what is no token, and when it takes too long.
 * @param failures How many attempts have failed before.
 * @param signal Aborts when the answer is not wanted any more.
 */
export async function requestToken(
  environment: Environment,
  { getToken, tokenTimeoutMs }: Options,
  failures: number,
  signal: AbortSignal,
): Promise<string> {
  const controller = new AbortController();
  const stopWaiting = onAbort(signal, (reason) => abortWith(controller, reason));
  const cancelTimer = environment.setTimer(tokenTimeoutMs, () =>
    abortWith(controller, new BeckonError('token_failed', `getToken took longer than ${tokenTimeoutMs} ms.`)),
  );
  try {
    const asked = getToken({ signal: controller.signal, failures });
    return checkToken(await unlessAborted(asked, controller.signal));
  } catch (error) {
    throw toTokenError(error);
  } finally {
    cancelTimer();
    stopWaiting();
  }
}

/** Whose token it is, in a form that is only good for comparing; `undefined` when it is no JWT or does not say. */
export function tokenUser(token: string): string | undefined {
  const { sub } = readClaims(token);
  return typeof sub === 'string' ? sub : undefined;
}

/** Not for the client to judge: the server refuses what it cannot read. */
export function readClaims(token: string): { readonly exp?: unknown; readonly sub?: unknown } {
  try {
    const [, payload = ''] = token.split('.');
    return JSON.parse(String.fromCharCode(...fromBase64(payload.replace(/-/g, '+').replace(/_/g, '/')))) ?? {};
  } catch {
    return {};
  }
}

function checkToken(token: unknown): string {
  if (typeof token === 'string' && TOKEN.test(token)) return token;
  // Not quoted: it may be a secret all the same.
  const got = typeof token === 'string' ? 'a string that cannot be one' : typeof token;
  throw new BeckonError('token_failed', `getToken must give a JWT, got ${got}.`);
}

function toTokenError(error: unknown): BeckonError {
  if (error instanceof BeckonError && /^(unauthorized|token_failed)$/.test(error.code)) return error;
  const told = error instanceof Error ? error.message : String(error);
  return new BeckonError('token_failed', `getToken failed: ${told}`, { cause: error });
}
