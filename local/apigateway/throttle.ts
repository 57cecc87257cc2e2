import type { Clock } from '../clock.ts';

/** A token bucket: refilled steadily, and never fuller than its burst. */
export interface Throttle {
  /** Takes one token; false when there is none, which is AWS's 429. */
  tryTake(): boolean;
}

/** Starts full. A rate and burst of 0 let nothing through, as on AWS. */
export function createThrottle(clock: Clock, ratePerSecond: number, burst: number): Throttle {
  let tokens = burst;
  let filledAtMs = clock.now();
  return {
    tryTake: () => {
      const nowMs = clock.now();
      tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1000) * ratePerSecond);
      filledAtMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
