import { type ErrorCodeInfo, WORDLESS_CODES } from './wordless-codes.ts';

/** The one table of error codes. The server sends its sentences, the client switches on its codes, and the documentation lists them. */
export const ERROR_CODES = {
  invalid_json: {
    message: 'The frame is not JSON. Send one JSON object per text frame.',
    retryable: false,
    offence: 1,
  },
  invalid_frame: {
    message: 'The frame does not have the shape that its action requires. Correct it before you send it again.',
    retryable: false,
    offence: 1,
  },
  unknown_action: {
    message: 'The action is unknown. Send one of the actions of the protocol.',
    retryable: false,
    offence: 1,
  },
  message_too_large: {
    message: 'The data of the message is larger than limits.maxDataBytes. Send less, or a reference to the data.',
    retryable: false,
  },
  not_registered: {
    message: 'This connection is not registered, or its registration has expired. Send register, then try again.',
    retryable: true,
    offence: 1,
  },
  forbidden: {
    message: "The token's capability does not allow this. Get a token that does.",
    retryable: false,
  },
  not_accepted: {
    message: 'The recipient does not accept this message. It was neither delivered nor kept.',
    retryable: false,
  },
  too_many_blocked: {
    message: 'The user has blocked as many users as one user can. Unblock one first.',
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
  conversations_disabled: {
    message:
      'The list of conversations is switched off here. The operator can switch it on with the prop "conversations".',
    retryable: false,
    offence: 0.5,
  },
  search_disabled: {
    message: 'Messages are not indexed here. The operator can switch search on with the prop "search".',
    retryable: false,
    offence: 0.5,
  },
  search_invalid: {
    message: 'The search text has no word, or too many words or characters. Change it.',
    retryable: false,
  },
  search_too_broad: {
    message: 'Too many words begin like the last word of the search. Write more of it, or add a word.',
    retryable: false,
  },
  reply_too_large: {
    message:
      'One reply cannot hold the results of all messages of the frame. Send this message again in another frame.',
    retryable: true,
  },
  rate_limited: {
    message:
      'The connection or its user sends too fast. Wait for retryAfterMs, then send the frame again with the same ids.',
    retryable: true,
    // Counts only after another one: a client that waits as long as it is told has a frame accepted in between. An eighth, because
    // hundreds may be in flight when the user's budget runs out, perhaps because of another device.
    offence: 0.125,
  },
  invalid_token: {
    message: 'The token in the frame is invalid, or belongs to another user. Send a valid token of the same user.',
    retryable: false,
    offence: 1,
  },
  disconnected: {
    message: 'The operator closed the connection.',
    retryable: false,
  },
  revoked: {
    message: 'The tokens of this user were revoked. Get a new token.',
    retryable: false,
  },
  connection_removed: {
    message: 'This connection missed a message and gets no later ones. Close it, connect again, and resume.',
    retryable: false,
    offence: 0.5,
  },
  superseded: {
    message: 'A later frame of this connection came first, and holds. There is nothing to do.',
    retryable: false,
    // A registration is charged only when it is made.
    offence: 0.5,
  },
  invalid_cursor: {
    message: 'The cursor is in the future. Resume without it, from what the user has acknowledged.',
    retryable: false,
    offence: 0.5,
  },
  token_expired: {
    message: 'The token of this connection has expired. Connect again with a new one.',
    retryable: false,
  },
  frame_too_large: {
    ...WORDLESS_CODES.frame_too_large,
    message:
      'The frame is larger than limits.maxFrameBytes, and the service closes the connection. Send less in one frame.',
    offence: 1,
  },
  binary_not_supported: {
    ...WORDLESS_CODES.binary_not_supported,
    message: 'The frame is binary, and the service closes the connection. Send text.',
  },
  unauthorized: {
    ...WORDLESS_CODES.unauthorized,
    message:
      'The handshake carries no valid token. Offer the subprotocols "beckon.v1" and "bearer.<token>", or send the header Authorization: Bearer.',
  },
  origin_not_allowed: {
    ...WORDLESS_CODES.origin_not_allowed,
    message: 'Pages of this origin may not connect. The operator can add it to the allowed origins.',
  },
  unsupported_version: {
    ...WORDLESS_CODES.unsupported_version,
    message: 'Unsupported subprotocol. Offer "beckon.v1".',
  },
  internal: {
    ...WORDLESS_CODES.internal,
    message: 'The server failed. The request may or may not have taken effect. Retry it with the same id.',
  },
} as const satisfies Record<string, Pick<ErrorCodeInfo, 'message' | 'retryable' | 'offence'>>;

export type ErrorCode = keyof typeof ERROR_CODES;
