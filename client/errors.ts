import type { ErrorCode, Problem } from '../protocol/index.ts';
import { WORDLESS_CODES } from '../protocol/wordless-codes.ts';

/** What can go wrong in the client itself. What the server says is in `ERROR_CODES` of the protocol. */
export const CLIENT_CODES = {
  token_failed: 'getToken did not give a token.',
  connect_failed: 'The server cannot be reached, or it refused the handshake. Browsers do not tell which.',
  connect_timeout: 'The connection was not ready within connectTimeoutMs.',
  connection_lost: 'The connection broke.',
  connection_closed: 'The server closed the connection.',
  unresponsive: 'The server did not answer within livenessTimeoutMs.',
  closed: 'The client was closed.',
  expired: 'The message could not be sent before it expired, or what was asked was not answered in time.',
  outbox_full: 'maxQueuedMessages are waiting to be sent already.',
  user_changed: 'getToken gave a token of another user. Connect that user with a new client.',
  storage_failed: 'The storage cannot be used: what is queued or was received may not survive a reload.',
  left: 'The room was left before it was joined.',
  load_failed: 'A part of the client could not be loaded. Call again.',
  undecodable: 'The data of a message cannot be decoded. It is handed on as it came, with its encoding.',
  slow_consumer: 'maxBuffered messages are waiting.',
} as const;

/** The code of a problem that the client met by itself. */
export type ClientCode = keyof typeof CLIENT_CODES;

/** Every code that an error or a state's reason can have. */
export type BeckonErrorCode = ErrorCode | ClientCode;

/** A code of the server that can come without its words. */
export type WordlessCode = keyof typeof WORDLESS_CODES;

/** The sentence that the client has for the code; the code itself where only the server has one. */
export function describeCode(code: BeckonErrorCode): string {
  return CLIENT_CODES[code as ClientCode] ?? WORDLESS_CODES[code as WordlessCode]?.message ?? code;
}

/** What the server would have said. */
export function wordlessProblem(code: WordlessCode, message = describeCode(code)): Problem {
  return { code, message, retryable: WORDLESS_CODES[code].retryable };
}

/** What the client rejects with, and what its `error` event carries. Wrong arguments are a `TypeError` instead. */
export class BeckonError extends Error {
  override readonly name = 'BeckonError';
  readonly code: BeckonErrorCode;
  /**
   * Of a message that was handed over to the network at least once, or that is kept in the storage for a later client:
   * nobody knows whether it arrives. Sending it again with the same `id` is safe.
   */
  readonly maybeDelivered: boolean;
  /** The status with which the handshake was refused, where that is what happened and the runtime tells it. */
  readonly httpStatus: number | undefined;

  /**
   * @param message Default: the code's sentence; the code itself where only the server has one.
   * @param options `maybeDelivered` defaults to false.
   */
  constructor(
    code: BeckonErrorCode,
    message: string = describeCode(code),
    options: ErrorOptions & { readonly maybeDelivered?: boolean; readonly httpStatus?: number | undefined } = {},
  ) {
    super(message, options);
    this.code = code;
    this.maybeDelivered = options.maybeDelivered ?? false;
    this.httpStatus = options.httpStatus;
  }
}

/** Whether the code is about the token: another one may be better. */
export function isAboutToken(code: BeckonErrorCode): boolean {
  return code === 'unauthorized' || code === 'token_expired' || code === 'revoked';
}

/** The error that tells what the server said. */
export function toError({ code, message }: Pick<Problem, 'code' | 'message'>): BeckonError {
  return new BeckonError(code, message);
}
