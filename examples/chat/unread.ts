import { BeckonError, type Conversation } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';

/** How many conversations one call can name. */
const MAX_CONVERSATIONS = 50;

/** How long to wait for what else comes before the server is asked. */
const DELAY_MS = 300;

export interface UnreadHost {
  readonly client: Pick<ChatClient, 'unread'>;
  readonly signal: AbortSignal;
  threads(): readonly Thread[];
  onChange(thread: Thread): void;
  onError(error: unknown): void;
}

/** Asks the server how much is unread. What arrives is counted here, until the server is asked again. */
export class Unread {
  readonly #host: UnreadHost;
  /** What has arrived since the server was asked: whether it counted that, nobody knows. */
  readonly #arrived = new Set<Thread>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: UnreadHost) {
    this.#host = host;
    host.signal.addEventListener('abort', () => clearTimeout(this.#timer));
  }

  /** A message of somebody else came to a conversation that nobody looks at. */
  add(thread: Thread): void {
    this.#arrived.add(thread);
    thread.unread += 1;
    this.#host.onChange(thread);
  }

  /** Asks soon. */
  ask(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#ask(), DELAY_MS);
  }

  async #ask(): Promise<void> {
    const threads = this.#host.threads().filter(({ place }) => !('service' in place));
    this.#arrived.clear();
    try {
      for (let first = 0; first < threads.length; first += MAX_CONVERSATIONS) {
        await this.#askFor(threads.slice(first, first + MAX_CONVERSATIONS));
      }
    } catch (error) {
      if (!this.#host.signal.aborted) this.#host.onError(error);
    }
    if (threads.some((thread) => this.#arrived.has(thread)) && !this.#host.signal.aborted) this.ask();
  }

  async #askFor(threads: readonly Thread[]): Promise<void> {
    const { client, signal } = this.#host;
    const conversations = threads.map(({ place }) => place as Conversation);
    try {
      const answers = await client.unread(conversations, { signal });
      for (const [index, thread] of threads.entries()) {
        const answer = answers[index];
        if (answer) this.#take(thread, answer);
      }
    } catch (error) {
      // A call is refused as a whole: then each by itself. What the user may not read is not counted.
      if (!(error instanceof BeckonError && error.code === 'forbidden')) throw error;
      if (threads.length > 1) for (const thread of threads) await this.#askFor([thread]);
    }
  }

  #take(thread: Thread, { count, more, read }: Awaited<ReturnType<ChatClient['unread']>>[number]): void {
    // The mark that says what was read here is still on its way.
    const isBehind = thread.read !== undefined && (read === undefined || read < thread.read);
    if (isBehind || this.#arrived.has(thread)) return;
    thread.read = read;
    thread.unread = count;
    thread.hasMoreUnread = more;
    this.#host.onChange(thread);
  }
}
