import type { Clock } from './clock.ts';

/** A token bucket. It refills steadily, up to its burst. */
export interface Throttle {
  /** Takes one token. Returns false if the bucket is empty, which is AWS's 429. */
  tryTake(): boolean;
}

/** Makes a full bucket. A rate and burst of 0 let nothing pass, as on AWS. */
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
