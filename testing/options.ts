import type { SizeLimits } from '../protocol/index.ts';
import type { Capability } from '../server/auth/capability.ts';
import type { InboxLimit, SearchConfig } from '../server/config.ts';
import type { RateLimit } from '../server/gate/rate-limit.ts';

/** What a team can set in its installation, for tests that depend on it. Each default is that of an installation. */
export interface InstallationOptions {
  /** How long messages are kept, in seconds. Default: 604,800 (7 days). */
  readonly retentionSeconds?: number;
  /** How fast one connection may send, in units. Default: 100 per second, 500 at once. */
  readonly rateLimit?: RateLimit;
  /** How fast one user may send. Default: as `rateLimit`. */
  readonly userRateLimit?: RateLimit;
  /** Whether each user has a list of conversations. Default: true. */
  readonly conversations?: boolean;
  /** Whether messages are indexed, and which fields of them. Default: they are not, and `search` is refused. */
  readonly search?: boolean | SearchConfig;
  /** Lower limits of sizes. */
  readonly limits?: Partial<SizeLimits>;
  /** What one user may leave in an inbox that nobody reads. */
  readonly inboxLimit?: Partial<InboxLimit>;
  /**
   * The capability of tokens that are given no other. Default: sending to every user, their history and presence, and
   * everything in every room. An installation allows nothing in rooms by default.
   */
  readonly defaultCapability?: Capability;
}

/** What a token says, beside its user. */
export interface TokenOptions {
  /**
   * What the token allows. Default: sending to every user, their history and presence, and everything in every room; an
   * installation without the claim `capability` allows nothing in rooms.
   */
  readonly capability?: Capability;
  /** How long the token is good, in seconds. Default: 3,600. */
  readonly expiresInSeconds?: number;
}
