import { backoffDelayMs } from '../base/backoff.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import { MAX_TIMER_MS, type Options } from '../options.ts';
import { tokenExpiresAtMs } from './token.ts';

/** A newer token is asked for this long before one expires, or up to twice as long: a fleet should not ask at once. */
const TOKEN_MARGIN_MS = 60_000;

/** … but not before half of what is left has passed: the upper end of the margin as a share of it is twice this. */
const MARGIN_SHARE = 1 / 4;

export interface TokenRenewalOwner {
  /**
   * Asks the application.
   * @param failures How often in a row it has given no newer token.
   */
  request(failures: number): Promise<string>;
  /** Registers with a newer token. */
  onToken(token: string): void;
  /** The token may have expired: from now on nothing is delivered. A newer one may still follow. */
  onExpired(): void;
  /**
   * The application gave no newer token, as the error tells.
   * @param isOver Whether it is not asked any more, because the token has expired.
   */
  onFailed(error: BeckonError, isOver: boolean): void;
}

/**
 * Has a newer token by the time that the one in use expires. The application is asked before that, again and again as long
 * as it gives none that is newer, and a last time at the very end: it may keep each token for as long as it is good.
 */
export class TokenRenewal {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #host: TokenRenewalOwner;
  readonly #next: Timer;
  /** When the token may have expired, and when it has. */
  readonly #expiry: Timer;
  readonly #end: Timer;
  /** Of the token in use, epoch milliseconds by the server's clock. */
  #expiresAtMs = Number.NEGATIVE_INFINITY;
  #hasEnded = false;
  #isAsking = false;
  /** A newer token is on its way to the server. */
  #hasNewer = false;
  #failures = 0;
  #isStopped = false;

  constructor(environment: Environment, options: Options, host: TokenRenewalOwner) {
    this.#environment = environment;
    this.#options = options;
    this.#host = host;
    this.#next = createTimer(environment);
    this.#expiry = createTimer(environment);
    this.#end = createTimer(environment);
  }

  /**
   * The server has registered the connection with a token.
   * @param serverTimeMs When, epoch milliseconds by the server's clock. The device's clock may be wrong.
   * @param elapsedMs How much longer ago that may be than it seems: the time that the reply took.
   */
  start(token: string, serverTimeMs: number, elapsedMs: number): void {
    this.#clear();
    this.#hasEnded = this.#hasNewer = false;
    this.#failures = 0;
    const expiresAtMs = tokenExpiresAtMs(token);
    // No connection lasts as long as the longest timer.
    if (expiresAtMs === undefined || expiresAtMs - serverTimeMs > MAX_TIMER_MS) return;
    this.#expiresAtMs = expiresAtMs;
    const leftMs = Math.max(expiresAtMs - serverTimeMs, 0);
    const marginMs = Math.min(TOKEN_MARGIN_MS, leftMs * MARGIN_SHARE) * (1 + this.#environment.random());
    this.#next.start(leftMs - marginMs, () => void this.#ask());
    this.#expiry.start(Math.max(leftMs - elapsedMs, 0), () => this.#host.onExpired());
    this.#end.start(leftMs, () => {
      this.#hasEnded = true;
      void this.#ask();
    });
  }

  /** The connection is over. */
  stop(): void {
    this.#isStopped = true;
    this.#clear();
  }

  #clear(): void {
    for (const timer of [this.#next, this.#expiry, this.#end]) timer.stop();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#hasNewer) return;
    this.#isAsking = true;
    this.#next.stop();
    const isLast = this.#hasEnded;
    const answer = await this.#host.request(this.#failures).catch((error: BeckonError) => error);
    this.#isAsking = false;
    if (this.#isStopped) return;
    if (typeof answer === 'string' && this.#isNewer(answer)) {
      this.#hasNewer = true;
      this.#host.onToken(answer);
    } else this.#onFailed(typeof answer === 'string' ? tokenExpired() : answer, isLast);
  }

  /** One that does not say when it expires may be. */
  #isNewer(token: string): boolean {
    return (tokenExpiresAtMs(token) ?? Number.POSITIVE_INFINITY) > this.#expiresAtMs;
  }

  #onFailed(error: BeckonError, isLast: boolean): void {
    const delayMs = this.#hasEnded ? 0 : backoffDelayMs(this.#failures, this.#environment.random, this.#options);
    this.#failures += 1;
    if (!isLast) this.#next.start(delayMs, () => void this.#ask());
    this.#host.onFailed(error, isLast);
  }
}

export function tokenExpired(): BeckonError {
  return new BeckonError('token_expired', 'The token has expired, and getToken has given none that is newer.');
}
