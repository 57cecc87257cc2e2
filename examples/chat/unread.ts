import { BeckonError, type Peer } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';

/** The maximum number of conversations in one call. */
const MAX_CONVERSATIONS = 50;

/** How long to wait for further changes before a call. */
const DELAY_MS = 300;

export interface UnreadHost {
  readonly client: Pick<ChatClient, 'unread' | 'state'>;
  readonly signal: AbortSignal;
  threads(): readonly Thread[];
  /** Whether the user is looking at the conversation. */
  isSeen(thread: Thread): boolean;
  onChange(thread: Thread): void;
  onError(error: unknown): void;
}

/** Gets unread counts from the server, and counts later messages itself. */
export class Unread {
  readonly #host: UnreadHost;
  /** The conversations with messages since the last call. The server's count may or may not include these messages. */
  readonly #arrived = new Set<Thread>();
  readonly #counted = new WeakSet<Thread>();
  /** The conversations whose count the token forbids. */
  readonly #refused = new Set<Thread>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isAsking = false;

  constructor(host: UnreadHost) {
    this.#host = host;
    host.signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** Counts a message of another user that this user has not seen. */
  add(thread: Thread): void {
    this.#arrived.add(thread);
    thread.unread += 1;
    // The page may not have all unread messages. A new device also gets the messages of the last minutes again, read or not.
    if (!this.#counted.has(thread)) this.ask();
  }

  /** Asks the server soon. Does nothing without a connection; the page asks again after a reconnect. */
  ask(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      if (this.#isAsking) this.ask();
      else void this.#ask();
    }, DELAY_MS);
  }

  async #ask(): Promise<void> {
    const { client, signal, onError } = this.#host;
    if (signal.aborted || client.state.status !== 'connected') return;
    const threads = this.#host.threads().filter((thread) => !('service' in thread.place || this.#refused.has(thread)));
    this.#arrived.clear();
    this.#isAsking = true;
    try {
      for (let first = 0; first < threads.length; first += MAX_CONVERSATIONS) {
        await this.#askFor(threads.slice(first, first + MAX_CONVERSATIONS));
      }
    } catch (error) {
      if (!signal.aborted) onError(error);
    }
    this.#isAsking = false;
    if (threads.some((thread) => this.#arrived.has(thread))) this.ask();
  }

  async #askFor(threads: readonly Thread[]): Promise<void> {
    const { client, signal } = this.#host;
    const conversations = threads.map(({ place }) => place as Peer);
    try {
      const answers = await client.unread(conversations, { signal });
      for (const [index, thread] of threads.entries()) {
        const answer = answers[index];
        if (answer) this.#take(thread, answer);
      }
    } catch (error) {
      if (!(error instanceof BeckonError && error.code === 'forbidden')) throw error;
      // The server refuses the whole call, so ask for each conversation alone. If refused again, count only live messages.
      const [first] = threads;
      if (threads.length > 1) for (const thread of threads) await this.#askFor([thread]);
      else if (first) for (const set of [this.#refused, this.#counted]) set.add(first);
    }
  }

  #take(thread: Thread, { count, more, read }: Awaited<ReturnType<ChatClient['unread']>>[number]): void {
    if (this.#arrived.has(thread)) return;
    this.#counted.add(thread);
    // The marker of this page may still be on its way.
    if (thread.read !== undefined && (read === undefined || read < thread.read)) return;
    thread.read = read;
    // The server's count may lack the newest messages. The page is about to mark a visible conversation as read.
    thread.unread = this.#host.isSeen(thread) ? 0 : Math.max(count, thread.countAfter(read));
    thread.hasMoreUnread = more;
    this.#host.onChange(thread);
  }
}
