import type { Claims } from './connection.ts';

/** What is known of users beside their tokens. */
export interface Identities {
  /**
   * Counts a handshake of a user.
   * @returns until when their tokens have been revoked: epoch seconds; absent if they never were
   * @throws Error when the user tries too often, or when it cannot be known
   */
  admitHandshake(userId: string): Promise<{ readonly revokedUntil?: number }>;

  /** Until when a user's tokens have been revoked, strongly consistent: epoch seconds. */
  revokedUntil(userId: string): Promise<number | undefined>;

  /** Revokes what was issued to a user until then, in epoch seconds. Never takes an earlier revocation back. */
  revoke(userId: string, untilSeconds: number): Promise<void>;
}

/** Whether a token was issued before its user's tokens were revoked. One that does not say when it was, counts as such. */
export function isRevoked(
  { tokenIssuedAt = 0 }: Pick<Claims, 'tokenIssuedAt'>,
  revokedUntil: number | undefined,
): boolean {
  return revokedUntil !== undefined && tokenIssuedAt <= revokedUntil;
}
