import { OVERLAP_MS } from '../../protocol/limits.ts';

/** Crockford's base 32, in which a serial begins with its time. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const TIME_LENGTH = 10;

/**
 * The position up to which the application has every message: the next connection resumes from there. All connections of a session
 * share one. Its value is absent until the first resume is complete.
 */
export class Cursor {
  readonly #onMove: (() => void) | undefined;
  #value: string | undefined;
  #toldGapAt: string | undefined;

  /** @param onMove Called whenever the value changes. Default: nothing. */
  constructor(onMove?: () => void) {
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

  /** Whether the application does not know the gap from `cursor` on: a repeated resume finds the same gap. Asking makes it known. */
  isNewGap(cursor: string | undefined): boolean {
    const isNew = cursor === undefined || cursor !== this.#toldGapAt;
    this.#toldGapAt = cursor;
    return isNew;
  }

  /** No resume from here brings messages that were sent before this moment; epoch milliseconds. */
  get horizonMs(): number {
    return this.#value === undefined ? Number.NEGATIVE_INFINITY : serialTimeMs(this.#value) - OVERLAP_MS;
  }

  #set(value: string | undefined): void {
    this.#value = value;
    this.#onMove?.();
  }
}

/** The moment of a serial or cursor, in epoch milliseconds by the server's clock. */
export function serialTimeMs(serial: string): number {
  return [...serial.slice(0, TIME_LENGTH)].reduce((time, digit) => time * DIGITS.length + DIGITS.indexOf(digit), 0);
}
