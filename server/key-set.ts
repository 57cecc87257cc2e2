import { createRemoteJWKSet, customFetch, errors, type FetchImplementation, type JWTVerifyGetKey } from 'jose';
import type { Now } from './clock.ts';

/** How long fetching the keys may take, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** After this time keys are fetched again, in milliseconds: one that the issuer has withdrawn is not trusted for longer. */
const MAX_AGE_MS = 10 * 60 * 1000;

/** How long after a fetch an unknown key id may cause another, in milliseconds: garbage ids must not hammer the issuer. */
const COOLDOWN_MS = 30_000;

/** How long after a fetch that failed there may be another, in milliseconds: an issuer that is down must get up again. */
const RETRY_AFTER_MS = 1_000;

export interface KeySetOptions {
  readonly jwksUrl: string;
  readonly now: Now;
  /** @default - the global `fetch` */
  readonly fetch?: FetchImplementation;
}

/**
 * Finds a token's key in the set that its issuer publishes. Keys that were fetched once stay in use while the issuer is
 * out of reach.
 * @throws Error (from the returned function) while there are no keys at all; a `JWKSNoMatchingKey` for an unknown key
 */
export function createKeySet({ jwksUrl, now, fetch }: KeySetOptions): JWTVerifyGetKey {
  const keys = createRemoteJWKSet(new URL(jwksUrl), {
    timeoutDuration: TIMEOUT_MS,
    // Told by `fetchAgain` when to fetch: by itself it would drop the keys it has when a fetch fails.
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    ...(fetch && { [customFetch]: fetch }),
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
      return false;
    }
  };

  return async (header, token) => {
    if (now() - fetchedAt > MAX_AGE_MS) await fetchAgain();
    if (!keys.jwks()) throw last?.error;
    try {
      return await keys(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && (await fetchAgain())) return keys(header, token);
      throw error;
    }
  };
}
