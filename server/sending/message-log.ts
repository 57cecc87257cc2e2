import type { Message, MessageSource } from '../../protocol/index.ts';
import type { Address, Pair } from '../address.ts';

/**
 * The most entries that a look for the first attempt reads, so that its price does not depend on how much others have
 * sent. A retry whose first attempt is not found is appended again, and recipients who have the first one drop it.
 */
export const MAX_FIND_ENTRIES = 250;

/** One page of a log. */
export interface Page {
  /** In the order of their serials. */
  readonly messages: readonly Message[];
  /** Whether there are more messages behind the last of them. */
  readonly more: boolean;
}

/** Notes beside a message. */
export interface EntryNotes {
  /** The two users, if the message belongs into their transcript. Absent: it is in none, or the address is a room. */
  readonly pair?: Pair;
  /** The message is a retry, or a retry may have come first: there may be an earlier entry for it. */
  readonly retried?: true;
}

/** Address → messages, in the messages table. Reads are strongly consistent, and never return an expired message. */
export interface MessageLog {
  /** Appends a message at its serial. Appending the same message again changes nothing. `expiresAt` is in epoch seconds. */
  append(address: Address, message: Message, expiresAt: number, notes?: EntryNotes): Promise<void>;

  /** The sender of the message with this serial; `undefined` if there is none. */
  senderOf(address: Address, serial: string): Promise<MessageSource | undefined>;

  /** Messages with serials above `after`: as many as fit into one frame. */
  read(address: Address, after: string): Promise<Page>;

  /**
   * By id: the first message above `after` from this sender, for each of at most 50 ids. Reads the newest {@link
   * MAX_FIND_ENTRIES} entries: a message that is not among them counts as not sent.
   */
  find(
    address: Address,
    from: MessageSource,
    ids: readonly string[],
    after: string,
  ): Promise<ReadonlyMap<string, Message>>;
}
