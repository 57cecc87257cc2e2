import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';
import { laterSerial } from './timeline.ts';

/** Marks the messages that the user has seen as read. */
export class Reading {
  readonly #client: Pick<ChatClient, 'markRead'>;
  readonly #isVisible: () => boolean;
  readonly #onError: (error: unknown) => void;

  constructor(client: Pick<ChatClient, 'markRead'>, isVisible: () => boolean, onError: (error: unknown) => void) {
    this.#client = client;
    this.#isVisible = isVisible;
    this.#onError = onError;
  }

  /** Whether the user looks at the page, as far as the browser knows. */
  get isLooking(): boolean {
    return this.#isVisible();
  }

  /**
   * Updates the read marker of the open conversation. The client sends markers together, at most once a second.
   * @param seen The serial of the newest message that is or was in view.
   * @returns Whether the unread count has changed.
   */
  look(thread: Thread, seen: string | undefined): boolean {
    if (!this.isLooking) return false;
    const { read, unread, place } = thread;
    thread.read = laterSerial(read, seen);
    thread.unread = thread.countAfter(thread.read);
    thread.hasMoreUnread = false;
    if (seen !== undefined && thread.read !== read && !('service' in place)) {
      this.#client.markRead(place, seen).catch(this.#onError);
    }
    return thread.unread !== unread;
  }
}
