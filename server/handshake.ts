import { parseSubprotocols, SUBPROTOCOL } from '../protocol/subprotocols.ts';

/** What `$connect` returns. */
export interface HandshakeResponse {
  readonly statusCode: 200 | 400;
  readonly headers?: { readonly 'Sec-WebSocket-Protocol': typeof SUBPROTOCOL };
}

/**
 * Chooses `beckon.v1` where it is offered. A client that offers nothing (a tool that sends a header) is taken as it is;
 * one that offers only others speaks another version, and gets 400.
 */
export function chooseSubprotocol(headers: Readonly<Record<string, string>>): HandshakeResponse {
  const [, offered] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'sec-websocket-protocol') ?? [];
  if (offered === undefined) return { statusCode: 200 };
  if (!parseSubprotocols(offered).names.includes(SUBPROTOCOL)) return { statusCode: 400 };
  return { statusCode: 200, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } };
}
