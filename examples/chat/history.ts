import { BeckonError, type HistoryOptions, type HistoryPage, type Json, type Peer } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';
import { laterSerial } from './timeline.ts';

const PAGE_MESSAGES = 30;

/** Loads the earlier messages of conversations. */
export class History {
  readonly #client: Pick<ChatClient, 'history'>;
  readonly #me: string;
  readonly #signal: AbortSignal;
  /** The loads under way. */
  readonly #loading = new Map<Thread, Promise<void>>();

  constructor(client: Pick<ChatClient, 'history'>, me: string, signal: AbortSignal) {
    this.#client = client;
    this.#me = me;
    this.#signal = signal;
  }

  /** Loads the newest page, unless it is loaded and no message can be missing since then. */
  async open(thread: Thread): Promise<void> {
    while (this.#loading.has(thread)) await this.#loading.get(thread);
    const { state, next } = thread.loaded;
    if (state === 'loaded' && !thread.isStale) return;
    // The answer may lack messages that the page misses from now on.
    thread.isStale = false;
    // Newer messages arrived live. Loading the page again brings their receipts and closes gaps.
    await this.#load(thread, {}, (page) => (state === 'loaded' ? next : page.next));
  }

  /** Loads the page before the earliest one, if there is one. */
  async earlier(thread: Thread, limit: number = PAGE_MESSAGES): Promise<void> {
    const { state, next } = thread.loaded;
    if (state === 'loading') return;
    if (next !== undefined) await this.#load(thread, { before: next, limit }, (page) => page.next);
    else if (state !== 'loaded') await this.open(thread);
  }

  /** @param nextOf The start of the earlier messages, after this page. */
  async #load(
    thread: Thread,
    options: HistoryOptions,
    nextOf: (page: HistoryPage<Json>) => string | undefined,
  ): Promise<void> {
    const { promise, resolve } = createGate();
    this.#loading.set(thread, promise);
    const { next } = thread.loaded;
    thread.loaded = { state: 'loading', next };
    try {
      const all = { limit: PAGE_MESSAGES, ...options, signal: this.#signal };
      const page = await this.#client.history(thread.place as Peer, all);
      this.#add(thread, page);
      thread.loaded = { state: 'loaded', next: nextOf(page) };
    } catch (error) {
      // Without the right to read, the conversation has no earlier messages.
      const isForbidden = error instanceof BeckonError && error.code === 'forbidden';
      thread.loaded = isForbidden ? { state: 'loaded' } : { state: 'failed', next };
      if (!isForbidden && !this.#signal.aborted) throw error;
    } finally {
      this.#loading.delete(thread);
      resolve();
    }
  }

  #add(thread: Thread, { messages, peer, read }: HistoryPage<Json>): void {
    for (const message of messages) thread.receive(message, this.#me);
    if (peer) thread.movePeer(peer);
    thread.read = laterSerial(thread.read, read);
  }
}

function createGate(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = () => {};
  const promise = new Promise<void>((open) => {
    resolve = open;
  });
  return { promise, resolve };
}
