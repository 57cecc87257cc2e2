import { type Handshake, headerValues, subprotocolsOf } from './handshake.ts';
import { hasTokenInUrl } from './token-in-url.ts';

/** The token of a handshake, or why there is none to be trusted. */
export type Credentials = { readonly token: string } | { readonly refused: string };

/**
 * Finds the one token: in `Authorization: Bearer`, or offered as the subprotocol `bearer.<token>`.
 * A token in the URL refuses the handshake even beside a good one: URLs end up in logs, and its owner should hear of it.
 */
export function credentialsOf(handshake: Handshake): Credentials {
  if (hasTokenInUrl(handshake)) return { refused: 'token_in_url' };
  const headers = headerValues(handshake, 'authorization').map((value) => /^Bearer +(\S+)$/i.exec(value.trim())?.[1]);
  const [token, ...others] = [...headers, ...(subprotocolsOf(handshake)?.tokens ?? [])];
  if (others.length > 0) return { refused: 'several_tokens' };
  return token === undefined ? { refused: headers.length > 0 ? 'not_bearer' : 'no_token' } : { token };
}
