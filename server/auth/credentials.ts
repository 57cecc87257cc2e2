import { type Handshake, headerValues, subprotocolsOf } from './handshake.ts';

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

/**
 * How many wrappings are taken off what stands in a URL, one around the other: percent encoding and base64. API Gateway has
 * taken one percent encoding off before.
 */
const MAX_WRAPPINGS = 3;

/** What base64, also base64url, consists of; long enough for the shortest header of a token. */
const BASE64_RUN = /[\w+/-]{16,}/g;

/** What every token says: its header has `alg`, its claims have `iss`. */
const TOKEN_FIELD = /"(?:alg|iss)"\s*:/;

/**
 * Whether the query of a URL has a token in it, or the header or the claims of one: in a key or a value, also repeated,
 * within other text such as JSON, wrapped up to three times, or cut into pieces that are in their order.
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

/** From each place where its groups of four may begin: the run may have a prefix such as `jwt_`. */
function decodings(run: string): readonly string[] {
  return [0, 1, 2, 3].map((start) => Buffer.from(run.slice(start), 'base64').toString('latin1'));
}
