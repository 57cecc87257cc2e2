import { type ErrorCodeInfo, WORDLESS_CODES } from '../../protocol/wordless-codes.ts';
import { BeckonError, type WordlessCode } from '../errors.ts';
import type { TransportEnd } from './transport.ts';

/** Why a connection ended, or did not come about. */
export interface ConnectionEnd {
  readonly error: BeckonError;
  /** The code of the close frame, if that is how it ended. */
  readonly closeCode?: number;
  /** Whether the client must not try again: the server has said so, or the application. Default: false. */
  readonly final?: boolean;
  /** Whether the application gets the error as an event: only people may be able to fix it. Default: false. */
  readonly isTold?: boolean;
}

/** Tells why a socket ended. */
export function endOf({ opened, closeCode, httpStatus }: TransportEnd): ConnectionEnd {
  if (!opened) return { error: refusalError(httpStatus), isTold: httpStatus !== undefined };
  const code = closeCode === 1006 ? 'connection_lost' : findCode((info) => info.closeCode === closeCode);
  const message = code ? undefined : `The server closed the connection with code ${closeCode}.`;
  return { error: new BeckonError(code ?? 'connection_closed', message), closeCode };
}

/** Tells why a connection could not be opened. */
export function endOfAttempt(cause: unknown): ConnectionEnd {
  const error =
    cause instanceof BeckonError
      ? cause
      : new BeckonError('connect_failed', `The connection could not be opened: ${String(cause)}`, { cause });
  return { error, final: isFinal(error), isTold: error.code === 'token_failed' };
}

/** Whether the application has said that there is no token any more, or has given another user's. */
export function isFinal({ code }: BeckonError): boolean {
  return code === 'unauthorized' || code === 'user_changed';
}

/** A proxy may have refused the handshake instead of the server, for reasons of its own. */
function refusalError(httpStatus: number | undefined): BeckonError {
  if (httpStatus === undefined) return new BeckonError('connect_failed');
  const code = findCode((info) => info.httpStatus === httpStatus);
  const meaning = code ? ` If the server has sent it: ${code}.` : '';
  const message = `The handshake was refused with HTTP status ${httpStatus}.${meaning}`;
  return new BeckonError('connect_failed', message, { httpStatus });
}

function findCode(matches: (info: Partial<ErrorCodeInfo>) => boolean): WordlessCode | undefined {
  return (Object.keys(WORDLESS_CODES) as WordlessCode[]).find((code) => matches(WORDLESS_CODES[code]));
}
