import { problem } from '../../protocol/index.ts';
import type { Claims } from '../connections/connection.ts';
import type { RateLimit } from '../gate/rate-limit.ts';

/** How far an issuer's clock may be ahead of ours, in seconds. */
export const CLOCK_TOLERANCE_SECONDS = 5;

/**
 * What a connection is told before it is closed. A token that is issued sooner than `retryAfterMs` could count as
 * revoked.
 */
export const REVOKED_BYE = {
  ...problem('revoked'),
  reconnect: true,
  retryAfterMs: (CLOCK_TOLERANCE_SECONDS + 1) * 1000,
};

/** How often one user may connect. A fleet of devices may reconnect at once; an endless loop may not. */
export const HANDSHAKE_LIMIT: RateLimit = { perSecond: 1, burst: 100 };

/** The revoked tokens of users, and the number of their handshakes. */
export interface Revocations {
  /**
   * Counts a handshake of a user, and does not admit it if there were too many.
   * @returns also `revokedUntil`, as {@link Revocations.revokedUntil} does
   */
  admitHandshake(userId: string): Promise<{ readonly admitted: boolean; readonly revokedUntil?: number }>;

  /**
   * Tokens of the user that were issued until this time are revoked: epoch seconds; `undefined` if none are. Strongly
   * consistent.
   */
  revokedUntil(userId: string): Promise<number | undefined>;

  /** Revokes the tokens that were issued to a user until then, in epoch seconds. Never undoes an earlier revocation. */
  revoke(userId: string, untilSeconds: number): Promise<void>;
}

/**
 * Whether a token may have been issued before the revocation. An issuer whose clock is ahead gives an older token a
 * later time, so a token within the tolerance counts as revoked; so does a token without a time.
 */
export function isRevoked({ tokenIssuedAt }: Pick<Claims, 'tokenIssuedAt'>, revokedUntil: number | undefined): boolean {
  if (revokedUntil === undefined) return false;
  return tokenIssuedAt === undefined || tokenIssuedAt <= revokedUntil + CLOCK_TOLERANCE_SECONDS;
}
