import { serialTimeMs } from '../receiving/cursor.ts';
import type { Memory, RecentMessage, Told } from './words.ts';

/** How many messages are at hand for tabs that were away for a moment. */
const MAX_RECENT = 1_000;

/** The messages that the tabs were handed last, for a tab that was away for a moment. */
export class RecentMessages {
  readonly #recent: RecentMessage[] = [];
  /** From when on `#recent` has everything; epoch milliseconds by the server's clock. `undefined`: not known yet. */
  #fromMs: number | undefined;

  /** Messages from this moment on are complete, unless that is known already. */
  begin(fromMs: number): void {
    if (fromMs > Number.NEGATIVE_INFINITY) this.#fromMs ??= fromMs;
  }

  add(message: RecentMessage): void {
    if (this.#fromMs === Number.POSITIVE_INFINITY) this.#fromMs = serialTimeMs(message.serial);
    this.#recent.push(message);
    if (this.#recent.length <= MAX_RECENT) return;
    const forgotten = this.#recent.shift();
    this.#fromMs = serialTimeMs(forgotten?.serial ?? '') + 1;
  }

  /** A gap: what came before it has nothing to do with what comes after it. */
  clear(): void {
    this.#recent.length = 0;
    this.#fromMs = Number.POSITIVE_INFINITY;
  }

  /** Takes over what another tab remembers, unless this one remembers something. */
  takeOver({ recent, fromMs }: Memory): void {
    if (this.#fromMs !== undefined) return;
    this.#recent.push(...recent);
    this.#fromMs = fromMs;
  }

  /**
   * What to give a tab: the messages since it was there, and a gap before them if some are missing; or, to a tab without a past,
   * everything to remember.
   * @param sinceMs Until when the tab has everything; minus infinity for one without a past.
   */
  since(sinceMs: number): { readonly told: readonly Told[]; readonly memory?: Memory } {
    const fromMs = this.#fromMs ?? Number.POSITIVE_INFINITY;
    const recent = this.#recent.filter(({ serial }) => serialTimeMs(serial) >= sinceMs);
    if (sinceMs === Number.NEGATIVE_INFINITY) return { told: [], memory: { recent, fromMs } };
    const gap: Told[] = sinceMs < fromMs ? [['gap', {}]] : [];
    return { told: [...gap, ...recent.map((message): Told => ['message', message])] };
  }
}
