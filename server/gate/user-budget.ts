import type { Charge, RateLimit } from './rate-limit.ts';

/** The rate limit of each user, over all their connections. */
export interface UserBudgets {
  /**
   * Takes from the budget of a user.
   * @returns 0; or in how many milliseconds the charge will be accepted, and nothing was taken
   */
  charge(userId: string, charge: Charge): Promise<number>;

  /** Takes from the budget of a user even if it is not enough, for work that is done already. */
  spend(userId: string, charge: Charge): Promise<void>;
}

/**
 * Charges a user for work whose size is known only afterwards, such as the posts to a room. It may take more than the
 * user's budget has: the next frames wait. It never rejects, because the work is done.
 */
export type Surcharge = (userId: string, units: number) => Promise<void>;

/** Posts that each unit of a frame's charge pays for. */
export const POSTS_PER_UNIT = 100;

/** Write units, in items that grow, that each unit of a frame's charge pays for. */
export const WRITE_UNITS_PER_UNIT = 10;

export function createSurcharge(dependencies: {
  readonly userBudgets: Pick<UserBudgets, 'spend'>;
  /** Of each user, over all their connections. */
  readonly userRateLimit: RateLimit;
  /** Called with the reason when a user could not be charged. */
  readonly onFailure: (error: unknown) => void;
}): Surcharge {
  const { userBudgets, userRateLimit, onFailure } = dependencies;
  return async (userId, units) => {
    if (units > 0) await userBudgets.spend(userId, { limit: userRateLimit, cost: units }).catch(onFailure);
  };
}
