import { createRandom } from '../../local/random.ts';

/**
 * Decides from a seed in which order concurrent work goes on, and how time passes. Code under test awaits `turn()` before each
 * step; `run()` then wakes one waiting step at a time. The same seed gives the same order.
 */
export interface Scheduler {
  /** Epoch milliseconds. */
  now(): number;
  /** A number from 0 up to 1. */
  random(): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** Waits for the caller's turn. */
  turn(): Promise<void>;
  /** Calls back after a delay in milliseconds. */
  after(delayMs: number, callback: () => void): void;
  /** Runs until no step waits and no timer is due by `untilMs`. */
  run(untilMs: number): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** The longest turn, in milliseconds. Many turns take 0, so that times are often equal. */
const MAX_TURN_MS = 4;

/** How far time may jump while steps wait, in milliseconds: less than a handler's timeout. */
const MAX_STALL_MS = 5_000;

export function createScheduler(seed: number, startMs: number): Scheduler {
  const random = createRandom(seed, 'schedule');
  const waiting: (() => void)[] = [];
  const timers: Timer[] = [];
  let nowMs = startMs;

  function nextTimer(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of timers) if (timer.atMs <= untilMs && (!next || timer.atMs < next.atMs)) next = timer;
    return next;
  }

  function fire(timer: Timer): void {
    timers.splice(timers.indexOf(timer), 1);
    nowMs = Math.max(nowMs, timer.atMs);
    timer.callback();
  }

  function step(untilMs: number): boolean {
    const mayJump = waiting.length === 0 || random() < 0.05;
    const timer = nextTimer(mayJump ? (waiting.length === 0 ? untilMs : nowMs + MAX_STALL_MS) : nowMs);
    if (timer) {
      fire(timer);
      return true;
    }
    const [goOn] = waiting.splice(Math.floor(random() * waiting.length), 1);
    if (!goOn) return false;
    nowMs += Math.floor(random() * MAX_TURN_MS);
    goOn();
    return true;
  }

  return {
    now: () => nowMs,
    random,
    chance: (probability) => random() < probability,
    turn: () => new Promise((resolve) => waiting.push(resolve)),
    after: (delayMs, callback) => {
      timers.push({ atMs: nowMs + Math.round(delayMs), callback });
    },
    async run(untilMs) {
      // Each step's consequences reach their next turn before another step goes on.
      do await new Promise((resolve) => setImmediate(resolve));
      while (step(untilMs));
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}
