/** How fast one sender may go on. */
export interface RateLimit {
  /** Messages, or other frames, for each second on average. */
  readonly perSecond: number;
  /** How many may come at once after a pause. */
  readonly burst: number;
}

/** What is to be taken from a rate limit. */
export interface Charge {
  readonly limit: RateLimit;
  /** How many messages. More than `burst` pass after a pause only, and then count in full. */
  readonly cost: number;
}

/**
 * The generic cell rate algorithm, of which a table keeps one number: the *theoretical arrival time*, at which the sender
 * will have been idle for as long as what they sent takes at their rate. Times are in epoch milliseconds.
 */
export interface Arrival {
  /** How far the charge moves the arrival time: from now on when that is past, from where it is otherwise. */
  readonly incrementMs: number;
  /** With an arrival time after this one the charge is refused. */
  readonly latestMs: number;
}

/** @see https://www.itu.int/rec/T-REC-I.371 (ITU-T I.371, the algorithm as ATM networks define it) */
export function arrival({ limit, cost }: Charge, nowMs: number): Arrival {
  const incrementMs = Math.ceil((cost * 1000) / limit.perSecond);
  return { incrementMs, latestMs: nowMs + Math.max(0, burstMs(limit) - incrementMs) };
}

/** How long what may come at once takes at the rate, in milliseconds. */
export function burstMs({ perSecond, burst }: RateLimit): number {
  return Math.ceil((burst * 1000) / perSecond);
}

/** What holds where both hold. */
export function lower(one: RateLimit, other: RateLimit): RateLimit {
  return { perSecond: Math.min(one.perSecond, other.perSecond), burst: Math.min(one.burst, other.burst) };
}
