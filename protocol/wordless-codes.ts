/** What each error code means to whoever receives it. */
export interface ErrorCodeInfo {
  /** One sentence: what was wrong, and what to do. The default `message` of the error frame. */
  readonly message: string;
  /** Whether sending the same frame again, later or after registering, can succeed. */
  readonly retryable: boolean;
  /** The HTTP status with which a handshake is refused, where the code belongs to one. */
  readonly httpStatus?: number;
  /** The WebSocket close code, where the service closes the connection for it. */
  readonly closeCode?: number;
}

/**
 * What a client must know of the codes that can reach it without a frame of ours: the handshake is refused or the connection closed
 * for them, or the service says them itself. The sentences are in `ERROR_CODES`, which a page does not load.
 */
export const WORDLESS_CODES = {
  frame_too_large: { retryable: false, closeCode: 1009 },
  binary_not_supported: { retryable: false, closeCode: 1003 },
  unauthorized: { retryable: false, httpStatus: 401 },
  origin_not_allowed: { retryable: false, httpStatus: 403 },
  unsupported_version: { retryable: false, httpStatus: 400 },
  internal: { retryable: true },
} as const satisfies Record<string, Omit<ErrorCodeInfo, 'message'>>;
