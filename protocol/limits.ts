/**
 * The largest text frame that a client may send, in bytes of UTF-8.
 * The AWS quota is "WebSocket frame size: 32 KB". API Gateway closes the connection with 1009 for a larger frame.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const MAX_FRAME_BYTES = 32 * 1024;

/**
 * The largest frame that the server can post to a client, in bytes. The Management API refuses a larger one with 413.
 * @see https://github.com/aws/api-models-aws (apigatewaymanagementapi, `Data`, read 2026-11)
 */
export const MAX_PUSH_BYTES = 128 * 1024;

/**
 * The largest reply, in bytes. API Gateway carries at most 128 KB in either direction.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const MAX_REPLY_BYTES = 128 * 1024;

/** The largest `data` of one message, in bytes of its JSON in UTF-8. With the message's other fields, it always fits one push. */
export const MAX_DATA_BYTES = 32 * 1024;

/**
 * How far before its cursor a resume begins, in milliseconds. The overlap covers the difference between clocks, twice the 10 seconds
 * that a handler may take, and the gateway's longest delay of a frame. Receivers drop messages that they have seen.
 */
export const OVERLAP_MS = 120_000;

/**
 * The deepest nesting of `data`: a text has depth 0, an array of texts has depth 1. Data that is nested thousands of levels deep fits a
 * frame, but cannot be encoded again.
 */
export const MAX_DATA_DEPTH = 64;

/** The most messages in one `sendMessage` frame. */
export const MAX_MESSAGES_PER_FRAME = 50;

/** The most users in the `to` of one message. */
export const MAX_USERS_PER_MESSAGE = 100;

/** How many units one connection may spend in a second, and at once after a pause. An installation can set other numbers. */
export const RATE_PER_SECOND = 100;
export const RATE_BURST = 500;

/** The most rooms that one connection may be in. */
export const MAX_ROOMS = 50;

/** The most users and rooms whose presence one connection may watch. */
export const MAX_WATCHES = 200;

/** The most users in one `presence` frame. */
export const MAX_USERS_PER_PRESENCE = 100;

/** The most conversations in one `mark` or `unread` frame and in one page of the list, and the price of a page in units. */
export const MAX_CONVERSATIONS_PER_FRAME = 50;

/** The most messages of one page of a history or a search, and the default. */
export const MAX_PAGE_MESSAGES = 100;
export const DEFAULT_PAGE_MESSAGES = 50;

/** The most users that one user may block, and the most of them in one `blocked` reply. */
export const MAX_BLOCKED_USERS = 1_000;
export const MAX_PAGE_USERS = 100;

/** The highest unread count. Beyond it, the reply says `more`. */
export const MAX_UNREAD_COUNT = 100;

/** The most messages in the `shown` list of a `ping`, and the largest size of the list, in bytes of its JSON in UTF-8. */
export const MAX_SHOWN_MESSAGES = 100;
export const MAX_SHOWN_BYTES = 8 * 1024;

/** The longest search text, in UTF-16 code units, and the most words in it. */
export const MAX_SEARCH_LENGTH = 200;
export const MAX_SEARCH_WORDS = 8;

/** The longest name of a room, in UTF-16 code units. */
export const MAX_ROOM_NAME_LENGTH = 256;

/** The longest user id, in UTF-16 code units. With its prefix it stays far below DynamoDB's 2,048-byte partition key. */
export const MAX_USER_ID_LENGTH = 256;

/** The longest token in a frame, in characters. */
export const MAX_TOKEN_LENGTH = 8192;

/** The longest id of a message or a frame, in characters. A UUID has 36. */
export const MAX_ID_LENGTH = 64;

/** The longest name of an encoding, in characters. */
export const MAX_ENCODING_LENGTH = 64;

/**
 * The largest data that the SDK encodes or decodes, in decoded bytes. Without this limit, a message of 32 KB could take 25 MB in its
 * recipient's memory.
 */
export const MAX_DECODED_BYTES = 8 * MAX_DATA_BYTES;

/**
 * The longest time between two frames of a client, in seconds. API Gateway drops a connection after 10 idle minutes, and pings of the
 * WebSocket protocol do not count.
 */
export const HEARTBEAT_SECONDS = 240;

/**
 * How many new connections API Gateway accepts in each second: the quota "New connections per second per account".
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const NEW_CONNECTIONS_PER_SECOND = 500;

/** The upper end of a client's waits between reconnect attempts, in seconds, for a fleet of up to 15,000 clients. */
export const MIN_BACKOFF_CAP_SECONDS = 30;

/** Returns the upper end of the waits at which a fleet reconnects no faster than API Gateway accepts it, in seconds. */
export function backoffCapSeconds(expectedConnections: number): number {
  return Math.max(MIN_BACKOFF_CAP_SECONDS, Math.ceil(expectedConnections / NEW_CONNECTIONS_PER_SECOND));
}

/** The size limits for a client. An installation may set lower ones. */
export interface SizeLimits {
  readonly maxFrameBytes: number;
  readonly maxDataBytes: number;
  readonly maxDataDepth: number;
  readonly maxMessagesPerFrame: number;
  readonly maxUsersPerMessage: number;
  readonly maxRooms: number;
  readonly maxWatches: number;
}

/**
 * The prices of frames, in units of the rate limit (`ratePerSecond`, `rateBurst`). The price of a frame follows the work that it causes.
 * The reply to `register` tells clients the tariff.
 *
 * A frame that the tariff does not list costs one unit.
 */
export interface Tariff {
  /** A message costs one unit for each started block of this many bytes of data, times the recipients and the sender's own copy. */
  readonly dataBytesPerUnit: number;
  /**
   * The price of indexing: one unit more for each recipient and each started block of this many bytes of data. Absent: the server does
   * not index messages.
   */
  readonly indexedBytesPerUnit?: number;
  /** The most units for indexing a message for one recipient. */
  readonly maxIndexUnits: number;
  /** `presence` costs one unit for each started group of this many users. */
  readonly targetsPerUnit: number;
}

/** The tariff of a stack without search. */
export const TARIFF: Tariff = { dataBytesPerUnit: 3 * 1024, maxIndexUnits: 10, targetsPerUnit: 10 };

/** The tariff of a stack with search. */
export const INDEXED_TARIFF: Tariff = { ...TARIFF, indexedBytesPerUnit: 20 };

/** The limits for a client, which the reply to `register` contains. */
export interface Limits extends SizeLimits {
  readonly heartbeatSeconds: number;
  /** The upper end of the random wait before a reconnect attempt. */
  readonly maxBackoffSeconds: number;
  /** Units a second on average, and units at once after a pause. The server refuses more with `rate_limited`. */
  readonly ratePerSecond: number;
  readonly rateBurst: number;
  /** The price of each frame in units. */
  readonly tariff: Tariff;
}

/** The highest limits of any installation, and the defaults. */
export const DEFAULT_SIZE_LIMITS: SizeLimits = {
  maxFrameBytes: MAX_FRAME_BYTES,
  maxDataBytes: MAX_DATA_BYTES,
  maxDataDepth: MAX_DATA_DEPTH,
  maxMessagesPerFrame: MAX_MESSAGES_PER_FRAME,
  maxUsersPerMessage: MAX_USERS_PER_MESSAGE,
  maxRooms: MAX_ROOMS,
  maxWatches: MAX_WATCHES,
};

export const DEFAULT_LIMITS: Limits = {
  ...DEFAULT_SIZE_LIMITS,
  heartbeatSeconds: HEARTBEAT_SECONDS,
  maxBackoffSeconds: MIN_BACKOFF_CAP_SECONDS,
  ratePerSecond: RATE_PER_SECOND,
  rateBurst: RATE_BURST,
  tariff: TARIFF,
};
