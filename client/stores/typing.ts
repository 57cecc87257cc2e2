import { createTimer, type Timer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';

/** How often a user who goes on typing says so, milliseconds. */
const REPEAT_MS = 4_000;

/** How long a user counts as typing after they have said so, milliseconds. Above {@link REPEAT_MS}, as signals may be late or lost. */
const EXPIRY_MS = 8_000;

/** Who is typing in a conversation, and whether the others must be told that this user is. */
export class Typing {
  readonly #environment: Pick<Environment, 'now' | 'setTimer'>;
  readonly #onChange: () => void;
  readonly #timers = new Map<string, Timer>();
  /** Until when the others know that this user is typing, by the device's clock. Nobody compares it with another clock. */
  readonly #told: Timer;

  constructor(environment: Pick<Environment, 'now' | 'setTimer'>, onChange: () => void) {
    this.#environment = environment;
    this.#onChange = onChange;
    this.#told = createTimer(environment);
  }

  get users(): readonly string[] {
    return [...this.#timers.keys()];
  }

  /** Another user says that they are typing, or have stopped. */
  onSignal(user: string, isTyping: boolean): void {
    const timer = this.#timers.get(user) ?? createTimer(this.#environment);
    timer.stop();
    if (isTyping) timer.start(EXPIRY_MS, () => this.onSignal(user, false));
    const isChange = isTyping !== this.#timers.has(user);
    if (isTyping) this.#timers.set(user, timer);
    else this.#timers.delete(user);
    if (isChange) this.#onChange();
  }

  /** Whether to tell the others now. */
  shouldTell(isTyping: boolean): boolean {
    if (isTyping === this.#told.running) return false;
    if (isTyping) this.#told.start(REPEAT_MS, () => {});
    else this.#told.stop();
    return true;
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.stop();
    this.#timers.clear();
    this.#told.stop();
  }
}
