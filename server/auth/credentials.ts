import { type Handshake, headerValues, subprotocolsOf } from './handshake.ts';

/** The token of a handshake, or why the handshake has none that can be trusted. */
export type Credentials = { readonly token: string } | { readonly refused: string };

/**
 * Finds the one token: in `Authorization: Bearer`, or in the subprotocol `bearer.<token>`. A token in the URL refuses
 * the handshake even beside a good one: URLs end up in logs, and the developer should notice.
 */
export function credentialsOf(handshake: Handshake): Credentials {
  if (hasTokenInUrl(handshake)) return { refused: 'token_in_url' };
  const headers = headerValues(handshake, 'authorization').map((value) => /^Bearer +(\S+)$/i.exec(value.trim())?.[1]);
  const [token, ...others] = [...headers, ...(subprotocolsOf(handshake)?.tokens ?? [])];
  if (others.length > 0) return { refused: 'several_tokens' };
  return token === undefined ? { refused: headers.length > 0 ? 'not_bearer' : 'no_token' } : { token };
}

/**
 * How many layers of encoding are removed from a text in a URL: percent encoding and base64, in any order. API Gateway
 * has removed one percent encoding already.
 */
const MAX_WRAPPINGS = 3;

/** A run of base64 or base64url that is long enough for the shortest header of a token. */
const BASE64_RUN = /[\w+/-]{16,}/g;

/** Every token has these fields: `alg` in its header, `iss` in its claims. */
const TOKEN_FIELD = /"(?:alg|iss)"\s*:/;

/**
 * Whether the query of a URL contains a token, or a token's header or claims: in a key or a value, repeated, within
 * other text such as JSON, in up to three layers of encoding, or in pieces that are in order.
 */
export function hasTokenInUrl(handshake: Handshake): boolean {
  const { multiValueQueryStringParameters: all, queryStringParameters: last } = handshake;
  const entries = [
    ...Object.entries(all ?? {}),
    ...Object.entries(last ?? {}).map(([key, value]) => [key, [value]] as const),
  ];
  const keys = entries.map(([key]) => key);
  const values = entries.flatMap(([, each]) => each);
  const inOrder = entries.flatMap(([key, each]) => [key, ...each]).join('');
  const texts = new Set([...keys, ...values, keys.join(''), values.join(''), inOrder]);
  return [...texts].some((text) => hasToken(text, MAX_WRAPPINGS));
}

function hasToken(text: string, wrappings: number): boolean {
  const decoded = [...text.matchAll(BASE64_RUN)].flatMap(([run]) => decodings(run));
  if (decoded.some((each) => TOKEN_FIELD.test(each))) return true;
  if (wrappings === 0) return false;
  const plain = text.replace(/%([\dA-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  return (plain === text ? decoded : [plain, ...decoded]).some((inner) => hasToken(inner, wrappings - 1));
}

/** Starts at each of four offsets: the run may have a prefix such as `jwt_`. */
function decodings(run: string): readonly string[] {
  return [0, 1, 2, 3].map((start) => Buffer.from(run.slice(start), 'base64').toString('latin1'));
}
