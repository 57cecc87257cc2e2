import type { ErrorCode } from './codes.ts';
import type { Problem } from './problem.ts';
import { WORDLESS_CODES } from './wordless-codes.ts';

/** Failures inside the client. The same call may succeed later. These codes never travel on the wire. */
export const PASSING_CLIENT_CODES = {
  token_failed: 'getToken did not give a token.',
  connect_failed: 'The server is unreachable, or refused the handshake. Browsers do not tell which.',
  connect_timeout: 'The connection was not ready within connectTimeoutMs.',
  connection_lost: 'The connection broke.',
  connection_closed: 'The server closed the connection.',
  unresponsive: 'The server did not answer within livenessTimeoutMs.',
  expired: 'The message expired before it was sent, or the answer was late.',
  outbox_full: 'maxQueuedMessages are waiting already.',
  load_failed: 'A part of the client did not load. Call again.',
  slow_consumer: 'maxBuffered messages are waiting.',
} as const;

/** Failures inside the client that do not pass by themselves. These codes never travel on the wire. */
export const LASTING_CLIENT_CODES = {
  closed: 'The client was closed.',
  user_changed: 'getToken gave a token of another user. Connect that user with a new client.',
  storage_failed: 'The storage cannot be used: messages may not survive a reload.',
  join_cancelled: 'The room was left before it was joined.',
  undecodable: 'The data cannot be decoded. It is handed on with its encoding.',
} as const;

/** The code of a failure inside the client. `ERROR_CODES` has the server's codes. */
export type ClientCode = keyof typeof PASSING_CLIENT_CODES | keyof typeof LASTING_CLIENT_CODES;

/** Every code that an error or a state's reason can have. */
export type BeckonErrorCode = ErrorCode | ClientCode;

/** Returns the sentence for a client code. For a server code, returns the code itself, because the server sends the sentence. */
export function describeCode(code: BeckonErrorCode): string {
  return { ...PASSING_CLIENT_CODES, ...LASTING_CLIENT_CODES }[code as ClientCode] ?? code;
}

/** The details of an error besides its code and its sentence. */
export interface BeckonErrorOptions extends ErrorOptions {
  /** Default: true if the code means a failure that passes by itself. */
  readonly retryable?: boolean | undefined;
  /** Default: `undefined`. */
  readonly retryAfterMs?: number | undefined;
  /** Default: false. */
  readonly maybeDelivered?: boolean | undefined;
  /** Default: `undefined`. */
  readonly httpStatus?: number | undefined;
}

const NAME = 'BeckonError';

/**
 * The error with which calls of the client and `createSender()` reject, and which the client's `error` event carries. Wrong arguments
 * cause a `TypeError` instead. `instanceof` recognizes errors of every copy of this class. `cause` is the underlying error, if there is one.
 */
export class BeckonError extends Error {
  override readonly name = NAME;
  declare readonly code: BeckonErrorCode;
  /** Whether the same call can succeed later. Give a message the same `id` then. */
  declare readonly retryable: boolean;
  /** How long to wait before that, in milliseconds. `undefined`: the time is unknown. */
  declare readonly retryAfterMs: number | undefined;
  /**
   * Whether the message may still arrive: the client has handed it to the network at least once, or keeps it in the storage for a later
   * client. Sending it again with the same `id` is safe.
   */
  declare readonly maybeDelivered: boolean;
  /** The status of a refused handshake, if the runtime exposes it. */
  declare readonly httpStatus: number | undefined;

  /** @param message Default: the client's sentence for the code; for a code of the server the code itself. */
  constructor(code: BeckonErrorCode, message: string = describeCode(code), options: BeckonErrorOptions = {}) {
    super(message, options);
    const { retryable, retryAfterMs, maybeDelivered = false, httpStatus } = options;
    const isPassing = WORDLESS_CODES[code as keyof typeof WORDLESS_CODES]?.retryable ?? code in PASSING_CLIENT_CODES;
    Object.assign(this, { code, retryable: retryable ?? isPassing, retryAfterMs, maybeDelivered, httpStatus });
  }

  /** The error as data, its message included. */
  toJSON(): object {
    return { ...this, message: this.message };
  }

  /** Compares names: an application may load two copies of this class, one as an ES module and one as CommonJS. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass has only its own instances
    if (this !== BeckonError) return super[Symbol.hasInstance](value);
    return (value as Partial<Error> | null | undefined)?.name === NAME;
  }
}

/** Makes an error from a problem that the server reported. */
export function toError(problem: Pick<Problem, 'code' | 'message'> & Partial<Problem>): BeckonError {
  return new BeckonError(problem.code, problem.message, problem);
}
