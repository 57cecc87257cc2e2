import type { Conversation, Mark, Markers as Positions } from '../../protocol/index.ts';
import { MAX_CONVERSATIONS_PER_FRAME } from '../../protocol/limits.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import { encodeRequest, takeFitting } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS } from '../options.ts';
import type { ServerCalls } from './server-calls.ts';

/** How long a mark waits for others to be sent with it, milliseconds. */
const DELAY_MS = 1_000;

/** One call, which waits to hear what becomes of its mark. */
interface Caller {
  readonly mark: Mark;
  resolve(): void;
  reject(error: unknown): void;
}

/** What is told of one conversation on behalf of all that have called. */
interface PendingMark {
  readonly mark: Mark;
  readonly callers: readonly Caller[];
}

/** How far conversations have come, on its way to the server: of what waits for the same one, the latest counts. */
export class Markers {
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
  add(conversation: Conversation, { delivered, read }: Positions): Promise<void> {
    const key = 'room' in conversation ? `room ${conversation.room}` : `user ${conversation.user}`;
    const { mark, callers = [] } = this.#waiting.get(key) ?? {};
    const done = new Promise<void>((resolve, reject) => {
      this.#waiting.set(key, {
        mark: { conversation, delivered: later(mark?.delivered, delivered), read: later(mark?.read, read) },
        callers: [...callers, { mark: { conversation, delivered, read }, resolve, reject }],
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

  /** A frame is refused as a whole: then each conversation by itself, and each call, for the others are not to blame. */
  async #send(entries: readonly PendingMark[]): Promise<void> {
    const callers = entries.flatMap((entry) => entry.callers);
    try {
      const marks = entries.map(({ mark }) => mark);
      await Promise.all([
        this.#calls.call('mark', { marks }, { timeoutMs: MAX_TIMER_MS }),
        // What was read was also shown.
        marks.some(({ read }) => read !== undefined) && this.#core.session.connection?.acknowledge(),
      ]);
      for (const caller of callers) caller.resolve();
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
