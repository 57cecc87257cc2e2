import type { Message, Sender } from '../../protocol/index.ts';
import type { Address, Pair } from '../address.ts';

/**
 * Where a look for what was sent before ends, so that its price does not depend on how much others have sent. A retry that
 * is not found is appended anew, as one is that comes late, and whoever has seen the first drops it.
 */
export const MAX_FIND_ENTRIES = 250;

/** One page of a log. */
export interface Page {
  /** In the order of their serials. */
  readonly messages: readonly Message[];
  /** Whether there is more behind the last of them. */
  readonly more: boolean;
}

/** What is noted with a message. */
export interface EntryNotes {
  /** Between whom it is, which puts it into their transcript. Absent: it is in none, or the address is a room. */
  readonly pair?: Pair;
  /** It was sent again, or may have been before it was handled: there may be an earlier entry for it. */
  readonly retried?: true;
}

/** Address → messages, in the messages table. Reads are strongly consistent, and never return an expired message. */
export interface MessageLog {
  /** Appends a message at its serial. Appending the same message again changes nothing. `expiresAt` is in epoch seconds. */
  append(address: Address, message: Message, expiresAt: number, notes?: EntryNotes): Promise<void>;

  /** Who has sent the message at this serial; `undefined` if there is none. */
  senderOf(address: Address, serial: string): Promise<Sender | undefined>;

  /** Messages with serials above `after`, as many as fit into one frame. */
  read(address: Address, after: string): Promise<Page>;

  /**
   * By id: the first message above `after` that this sender sent under each of these ids, of which there are at most 50.
   * Looks at the newest {@link MAX_FIND_ENTRIES} entries: what is not among them counts as not sent.
   */
  find(address: Address, from: Sender, ids: readonly string[], after: string): Promise<ReadonlyMap<string, Message>>;
}
