/**
 * The quotas of WebSocket APIs. Source, unless noted:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */

/** Longest frame that a client may send; a longer one closes the connection with 1009. */
export const MAX_FRAME_BYTES = 32 * 1024;

/** Longest message, over all its frames, in either direction. */
export const MAX_MESSAGE_BYTES = 128 * 1024;

/** Longest URL of a handshake. */
export const MAX_URL_CHARS = 4096;

/** A connection without a data message in either direction for this long is closed with 1001. */
export const IDLE_TIMEOUT_MS = 10 * 60 * 1000;

/** Every connection is closed with 1001 at this age. */
export const MAX_CONNECTION_DURATION_MS = 2 * 60 * 60 * 1000;

/** New connections per second, per account and region. */
export const NEW_CONNECTIONS_PER_SECOND = 500;

/**
 * Requests per second and burst of an account, shared by all its APIs and by `@connections`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 */
export const ACCOUNT_REQUESTS_PER_SECOND = 10_000;
export const ACCOUNT_BURST_REQUESTS = 5_000;

/** What an authorizer may return, as JSON. */
export const MAX_AUTHORIZER_RESULT_BYTES = 8 * 1024;

export const MIN_INTEGRATION_TIMEOUT_MS = 50;
export const MAX_INTEGRATION_TIMEOUT_MS = 29_000;

/**
 * Bytes that may wait for a client that does not read before `@connections` answers 429 ("the WebSocket client side
 * buffer is full", service model of the Management API). AWS publishes no number; this one is ours.
 */
export const CLIENT_BUFFER_BYTES = 1024 * 1024;

/**
 * From the loss of a connection without a close frame to its `$disconnect`. AWS publishes no number and promises
 * nothing; this one is ours, long enough for nobody to rely on a prompt `$disconnect`.
 */
export const UNCLEAN_LOSS_DETECTION_MS = 5_000;
