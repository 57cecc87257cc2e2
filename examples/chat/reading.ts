import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';
import { laterSerial } from './timeline.ts';

/** Says that what is on a page somebody looks at has been read. */
export class Reading {
  readonly #client: Pick<ChatClient, 'markRead'>;
  readonly #onError: (error: unknown) => void;

  constructor(client: Pick<ChatClient, 'markRead'>, onError: (error: unknown) => void) {
    this.#client = client;
    this.#onError = onError;
  }

  /** Whether somebody looks at the page, as far as a browser knows. */
  get isLooking(): boolean {
    return document.visibilityState === 'visible';
  }

  /** A conversation is open, and perhaps more of it than before. The client sends marks together, at most one a second. */
  look(thread: Thread): void {
    if (!this.isLooking) return;
    thread.unread = 0;
    thread.hasMoreUnread = false;
    const serial = thread.newestOfOthers?.serial;
    if (serial === undefined || 'service' in thread.place) return;
    if (laterSerial(thread.read, serial) === thread.read) return;
    thread.read = serial;
    this.#client.markRead(thread.place, serial).catch(this.#onError);
  }
}
