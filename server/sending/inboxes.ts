/** Whose inbox, and who would leave something in it: ids of users. */
export interface InboxKey {
  readonly recipient: string;
  readonly sender: string;
}

/** How much there is, or may be, in an inbox. */
export interface Load {
  readonly messages: number;
  /** Of their JSON in UTF-8. */
  readonly bytes: number;
}

/** One page of those whom a user has blocked, by name. */
export interface BlockedPage {
  readonly users: readonly string[];
  /** Whether there are more behind the last of them. */
  readonly more: boolean;
}

/** What users accept of each other, in the connections table. */
export interface Inboxes {
  /** Whether the recipient has blocked the sender. Strongly consistent: a block holds as soon as it was answered. */
  isBlocked(key: InboxKey): Promise<boolean>;

  /**
   * Blocks the sender; fine if they are blocked already. Two blocks at once may both take the last place.
   * @returns false if the recipient has blocked {@link MAX_BLOCKED_USERS} others
   */
  block(key: InboxKey): Promise<boolean>;

  /** Unblocks the sender; fine if they are not blocked. */
  unblock(key: InboxKey): Promise<void>;

  /** At most {@link MAX_PAGE_USERS} of those whom the recipient has blocked, behind `after`. Strongly consistent. */
  blocked(recipient: string, after?: string): Promise<BlockedPage>;

  /**
   * Counts what the sender leaves in the recipient's inbox. It is counted for each cursor by itself, so that a recipient who
   * acknowledges more has an empty inbox; and as long as messages are kept, after the last that was counted.
   * @param load at most `most`
   * @param cursor up to which the recipient has acknowledged
   * @returns what was counted before, if that and `load` are more than `most`: then nothing has been counted
   */
  take(key: InboxKey, load: Load, options: { readonly most: Load; readonly cursor: string }): Promise<Load | undefined>;
}
