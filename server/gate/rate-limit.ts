/** How fast one sender may send. */
export interface RateLimit {
  /** Units per second, on average. */
  readonly perSecond: number;
  /** Units that may come at once after a pause. */
  readonly burst: number;
}

/** What to take from a rate limit. */
export interface Charge {
  readonly limit: RateLimit;
  /** Units. More than `burst` pass only after a pause, and then count in full. */
  readonly cost: number;
}

/**
 * The generic cell rate algorithm. A table keeps one number for it: the *theoretical arrival time*, at which the sender
 * will have been idle for as long as their frames take at their rate. Times are in epoch milliseconds.
 */
export interface Arrival {
  /** How far the charge moves the arrival time: from now on if it is past, else from where it is. */
  readonly incrementMs: number;
  /** If the arrival time is after this, the charge is refused. */
  readonly latestMs: number;
}

/** @see https://www.itu.int/rec/T-REC-I.371 (ITU-T I.371, the algorithm as ATM networks define it) */
export function arrival({ limit, cost }: Charge, nowMs: number): Arrival {
  const incrementMs = Math.ceil((cost * 1000) / limit.perSecond);
  return { incrementMs, latestMs: nowMs + Math.max(0, burstMs(limit) - incrementMs) };
}

/** How long a whole burst takes at the rate, in milliseconds. */
export function burstMs({ perSecond, burst }: RateLimit): number {
  return Math.ceil((burst * 1000) / perSecond);
}

/** The limit where two limits apply. */
export function lower(one: RateLimit, other: RateLimit): RateLimit {
  return { perSecond: Math.min(one.perSecond, other.perSecond), burst: Math.min(one.burst, other.burst) };
}
