import { BeckonError } from '../errors.ts';

const DONE = { done: true, value: undefined } as const;

/** Buffers values for a `for await` loop. */
export class Inbox<T> implements AsyncIterableIterator<T> {
  readonly #maxBuffered: number;
  readonly #onEnd: () => void;
  /** What the loop gets next; last of all, the error with which the iteration ends. */
  readonly #buffered: (() => IteratorResult<T>)[] = [];
  readonly #takers: ((result: IteratorResult<T> | Promise<never>) => void)[] = [];
  #ended = false;

  /**
   * @param maxBuffered How many values may wait for the loop.
   * @param onEnd Called once, when the iteration ends on either side.
   */
  constructor(maxBuffered: number, onEnd: () => void) {
    this.#maxBuffered = maxBuffered;
    this.#onEnd = onEnd;
  }

  /** Ends the iteration with `slow_consumer` when too many wait: nothing is lost silently. */
  push(value: T): void {
    if (this.#ended) return;
    const taker = this.#takers.shift();
    if (taker) taker({ done: false, value });
    else if (this.#buffered.length < this.#maxBuffered) this.#buffered.push(() => ({ done: false, value }));
    else this.end(new BeckonError('slow_consumer'));
  }

  /** Ends the iteration after the buffered values; with an error if one is given. */
  end(error?: BeckonError): void {
    if (this.#ended) return;
    this.#ended = true;
    const takers = this.#takers.splice(0);
    if (error && takers.length === 0) {
      this.#buffered.push(() => {
        throw error;
      });
    }
    for (const taker of takers) taker(error ? Promise.reject(error) : DONE);
    this.#onEnd();
  }

  async next(): Promise<IteratorResult<T>> {
    const next = this.#buffered.shift();
    if (next) return next();
    return this.#ended ? DONE : new Promise((resolve) => this.#takers.push(resolve));
  }

  /** The loop was left. */
  async return(): Promise<IteratorResult<T>> {
    this.#buffered.length = 0;
    this.end();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
