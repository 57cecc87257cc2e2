import { parseSubprotocols } from '../protocol/index.ts';

/** The part of a handshake, as a REQUEST authorizer sees it, that says who connects and from where. */
export interface Handshake {
  /** Names in the client's own casing. */
  readonly multiValueHeaders?: Readonly<Record<string, readonly string[]>> | null;
  readonly queryStringParameters?: Readonly<Record<string, string>> | null;
}

/** The token of a handshake, or why there is none to be trusted. */
export type Credentials = { readonly token: string } | { readonly refused: string };

/** Three parts of base64url: what a token looks like, wherever it is. */
const TOKEN = /^[\w-]+\.[\w-]+\.[\w-]*$/;

/** Every value of a header, whatever its casing. */
export function headerValues({ multiValueHeaders }: Handshake, name: string): readonly string[] {
  return Object.entries(multiValueHeaders ?? {}).flatMap(([key, values]) => (key.toLowerCase() === name ? values : []));
}

/**
 * Finds the one token: in `Authorization: Bearer`, or offered as the subprotocol `bearer.<token>`.
 * A token in the URL refuses the handshake even beside a good one: URLs end up in logs, and its owner should hear of it.
 */
export function credentialsOf(handshake: Handshake): Credentials {
  if (Object.values(handshake.queryStringParameters ?? {}).some((value) => TOKEN.test(value))) {
    return { refused: 'token_in_url' };
  }
  const headers = headerValues(handshake, 'authorization').map((value) => /^Bearer +(\S+)$/i.exec(value)?.[1]);
  const offered = headerValues(handshake, 'sec-websocket-protocol').flatMap((value) => parseSubprotocols(value).tokens);
  const [token, ...others] = [...headers, ...offered];
  if (others.length > 0) return { refused: 'several_tokens' };
  return token === undefined ? { refused: headers.length > 0 ? 'not_bearer' : 'no_token' } : { token };
}
