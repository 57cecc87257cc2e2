import type { Clock } from '../../local/clock.ts';
import { createManualClock } from './manual-clock.ts';

/** A clock that stands still until it is moved, and on its way waits for the promises that its timers set off. */
export interface SteppedClock extends Clock {
  /** Moves on, calling what is due on the way, in order. What has been begun before, or follows from a call, runs first. */
  advance(byMs: number): Promise<void>;
  /** How many timers are set. */
  readonly pending: number;
}

/** Makes one that shows `startMs` (epoch milliseconds). */
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

/** Lets every promise that can go on do so. */
async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
