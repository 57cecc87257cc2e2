import { OVERLAP_MS } from '../../protocol/limits.ts';

/** Crockford's base 32, in which a serial begins with its time. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;

/**
 * Up to where everything that was sent to the user has been handed to the application: where the next connection resumes
 * from. One for all connections of a session, and absent until the first of them has taken over what waited.
 */
export class Cursor {
  readonly #onMove: () => void;
  #value: string | undefined;
  #toldGapAt: string | undefined;

  /** @param onMove Called whenever there is another value. Default: nobody wants to know. */
  constructor(onMove: () => void = () => {}) {
    this.#onMove = onMove;
  }

  get value(): string | undefined {
    return this.#value;
  }

  /** Moves forward to a serial or cursor; never back. */
  advance(to: string | undefined): void {
    if (to !== undefined && (this.#value === undefined || to > this.#value)) this.#set(to);
  }

  /** Forgets a position that the server cannot have given. */
  drop(): void {
    this.#set(undefined);
  }

  /** Whether a gap from `since` on is news: a resume that is begun again comes upon the same one. Asking makes it told. */
  isNewGap(since: string | undefined): boolean {
    const isNew = since === undefined || since !== this.#toldGapAt;
    this.#toldGapAt = since;
    return isNew;
  }

  /** Messages sent before this moment are behind every resume from here; epoch milliseconds. */
  get horizonMs(): number {
    return this.#value === undefined ? Number.NEGATIVE_INFINITY : serialTimeMs(this.#value) - OVERLAP_MS;
  }

  #set(value: string | undefined): void {
    this.#value = value;
    this.#onMove();
  }
}

/** The moment of a serial or cursor, in epoch milliseconds by the server's clock. */
export function serialTimeMs(serial: string): number {
  return [...serial.slice(0, TIME_LENGTH)].reduce((time, digit) => time * DIGITS.length + DIGITS.indexOf(digit), 0);
}
