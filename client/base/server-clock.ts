import type { Environment } from '../environment.ts';

/**
 * The server's clock, as far as its replies tell. It alone tells the age of a message: the device's own clock may be
 * wrong by any amount, and the user may set it between two pages.
 */
export class ServerClock {
  readonly #environment: Pick<Environment, 'now'>;
  readonly #onTold: (() => void) | undefined;
  #aheadMs: number | undefined;

  /** @param onTold Called whenever the server has told the time. */
  constructor(environment: Pick<Environment, 'now'>, onTold?: () => void) {
    this.#environment = environment;
    this.#onTold = onTold;
  }

  /** By how much it is ahead of the device's clock, milliseconds. `undefined`: the server has not told the time yet. */
  get aheadMs(): number | undefined {
    return this.#aheadMs;
  }

  /** Epoch milliseconds; by the device's clock as long as the server's is not known. */
  now(): number {
    return this.#environment.now() + (this.#aheadMs ?? 0);
  }

  /** The server has told the time, epoch milliseconds. */
  observe(serverTimeMs: number): void {
    this.follow(serverTimeMs - this.#environment.now());
  }

  /** Takes over what another tab of this device knows. */
  follow(aheadMs: number | undefined): void {
    if (aheadMs === undefined) return;
    this.#aheadMs = aheadMs;
    this.#onTold?.();
  }
}
