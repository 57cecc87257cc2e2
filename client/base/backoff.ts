import type { Problem } from '../../protocol/index.ts';

/** How long to wait between attempts. */
export interface Backoff {
  /** The upper end of the first wait, milliseconds. */
  readonly minBackoffMs: number;
  /** The upper end of every wait, milliseconds. */
  readonly maxBackoffMs: number;
}

/**
 * The wait before the attempt that follows `failures` failed ones, in milliseconds: exponential with full jitter, that
 * is, evenly spread between 0 and the upper end. Any part of it that were not random would bring a fleet that was cut off
 * at one moment back at one moment; `bench/storm.ts` shows what that costs.
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffDelayMs(
  failures: number,
  random: () => number,
  { minBackoffMs, maxBackoffMs }: Backoff,
): number {
  return Math.floor(random() * Math.min(maxBackoffMs, minBackoffMs * 2 ** failures));
}

/** The wait before the client repeats a refused request: as long as the server said, if it did. */
export function retryDelayMs(
  problem: Problem | undefined,
  failures: number,
  random: () => number,
  backoff: Backoff,
): number {
  return problem?.retryAfterMs ?? backoffDelayMs(failures, random, backoff);
}
