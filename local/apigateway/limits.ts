/**
 * The quotas of WebSocket APIs. Source, unless noted:
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */

/** The longest frame of a client. A longer one closes the connection with 1009. */
export const MAX_FRAME_BYTES = 32 * 1024;

/** The longest message with all its frames, in either direction. */
export const MAX_MESSAGE_BYTES = 128 * 1024;

/** The longest URL of a handshake. */
export const MAX_URL_CHARS = 4096;

/** API Gateway closes a connection with 1001 after this time without a data message in either direction. */
export const IDLE_TIMEOUT_MS = 10 * 60 * 1000;

/** API Gateway closes every connection with 1001 at this age. */
export const MAX_CONNECTION_DURATION_MS = 2 * 60 * 60 * 1000;

/** New connections per second, per account and region. */
export const NEW_CONNECTIONS_PER_SECOND = 500;

/**
 * Requests per second and burst of an account, shared by all its APIs and by `@connections`.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
 */
export const ACCOUNT_REQUESTS_PER_SECOND = 10_000;
export const ACCOUNT_BURST_REQUESTS = 5_000;

/** The largest result of an authorizer, in JSON. */
export const MAX_AUTHORIZER_RESULT_BYTES = 8 * 1024;

export const MIN_INTEGRATION_TIMEOUT_MS = 50;
export const MAX_INTEGRATION_TIMEOUT_MS = 29_000;

/**
 * The bytes in the buffer of a client that does not read, beyond which `@connections` answers 429 ("the WebSocket client
 * side buffer is full", service model of the Management API). AWS publishes no number: this one is ours.
 */
export const CLIENT_BUFFER_BYTES = 1024 * 1024;

/**
 * The time from a loss without a close frame to `$disconnect`. AWS publishes no number and promises nothing. This one is
 * ours, and long enough to fail code that relies on a prompt `$disconnect`.
 */
export const UNCLEAN_LOSS_DETECTION_MS = 5_000;
