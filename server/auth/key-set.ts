import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Now } from '../clock.ts';

/** How long fetching the keys may take, in milliseconds, until the last byte of them. */
const TIMEOUT_MS = 3_000;

/** After this time keys are fetched again, in milliseconds: one that the issuer has withdrawn is not trusted for longer. */
const MAX_AGE_MS = 10 * 60 * 1000;

/**
 * How long keys stay in use that cannot be fetched again, in milliseconds. An issuer that has been down for a day has
 * issued nothing for a day; by then hardly a token of its is left that has not expired.
 */
const MAX_STALE_MS = 24 * 60 * 60 * 1000;

/** How long after a fetch an unknown key id may cause another, in milliseconds: garbage ids must not hammer the issuer. */
const COOLDOWN_MS = 30_000;

/** How long after a fetch that failed there may be another, in milliseconds: an issuer that is down must get up again. */
const RETRY_AFTER_MS = 1_000;

/** The largest key set, in bytes after decompression, and the most keys in it. Large issuers publish a dozen in 20 KB. */
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

export interface KeySetOptions {
  readonly jwksUrl: string;
  readonly now: Now;
  /** Told why a fetch failed: while known keys stay in use, nobody else notices. */
  readonly onFailure: (error: unknown) => void;
  /** @default - the global `fetch` */
  readonly fetch?: FetchImplementation;
}

/**
 * Finds a token's key in the set that its issuer publishes. Keys that were fetched once stay in use for a day while the
 * issuer is out of reach. Redirects are not followed.
 * @throws Error (from the returned function) while there are no keys at all, or none younger than a day; a
 * `JWKSNoMatchingKey` for a key that is unknown or cannot be used
 */
export function createKeySet({ jwksUrl, now, onFailure, fetch = globalThis.fetch }: KeySetOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: TIMEOUT_MS,
    // Told by `fetchAgain` when to fetch: by itself it would drop the keys it has when a fetch fails.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    [customFetch]: async (url, options) => readKeySet(url, await fetch(url, options)),
  });
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let last: { readonly at: number; readonly error?: unknown } | undefined;

  /** Whether the keys are newer now. */
  const fetchAgain = async (): Promise<boolean> => {
    if (last && now() - last.at < ('error' in last ? RETRY_AFTER_MS : COOLDOWN_MS)) return false;
    const at = now();
    try {
      await keys.reload();
      fetchedAt = at;
      last = { at };
      return true;
    } catch (error) {
      last = { at, error };
      onFailure(error);
      return false;
    }
  };

  const find: JWTVerifyGetKey = async (header, token) => {
    try {
      return await keys(header, token);
    } catch (cause) {
      if (cause instanceof errors.JWKSNoMatchingKey || cause instanceof errors.JWKSMultipleMatchingKeys) throw cause;
      // The issuer publishes a broken one. Whoever names it in a token must not make the function fail.
      throw new errors.JWKSNoMatchingKey('the key of the token cannot be used', { cause });
    }
  };

  return async (header, token) => {
    if (now() - fetchedAt > MAX_AGE_MS) await fetchAgain();
    if (now() - fetchedAt > MAX_STALE_MS) throw last?.error;
    try {
      return await find(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && (await fetchAgain())) return find(header, token);
      throw error;
    }
  };
}

/** The response, read as far as it is worth reading. @throws Error for a key set that is too large */
async function readKeySet(url: string, response: Response): Promise<Response> {
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`${url} must answer with 200 and the keys, and answered with ${response.status}`);
  }
  const text = await readText(url, response);
  const json = parseJson(text);
  if (!json.ok) throw new Error(`${url} must answer with JSON`);
  const keys = isObject(json.value) ? json.value['keys'] : undefined;
  if (Array.isArray(keys) && keys.length > MAX_KEYS) {
    throw new Error(`${url} must have at most ${MAX_KEYS} keys, and has ${keys.length}`);
  }
  return new Response(text);
}

async function readText(url: string, { body }: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the rest.
    if (bytes > MAX_BYTES) throw new Error(`${url} must answer with at most ${MAX_BYTES} bytes, and sent more`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
