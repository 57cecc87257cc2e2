import type { Serial } from '../../protocol/index.ts';
import type { Correspondent } from '../address.ts';
import type { MarkerKey } from './markers.ts';

/** A conversation in a user's list. */
export interface ListedConversation {
  /** The other user, the room or the service. */
  readonly peer: Correspondent;
  /** The serial of the newest message with a user or a service; for a room, one of the moment when the user last joined it. */
  readonly last: Serial;
  /** The user's read marker. */
  readonly read?: Serial;
}

/** The list of each user's conversations. It is kept beside the markers: one item for each user and conversation. */
export interface ConversationList {
  /** Notes the newest message of a conversation. It never goes back, so the same serial twice changes nothing. */
  note(key: MarkerKey, serial: Serial): Promise<void>;

  /**
   * The conversations of a user, in any order. Strongly consistent. A conversation with markers alone is not one of them.
   * At most `limit` items are read: a user with more sees only some of the conversations.
   */
  read(userId: string, limit: number): Promise<readonly ListedConversation[]>;
}
