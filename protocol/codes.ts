import { type ErrorCodeInfo, WORDLESS_CODES } from './wordless-codes.ts';

/** The one table of error codes: the server sends from it, the client switches on it, the documentation lists it. */
export const ERROR_CODES = {
  invalid_json: {
    message: 'The frame is not JSON. Send one JSON object per text frame.',
    retryable: false,
  },
  invalid_frame: {
    message: 'The frame does not have the shape that its action requires.',
    retryable: false,
  },
  unknown_action: {
    message: 'There is no such action.',
    retryable: false,
  },
  message_too_large: {
    message: 'The data of the message is larger than limits.maxDataBytes.',
    retryable: false,
  },
  not_registered: {
    message: 'This connection is not registered, or its registration has expired. Send register, then try again.',
    retryable: true,
  },
  forbidden: {
    message: "The token's capability does not allow this.",
    retryable: false,
  },
  not_accepted: {
    message: 'The recipient does not accept this message: it was neither delivered nor kept.',
    retryable: false,
  },
  too_many_blocked: {
    message: 'The user has blocked as many users as there can be. Unblock one first.',
    retryable: false,
  },
  too_many_rooms: {
    message: 'The connection is in limits.maxRooms rooms already. Leave one first.',
    retryable: false,
  },
  too_many_watches: {
    message: 'The connection watches limits.maxWatches users and rooms already. Stop watching some first.',
    retryable: false,
  },
  search_disabled: {
    message: 'Messages are not indexed here. The construct has the prop "search".',
    retryable: false,
  },
  search_invalid: {
    message: 'The text to search for must hold one word at least, and is limited in words and characters.',
    retryable: false,
  },
  search_too_broad: {
    message: 'Too many words begin like the last one. Write more of it.',
    retryable: false,
  },
  reply_too_large: {
    message:
      'One reply cannot hold what becomes of all messages of the frame. Send this message again in another frame.',
    retryable: true,
  },
  rate_limited: {
    message: 'Too much was sent in too short a time. Wait for retryAfterMs, then send it again with the same ids.',
    retryable: true,
  },
  invalid_token: {
    message: 'The token in the frame is not valid, or is that of another user.',
    retryable: false,
  },
  disconnected: {
    message: 'The connection was closed on behalf of the operator.',
    retryable: false,
  },
  revoked: {
    message: 'Tokens that were issued to this user until now are no longer accepted. Get another one.',
    retryable: false,
  },
  connection_removed: {
    message: 'This connection has missed a message and gets no later one. Close it, connect again, and resume.',
    retryable: false,
  },
  superseded: {
    message: 'A later registration on this connection has come first.',
    retryable: false,
  },
  invalid_cursor: {
    message: 'The cursor is of a time that has not come. Resume without one, from what the user has acknowledged.',
    retryable: false,
  },
  token_expired: {
    message: 'The token with which this connection was opened has expired. Connect again with a fresh one.',
    retryable: false,
  },
  frame_too_large: {
    ...WORDLESS_CODES.frame_too_large,
    message: 'The frame is larger than limits.maxFrameBytes: the service closes the connection.',
  },
  binary_not_supported: {
    ...WORDLESS_CODES.binary_not_supported,
    message: 'The frame is binary: the service closes the connection. Send text.',
  },
  unauthorized: {
    ...WORDLESS_CODES.unauthorized,
    message:
      'The handshake carries no valid token. Offer the subprotocols "beckon.v1" and "bearer.<token>", or send the header Authorization: Bearer.',
  },
  origin_not_allowed: {
    ...WORDLESS_CODES.origin_not_allowed,
    message: 'Pages of this origin may not connect.',
  },
  unsupported_version: {
    ...WORDLESS_CODES.unsupported_version,
    message: 'Unsupported subprotocol. Offer "beckon.v1".',
  },
  internal: {
    ...WORDLESS_CODES.internal,
    message: 'The server failed. The request may or may not have taken effect. Retry it with the same id.',
  },
} as const satisfies Record<string, Pick<ErrorCodeInfo, 'message' | 'retryable'>>;

export type ErrorCode = keyof typeof ERROR_CODES;
