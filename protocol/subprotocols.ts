/** The version of this wire contract. The client offers it as a WebSocket subprotocol, and the server chooses it. */
export const SUBPROTOCOL = 'beckon.v1';

/** The prefix of a token that a client offers as a subprotocol: browsers cannot set headers. The server never chooses it. */
const BEARER_PREFIX = 'bearer.';

/** Returns the subprotocols that a browser offers. */
export function offeredSubprotocols(token: string): readonly [string, string] {
  return [SUBPROTOCOL, `${BEARER_PREFIX}${token}`];
}

/** Splits a `Sec-WebSocket-Protocol` header. `tokens` has the tokens offered as `bearer.<token>`. */
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
