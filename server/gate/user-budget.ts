import type { Charge, RateLimit } from './rate-limit.ts';

/** How fast users send, over all their connections together. */
export interface UserBudgets {
  /**
   * Takes from the rate limit of a user.
   * @returns 0; or in how many milliseconds it can be taken, and nothing has been
   */
  charge(userId: string, charge: Charge): Promise<number>;

  /** Takes from the rate limit of a user, even if there is not as much: for what has been done already. */
  spend(userId: string, charge: Charge): Promise<void>;
}

/**
 * Charges a user for what nobody could know before it was done, such as how many connections a room has: it is taken from
 * the user's budget however far that goes beyond it, and the next frames wait. Never rejects, because it has been done.
 */
export type Surcharge = (userId: string, units: number) => Promise<void>;

/** Posts that a frame may cause for each unit that it is charged. */
export const POSTS_PER_UNIT = 100;

/** Write units that a frame may cause in an item which grows with what is in it, for each unit that it is charged. */
export const WRITE_UNITS_PER_UNIT = 10;

export function createSurcharge(dependencies: {
  readonly userBudgets: Pick<UserBudgets, 'spend'>;
  /** Of each user, over all their connections. */
  readonly userRateLimit: RateLimit;
  /** Told why a user was not charged. */
  readonly onFailure: (error: unknown) => void;
}): Surcharge {
  const { userBudgets, userRateLimit, onFailure } = dependencies;
  return async (userId, units) => {
    if (units > 0) await userBudgets.spend(userId, { limit: userRateLimit, cost: units }).catch(onFailure);
  };
}
