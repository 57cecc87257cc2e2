/**
 * How long a mapping outlives the last sign of life, in seconds: API Gateway drops a connection after 10 idle minutes,
 * and the eleventh covers the difference of two clocks.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const IDLE_SECONDS = 11 * 60;

/** A mapping this close to its expiry, in seconds, counts as expired for its owner, whose clock may be behind a sender's. */
export const EXPIRY_MARGIN_SECONDS = 5;

/** When a mapping made at `nowSeconds` expires, in epoch seconds: never later than its token. */
export function mappingExpiry(nowSeconds: number, tokenExpiresAt: number): number {
  return Math.min(tokenExpiresAt, nowSeconds + IDLE_SECONDS);
}

/**
 * The longest life of a connection, in seconds: a tombstone stays as long.
 * AWS quota "Connection duration for WebSocket API: 2 hours", same page.
 */
export const CONNECTION_LIFE_SECONDS = 2 * 60 * 60;
