import type { Clock } from '../../local/clock.ts';

/** A clock that only the test moves. */
export interface ManualClock extends Clock {
  /** Moves the clock on, and calls each due timer in order. */
  advance(ms: number): void;
  /** Moves on to the first timer that is due by then, and calls it. Returns false without moving if there is none. */
  step(untilMs: number): boolean;
  /** The number of timers. */
  pending(): number;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export function createManualClock(startMs = Date.UTC(2024, 1, 9, 18, 11, 43)): ManualClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  const nextUntil = (endMs: number): Timer | undefined =>
    [...timers].filter(({ atMs }) => atMs <= endMs).sort((a, b) => a.atMs - b.atMs)[0];
  const after: Clock['after'] = (delayMs, callback) => {
    const timer = { atMs: nowMs + delayMs, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const step = (untilMs: number): boolean => {
    const timer = nextUntil(untilMs);
    if (!timer) return false;
    timers.delete(timer);
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
    return true;
  };
  return {
    timeScale: 1,
    now: () => nowMs,
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        after(delayMs, resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      }),
    advance: (ms) => {
      const endMs = nowMs + ms;
      while (step(endMs));
      nowMs = endMs;
    },
    step,
    pending: () => timers.size,
  };
}
