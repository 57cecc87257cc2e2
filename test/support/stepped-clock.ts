import type { Clock } from '../../local/clock.ts';

/** A clock that stands still until it is moved, and on its way waits for the promises that its timers set off. */
export interface SteppedClock extends Clock {
  /** Moves on, calling what is due on the way, in order. What has been begun before, or follows from a call, runs first. */
  advance(byMs: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** Makes one that shows `startMs` (epoch milliseconds). */
export function createSteppedClock(startMs = Date.UTC(2026, 0, 1)): SteppedClock {
  let nowMs = startMs;
  const timers = new Set<Timer>();
  const next = (untilMs: number) =>
    [...timers].filter((timer) => timer.dueMs <= untilMs).sort((left, right) => left.dueMs - right.dueMs)[0];
  const after: Clock['after'] = (delayMs, callback) => {
    const timer = { dueMs: nowMs + delayMs, callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  return {
    timeScale: 1,
    now: () => nowMs,
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const cancel = after(delayMs, resolve);
        signal?.addEventListener('abort', () => {
          cancel();
          resolve();
        });
      }),
    async advance(byMs) {
      const untilMs = nowMs + byMs;
      await settled();
      for (let timer = next(untilMs); timer; timer = next(untilMs)) {
        timers.delete(timer);
        nowMs = timer.dueMs;
        timer.callback();
        await settled();
      }
      nowMs = untilMs;
      await settled();
    },
    get pending() {
      return timers.size;
    },
  };
}

/** Lets every promise that can go on do so. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
