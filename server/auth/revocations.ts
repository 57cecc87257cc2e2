import { problem } from '../../protocol/index.ts';
import type { Claims } from '../connections/connection.ts';

/**
 * How far an issuer's clock may be ahead of ours, in seconds: a token may have been issued this much later than now.
 */
export const CLOCK_TOLERANCE_SECONDS = 5;

/** What a connection is told before it is closed. A token that is issued sooner may count as one from before. */
export const REVOKED_BYE = {
  ...problem('revoked'),
  reconnect: true,
  retryAfterMs: (CLOCK_TOLERANCE_SECONDS + 1) * 1000,
};

/** What is known of users beside their tokens. */
export interface Revocations {
  /**
   * Counts a handshake of a user, unless there have been too many already: then it is not admitted.
   * @returns also until when their tokens have been revoked: epoch seconds; absent if they never were
   */
  admitHandshake(userId: string): Promise<{ readonly admitted: boolean; readonly revokedUntil?: number }>;

  /** Until when a user's tokens have been revoked, strongly consistent: epoch seconds. */
  revokedUntil(userId: string): Promise<number | undefined>;

  /** Revokes what was issued to a user until then, in epoch seconds. Never takes an earlier revocation back. */
  revoke(userId: string, untilSeconds: number): Promise<void>;
}

/**
 * Whether a token may have been issued before its user's tokens were revoked. An issuer whose clock is ahead gives an
 * older token a later time, so the tolerance counts as before. So does a token that does not say when it was issued.
 */
export function isRevoked({ tokenIssuedAt }: Pick<Claims, 'tokenIssuedAt'>, revokedUntil: number | undefined): boolean {
  if (revokedUntil === undefined) return false;
  return tokenIssuedAt === undefined || tokenIssuedAt <= revokedUntil + CLOCK_TOLERANCE_SECONDS;
}
