/** The version of this wire contract, offered and chosen as a WebSocket subprotocol. */
export const SUBPROTOCOL = 'beckon.v1';

/** Browsers cannot set headers on a handshake, so the token is offered as a subprotocol. It is never chosen. */
const BEARER_PREFIX = 'bearer.';

/** The subprotocols with which a browser connects. */
export function offeredSubprotocols(token: string): readonly [string, string] {
  return [SUBPROTOCOL, `${BEARER_PREFIX}${token}`];
}

/** Splits a `Sec-WebSocket-Protocol` header; `tokens` are the ones offered as `bearer.<token>`. */
export function parseSubprotocols(header: string): {
  readonly names: readonly string[];
  readonly tokens: readonly string[];
} {
  const offered = header.split(',').flatMap((part) => part.trim() || []);
  return {
    names: offered.filter((name) => !name.startsWith(BEARER_PREFIX)),
    tokens: offered.flatMap((name) => (name.startsWith(BEARER_PREFIX) ? name.slice(BEARER_PREFIX.length) : [])),
  };
}
