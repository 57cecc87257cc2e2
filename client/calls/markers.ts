import type { Mark, Markers, Peer } from '../../protocol/index.ts';
import { MAX_CONVERSATIONS_PER_FRAME } from '../../protocol/limits.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import { takeFitting } from '../connection/frame-size.ts';
import { encodeRequest } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS } from '../options.ts';
import type { ServerCalls } from './server-calls.ts';

/** How long a marker waits for others to be sent with it, milliseconds. */
const DELAY_MS = 1_000;

/** One call, which waits for the result of its marker. */
interface Caller {
  readonly mark: Mark;
  resolve(): void;
  reject(error: unknown): void;
}

/** The marker of one conversation, for all calls that moved it. */
interface PendingMark {
  readonly mark: Mark;
  readonly callers: readonly Caller[];
}

/** Sends markers to the server. Of several that wait for the same conversation, the latest counts. */
export class MarkerQueue {
  readonly #core: Core;
  readonly #calls: ServerCalls;
  readonly #delay: Timer;
  #waiting = new Map<string, PendingMark>();
  #isSending = false;
  #isOver = false;

  constructor(core: Core, calls: ServerCalls) {
    this.#core = core;
    this.#calls = calls;
    this.#delay = createTimer(core.environment);
  }

  /** Resolves when the server knows. */
  add(conversation: Peer, { received, read }: Markers): Promise<void> {
    const key = JSON.stringify(conversation);
    const { mark, callers = [] } = this.#waiting.get(key) ?? {};
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.set(key, {
        mark: { conversation, received: later(mark?.received, received), read: later(mark?.read, read) },
        callers: [...callers, { mark: { conversation, received, read }, resolve, reject }],
      });
    });
    if (this.#waiting.size >= MAX_CONVERSATIONS_PER_FRAME) this.wake();
    else if (!this.#delay.running) this.#delay.start(DELAY_MS, () => this.wake());
    return done;
  }

  /** Sends what waits, if there is a connection. */
  wake(): void {
    if (this.#isSending || !this.#core.session.connection) return;
    this.#isSending = true;
    void this.#sendAll();
  }

  /** There will be no connection any more. */
  giveUp(error: BeckonError): void {
    this.#isOver = true;
    this.#delay.stop();
    for (const { callers } of this.#waiting.values()) for (const caller of callers) caller.reject(error);
    this.#waiting.clear();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      await this.#send(this.#take());
    }
    this.#isSending = false;
  }

  /** As many as one frame can carry. */
  #take(): readonly PendingMark[] {
    const waiting = [...this.#waiting];
    const bounds = { maxBytes: this.#calls.maxFrameBytes, maxItems: MAX_CONVERSATIONS_PER_FRAME };
    const marks = waiting.map(([, { mark }]) => mark);
    const { length } = takeFitting(marks, bounds, (some) => encodeRequest('mark', { marks: [...some] }));
    const taken = waiting.slice(0, length);
    for (const [key] of taken) this.#waiting.delete(key);
    return taken.map(([, entry]) => entry);
  }

  /** The server refuses a frame as a whole: then sends each conversation by itself, and each call, so that only the wrong one is refused. */
  async #send(entries: readonly PendingMark[]): Promise<void> {
    const callers = entries.flatMap((entry) => entry.callers);
    try {
      const marks = entries.map(({ mark }) => mark);
      await Promise.all([
        this.#calls.call('mark', { marks }, { timeoutMs: MAX_TIMER_MS }),
        // What was read was also shown.
        marks.some(({ read }) => read !== undefined) && this.#core.session.connection?.keeper?.acknowledge(),
      ]);
      for (const caller of callers) caller.resolve();
      // A store that was opened meanwhile may have read the history before the server had the marker.
      for (const { conversation, read } of marks)
        if (read !== undefined) this.#core.notify('read', { conversation, read });
    } catch (error) {
      if (callers.length === 1 || this.#isOver) {
        for (const caller of callers) caller.reject(error);
        return;
      }
      const alone = callers.map((caller) => ({ mark: caller.mark, callers: [caller] }));
      for (const entry of entries.length > 1 ? entries : alone) await this.#send([entry]);
    }
  }
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  return one !== undefined && (other === undefined || one > other) ? one : other;
}
