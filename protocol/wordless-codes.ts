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
 * Those of the error codes that a client may have to find the words for: the handshake is refused or the connection closed
 * for them, or the service says them without a frame of ours. For all others it has the sentence that the server sends.
 */
export const WORDLESS_CODES = {
  frame_too_large: {
    message: 'The frame is larger than limits.maxFrameBytes: the service closes the connection.',
    retryable: false,
    closeCode: 1009,
  },
  binary_not_supported: {
    message: 'The frame is binary: the service closes the connection. Send text.',
    retryable: false,
    closeCode: 1003,
  },
  unauthorized: {
    message:
      'The handshake carries no valid token. Offer the subprotocols "beckon.v1" and "bearer.<token>", or send the header Authorization: Bearer.',
    retryable: false,
    httpStatus: 401,
  },
  origin_not_allowed: {
    message: 'Pages of this origin may not connect.',
    retryable: false,
    httpStatus: 403,
  },
  unsupported_version: {
    message: 'Unsupported subprotocol. Offer "beckon.v1".',
    retryable: false,
    httpStatus: 400,
  },
  internal: {
    message: 'The server failed. Nothing is known to have been done; try again with the same id.',
    retryable: true,
  },
} as const satisfies Record<string, ErrorCodeInfo>;
