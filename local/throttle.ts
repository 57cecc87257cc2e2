import type { Clock } from './clock.ts';

/** A token bucket. It refills steadily, up to its burst. */
export interface Throttle {
  /** Takes one token. Returns false if the bucket is empty, which is AWS's 429. */
  tryTake(): boolean;
  /** Whether a request may pass whose tokens are known at its end. */
  isOpen(): boolean;
  /** Takes the tokens of such a request. The bucket then may owe some. */
  charge(tokens: number): void;
  /** Whether nobody has taken tokens for so long that it equals a new one. */
  isFull(): boolean;
}

/** Makes a full bucket. A rate and burst of 0 let nothing pass, as on AWS. */
export function createThrottle(clock: Clock, ratePerSecond: number, burst: number): Throttle {
  let tokens = burst;
  let filledAtMs = clock.now();
  const refill = () => {
    const nowMs = clock.now();
    tokens = Math.min(burst, tokens + ((nowMs - filledAtMs) / 1000) * ratePerSecond);
    filledAtMs = nowMs;
  };
  return {
    tryTake: () => {
      refill();
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    isOpen: () => {
      refill();
      return tokens > 0;
    },
    charge: (charged) => {
      refill();
      tokens -= charged;
    },
    isFull: () => {
      refill();
      return tokens === burst;
    },
  };
}
