/** What is known of a user beside their connections. */
export interface UserState {
  /** Everything up to it has been acknowledged by a device of the user. */
  readonly cursor?: string;
  /** A late delivery: whoever resumes from before `markedAt` (epoch milliseconds) must resume from `serial`. */
  readonly late?: { readonly serial: string; readonly markedAt: number };
}

/** The users' states, items of their own in the connections table. */
export interface UserStates {
  /** Strongly consistent. */
  read(userId: string): Promise<UserState>;

  /** Moves the acknowledged cursor forward; never back. */
  acknowledge(userId: string, cursor: string): Promise<void>;

  /** Widens the resumes that begin before now to include `serial`. */
  markLate(userId: string, serial: string): Promise<void>;
}
