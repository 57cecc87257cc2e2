/**
 * The largest text frame a client may send, in bytes of UTF-8.
 * AWS quota "WebSocket frame size: 32 KB"; a larger one closes the connection with 1009.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const MAX_FRAME_BYTES = 32 * 1024;

/**
 * The largest frame that can be posted to a client, in bytes: the Management API refuses more with 413.
 * @see https://github.com/aws/api-models-aws (apigatewaymanagementapi, `Data`, read 2026-11)
 */
export const MAX_PUSH_BYTES = 128 * 1024;

/**
 * The largest reply, in bytes: API Gateway carries messages of 128 KB, either way.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const MAX_REPLY_BYTES = 128 * 1024;

/** The largest `data` of one message, in bytes of its JSON in UTF-8: with its envelope it always fits one push. */
export const MAX_DATA_BYTES = 32 * 1024;

/**
 * How far before a cursor a resume begins, in milliseconds: covers the difference of clocks, twice the 10 seconds a
 * handler may take, and how late the gateway may deliver a frame. Receivers drop what they have seen.
 */
export const OVERLAP_MS = 120_000;

/**
 * How deep `data` may be nested: a text has depth 0, an array of texts 1. What is nested thousands of times fits a frame,
 * but cannot be encoded again.
 */
export const MAX_DATA_DEPTH = 64;

/** The most messages in one `sendMessage` frame. */
export const MAX_MESSAGES_PER_FRAME = 50;

/** The most users in the `to` of one message. */
export const MAX_USERS_PER_MESSAGE = 100;

/** How many units one connection may be charged for each second, and at once after a pause, unless the installation says. */
export const RATE_PER_SECOND = 100;
export const RATE_BURST = 500;

/** The most rooms that one connection may be in. */
export const MAX_ROOMS = 50;

/** The most users and rooms whose presence one connection may watch. */
export const MAX_WATCHES = 200;

/** The most users in one `presence` frame. */
export const MAX_USERS_PER_PRESENCE = 100;

/** The most conversations in one `mark` or `unread` frame. */
export const MAX_CONVERSATIONS_PER_FRAME = 50;

/** The most messages of one page of a history or a search, and how many there are unless the frame says. */
export const MAX_PAGE_MESSAGES = 100;
export const DEFAULT_PAGE_MESSAGES = 50;

/** The most users that one user may have blocked, and the most of them in one `blocked` reply. */
export const MAX_BLOCKED_USERS = 1_000;
export const MAX_PAGE_USERS = 100;

/** Where counting unread messages ends: then there are "more". */
export const MAX_UNREAD_COUNT = 100;

/** The most messages that a `ping` says were shown, and the most that this may take, in bytes of its JSON in UTF-8. */
export const MAX_SHOWN_MESSAGES = 100;
export const MAX_SHOWN_BYTES = 8 * 1024;

/** The longest text that can be searched for, in UTF-16 code units, and the most words in it. */
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
 * The largest data that the SDK encodes, in bytes before it, and that it decodes, in bytes after it: beyond, a message
 * of 32 KB could become one of 25 MB in the memory of its recipient.
 */
export const MAX_DECODED_BYTES = 8 * MAX_DATA_BYTES;

/**
 * How often a client must be heard, in seconds. API Gateway drops a connection after 10 idle minutes, and pings of the
 * WebSocket protocol do not count.
 */
export const HEARTBEAT_SECONDS = 240;

/**
 * How many connections API Gateway lets in each second: the quota "New connections per second per account".
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const NEW_CONNECTIONS_PER_SECOND = 500;

/** The upper end of a client's waits between attempts to come back, in seconds, for a fleet of up to 15,000. */
export const MIN_BACKOFF_CAP_SECONDS = 30;

/** The upper end of the waits with which a fleet comes back at the pace at which it is let in, in seconds. */
export function backoffCapSeconds(expectedConnections: number): number {
  return Math.max(MIN_BACKOFF_CAP_SECONDS, Math.ceil(expectedConnections / NEW_CONNECTIONS_PER_SECOND));
}

/** How much a client may do at once. Each installation may set less. */
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
 * What frames are charged, in units of the rate limit (`ratePerSecond`, `rateBurst`): for each what it makes the installation
 * do, not how many frames there are. Told to clients with `register`.
 *
 * A frame that is not listed here is charged one unit.
 */
export interface Tariff {
  /** A message is charged one unit for each recipient, and the sender's own copy, and each of these bytes of data begun. */
  readonly dataBytesPerUnit: number;
  /**
   * Where messages are indexed: one unit more for each recipient and each of these bytes of data begun. Absent: they are not.
   */
  readonly indexedBytesPerUnit?: number;
  /** The most that is charged for indexing a message for one recipient. */
  readonly maxIndexUnits: number;
  /** `presence` is charged one unit for each of these users begun. */
  readonly targetsPerUnit: number;
}

/** What holds where messages are not indexed. */
export const TARIFF: Tariff = { dataBytesPerUnit: 3 * 1024, maxIndexUnits: 10, targetsPerUnit: 10 };

/** What holds where they are. */
export const INDEXED_TARIFF: Tariff = { ...TARIFF, indexedBytesPerUnit: 20 };

/** What a client may do, as told in the reply to `register`. */
export interface Limits extends SizeLimits {
  readonly heartbeatSeconds: number;
  /** The upper end of the random wait before an attempt to come back. */
  readonly maxBackoffSeconds: number;
  /** Units a second on average, and how many at once after a pause: more is refused with `rate_limited`. */
  readonly ratePerSecond: number;
  readonly rateBurst: number;
  /** How many units each frame is charged. */
  readonly tariff: Tariff;
}

/** The most that there is anywhere, and what holds unless the installation says less. */
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
