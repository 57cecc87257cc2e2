/** The meaning of an error code for its receiver. */
export interface ErrorCodeInfo {
  /** One sentence: what was wrong, and what to do. The default `message` of the error frame. */
  readonly message: string;
  /** Whether the same frame can succeed later or after registering. */
  readonly retryable: boolean;
  /** The HTTP status of a refused handshake, for a code that refuses one. */
  readonly httpStatus?: number;
  /** The WebSocket close code, for a code that makes the service close the connection. */
  readonly closeCode?: number;
  /**
   * How much a frame that is refused with the code counts towards closing its connection. Absent: nothing, because the gate has charged
   * the frame, or the server closes the connection anyway. Such a frame counts a half if a client may have several of them in flight, or if
   * a person may cause it often.
   */
  readonly offence?: number;
}

/**
 * The facts about codes that can reach a client without a frame of Beckon's: the service refuses the handshake, closes the connection, or
 * sends a frame of its own. `ERROR_CODES` has the sentences; a page does not load that table.
 */
export const WORDLESS_CODES = {
  frame_too_large: { retryable: false, closeCode: 1009 },
  binary_not_supported: { retryable: false, closeCode: 1003 },
  unauthorized: { retryable: false, httpStatus: 401 },
  origin_not_allowed: { retryable: false, httpStatus: 403 },
  unsupported_version: { retryable: false, httpStatus: 400 },
  internal: { retryable: true },
} as const satisfies Record<string, Omit<ErrorCodeInfo, 'message'>>;
