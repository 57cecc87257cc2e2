import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import { isObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Now } from '../clock.ts';

/** How long fetching the keys may take, in milliseconds, up to the last byte. */
const TIMEOUT_MS = 3_000;

/**
 * The age at which keys are fetched again, in milliseconds: a key that the issuer has withdrawn is trusted no longer.
 */
const MAX_AGE_MS = 10 * 60 * 1000;

/**
 * How long keys stay in use that cannot be fetched again, in milliseconds. An issuer that is down for a day issues no
 * tokens for a day; by then nearly all of its tokens have expired.
 */
const MAX_STALE_MS = 24 * 60 * 60 * 1000;

/**
 * How soon after a fetch an unknown key id may cause another, in milliseconds: made-up ids must not flood the issuer.
 */
const COOLDOWN_MS = 30_000;

/**
 * How soon after a failed fetch the next one may start, in milliseconds: an issuer that is down must be able to
 * recover.
 */
const RETRY_AFTER_MS = 1_000;

/**
 * The largest key set, in bytes after decompression, and the most keys in it. Large issuers publish a dozen keys in 20
 * KB.
 */
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

export interface KeySetOptions {
  readonly jwksUrl: string;
  readonly now: Now;
  /** Called with the reason when a fetch fails. While known keys stay in use, nothing else shows it. */
  readonly onFailure: (error: unknown) => void;
  /** @default - the global `fetch` */
  readonly fetch?: FetchImplementation;
}

/**
 * Finds a token's key in the set that its issuer publishes. Fetched keys stay in use for a day while the issuer is out
 * of reach. Redirects are not followed.
 * @throws Error (from the returned function) while there are no keys, or none younger than a day; a `JWKSNoMatchingKey`
 *   for a key that is unknown or cannot be used
 */
export function createKeySet({ jwksUrl, now, onFailure, fetch = globalThis.fetch }: KeySetOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: TIMEOUT_MS,
    // `fetchAgain` decides when jose fetches: by itself jose would drop its keys when a fetch fails.
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
      // The issuer publishes a broken key. A token that names it must not make the function fail.
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

/** Reads the response up to the size limit. @throws Error if the key set is too large */
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
    // Leaving the loop cancels the rest of the response.
    if (bytes > MAX_BYTES) throw new Error(`${url} must answer with at most ${MAX_BYTES} bytes, and sent more`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
