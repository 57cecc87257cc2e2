import { createRandom } from '../../local/random.ts';

/** Decides, from a seed, in which order everything that is under way goes on, and how time passes meanwhile. */
export interface Scheduler {
  /** Epoch milliseconds. */
  now(): number;
  /** A number from 0 up to 1. */
  random(): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** Resolves when it is the caller's turn. */
  turn(): Promise<void>;
  /** Calls back when that much time has passed, in milliseconds. */
  after(delayMs: number, callback: () => void): void;
  /** Goes on until nothing is under way and only what is due after `untilMs` is to come. */
  run(untilMs: number): Promise<void>;
}

interface Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

/** How long one turn takes at most, in milliseconds: often none at all, so that clocks show the same. */
const MAX_TURN_MS = 4;

/** How far time may jump although something is under way, in milliseconds: less than a handler may take. */
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
      // Whatever a step has set off comes to its next turn before another one goes on.
      do await new Promise((resolve) => setImmediate(resolve));
      while (step(untilMs));
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}
