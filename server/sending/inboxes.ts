/** An inbox and a sender: user ids. */
export interface InboxKey {
  readonly recipient: string;
  readonly sender: string;
}

/** How much is, or may be, in an inbox. */
export interface Load {
  readonly messages: number;
  /** Of their JSON in UTF-8. */
  readonly bytes: number;
}

/** One page of the users whom a user has blocked, in the order of their ids. */
export interface BlockedPage {
  readonly users: readonly string[];
  /** Whether there are more behind the last of them. */
  readonly more: boolean;
}

/** What users accept of each other, in the connections table. */
export interface Inboxes {
  /** Whether the recipient has blocked the sender. Strongly consistent: a block holds as soon as it is answered. */
  isBlocked(key: InboxKey): Promise<boolean>;

  /**
   * Blocks the sender. Does nothing if the sender is blocked already. Two blocks at once may both take the last place.
   * @returns false if the recipient has blocked {@link MAX_BLOCKED_USERS} others
   */
  block(key: InboxKey): Promise<boolean>;

  /** Unblocks the sender. Does nothing if the sender is not blocked. */
  unblock(key: InboxKey): Promise<void>;

  /** At most {@link MAX_PAGE_USERS} users whom the recipient has blocked, behind `after`. Strongly consistent. */
  blocked(recipient: string, after?: string): Promise<BlockedPage>;

  /**
   * Counts what the sender leaves in the recipient's inbox. Each cursor has a count of its own, so that a recipient who
   * acknowledges more has an empty inbox. The count expires with the messages.
   * @param load at most `most`
   * @param cursor up to which the recipient has acknowledged
   * @returns the count before, if `load` does not fit beside it: then nothing was counted
   */
  take(key: InboxKey, load: Load, options: { readonly most: Load; readonly cursor: string }): Promise<Load | undefined>;
}
