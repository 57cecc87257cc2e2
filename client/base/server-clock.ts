import type { Environment } from '../environment.ts';

/**
 * The server's clock, as far as its replies tell. Only by it is the age of a message known: the device's own clock may be
 * off by any amount, and may be set between two pages.
 */
export class ServerClock {
  readonly #environment: Pick<Environment, 'now'>;
  readonly #onTold: () => void;
  #aheadMs: number | undefined;

  /** @param onTold Called whenever the server has told the time. */
  constructor(environment: Pick<Environment, 'now'>, onTold: () => void = () => {}) {
    this.#environment = environment;
    this.#onTold = onTold;
  }

  /** By how much it is ahead of the device's, milliseconds. `undefined`: nobody has said yet. */
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

  /** Goes by what another tab of this device has been told. */
  follow(aheadMs: number | undefined): void {
    if (aheadMs === undefined) return;
    this.#aheadMs = aheadMs;
    this.#onTold();
  }
}
