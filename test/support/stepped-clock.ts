import type { Clock } from '../../local/clock.ts';
import { createManualClock } from './manual-clock.ts';

/** A clock that only the test moves. It lets promises settle after each timer. */
export interface SteppedClock extends Clock {
  /** Moves the clock on, and calls due timers in order. Pending promises settle before each timer. */
  advance(byMs: number): Promise<void>;
  /** The number of timers. */
  readonly pending: number;
}

/** Creates a clock that shows `startMs` (epoch milliseconds). */
export function createSteppedClock(startMs = Date.UTC(2026, 0, 1)): SteppedClock {
  const manual = createManualClock(startMs);
  return {
    ...manual,
    async advance(byMs) {
      const untilMs = manual.now() + byMs;
      await settled();
      while (manual.step(untilMs)) await settled();
      manual.advance(untilMs - manual.now());
      await settled();
    },
    get pending() {
      return manual.pending();
    },
  };
}

/** Waits until all promises that can settle have settled. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
