import type { Conversation, Mark, Markers } from '../protocol/index.ts';
import { MAX_CONVERSATIONS_PER_FRAME } from '../protocol/limits.ts';
import type { Calls } from './calls.ts';
import type { Environment } from './environment.ts';
import type { BeckonError } from './errors.ts';
import { MAX_TIMER_MS } from './options.ts';
import { createTimer, type Timer } from './timer.ts';

/** How long a mark waits for others to be sent with it, milliseconds. */
const DELAY_MS = 1_000;

interface Entry {
  mark: Mark;
  readonly done: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** How far conversations have come, on its way to the server: of what waits for the same one, the latest counts. */
export class Marks {
  readonly #calls: Calls;
  readonly #acknowledge: () => Promise<void> | undefined;
  readonly #delay: Timer;
  #waiting = new Map<string, Entry>();
  #isSending = false;

  /** @param acknowledge Tells the server what the application was given. Called when some of it was read. */
  constructor(environment: Environment, calls: Calls, acknowledge: () => Promise<void> | undefined) {
    this.#calls = calls;
    this.#acknowledge = acknowledge;
    this.#delay = createTimer(environment);
  }

  /** Resolves when the server knows. */
  add(conversation: Conversation, { delivered, read }: Markers): Promise<void> {
    const key = 'room' in conversation ? `room ${conversation.room}` : `user ${conversation.user}`;
    const entry = this.#waiting.get(key) ?? createEntry(conversation);
    entry.mark = {
      conversation,
      delivered: later(entry.mark.delivered, delivered),
      read: later(entry.mark.read, read),
    };
    this.#waiting.set(key, entry);
    if (this.#waiting.size >= MAX_CONVERSATIONS_PER_FRAME) this.wake();
    else if (!this.#delay.running) this.#delay.start(DELAY_MS, () => this.wake());
    return entry.done;
  }

  /** Sends what waits, if there is a connection. */
  wake(): void {
    if (this.#isSending || !this.#calls.isConnected) return;
    this.#isSending = true;
    void this.#sendAll();
  }

  /** There will be no connection any more. */
  giveUp(error: BeckonError): void {
    this.#delay.stop();
    for (const entry of this.#waiting.values()) entry.reject(error);
    this.#waiting.clear();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      const entries = [...this.#waiting].slice(0, MAX_CONVERSATIONS_PER_FRAME);
      for (const [key] of entries) this.#waiting.delete(key);
      await this.#send(entries.map(([, entry]) => entry));
    }
    this.#isSending = false;
  }

  /** A frame is refused as a whole: then each by itself, for the others are not to blame. */
  async #send(entries: readonly Entry[]): Promise<void> {
    try {
      const marks = entries.map(({ mark }) => mark);
      await Promise.all([
        this.#calls.call('mark', { marks }, { timeoutMs: MAX_TIMER_MS }),
        marks.some(({ read }) => read !== undefined) && this.#acknowledge(),
      ]);
      for (const entry of entries) entry.resolve();
    } catch (error) {
      if (entries.length === 1) entries[0]?.reject(error);
      else for (const entry of entries) await this.#send([entry]);
    }
  }
}

function createEntry(conversation: Conversation): Entry {
  let settle: Pick<Entry, 'resolve' | 'reject'> | undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  return { mark: { conversation }, done, resolve: () => settle?.resolve(), reject: (error) => settle?.reject(error) };
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && (other === undefined || one > other) ? one : other;
}
