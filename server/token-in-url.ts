import type { Handshake } from './handshake.ts';

/**
 * How many wrappings are taken off what stands in a URL, one around the other: percent encoding and base64. API Gateway has
 * taken one percent encoding off before.
 */
const MAX_WRAPPINGS = 3;

/** What base64, also base64url, consists of; long enough for the shortest header of a token. */
const BASE64_RUN = /[\w+/-]{16,}/g;

/**
 * Where the base64 of a JSON object begins within a run: a brace, and then a quote or white space. A prefix such as `jwt_`
 * may be a part of the run.
 */
const OBJECT_START = /e(?:y[A-DI-L]|w[k-r0-3])/g;

/** The first object of a token in JSON: its header has `alg`, its claims have `iss`. */
const TOKEN_OBJECT = /^\s*\{.*"(?:alg|iss)"\s*:/s;

const PRINTABLE = /^[\x20-\x7E\s]+$/;

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
  const values = entries.flatMap(([, each]) => each);
  const keys = entries.map(([key]) => key);
  const inOrder = entries.flatMap(([key, each]) => [key, ...each]).join('');
  const texts = new Set([...keys, ...values, keys.join(''), values.join(''), inOrder]);
  return [...texts].some((text) => hasToken(text, MAX_WRAPPINGS));
}

function hasToken(text: string, wrappings: number): boolean {
  const runs = [...text.matchAll(BASE64_RUN)].map(([run]) => run);
  if (runs.some(isPartOfToken)) return true;
  if (wrappings === 0) return false;
  const plain = text.replace(/%([\dA-F]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const decoded = runs.map(fromBase64).filter((each) => PRINTABLE.test(each));
  return (plain === text ? decoded : [plain, ...decoded]).some((inner) => hasToken(inner, wrappings - 1));
}

function isPartOfToken(run: string): boolean {
  const starts = [0, ...[...run.matchAll(OBJECT_START)].map(({ index }) => index)];
  return starts.some((start) => TOKEN_OBJECT.test(fromBase64(run.slice(start))));
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('latin1');
}
