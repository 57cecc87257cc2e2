import type { Charge } from './rate-limit.ts';

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
