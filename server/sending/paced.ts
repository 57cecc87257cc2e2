import type { Now } from '../clock.ts';

/** How fast one invocation of `deliver` posts, and until when. */
export interface Pace {
  readonly postsPerSecond: number;
  /** Posts under way at once. */
  readonly atOnce: number;
  /** Epoch milliseconds: no post begins from then on. */
  readonly stopAt: number;
  /** Epoch milliseconds: a post that is still under way counts as not made. `Infinity`: waits for each post. */
  readonly leaveAt: number;
}

/** What time does to posts. Injected, so that tests need not wait. */
export interface PaceClock {
  readonly now: Now;
  sleep(ms: number): Promise<void>;
  /** At least 0 and less than 1. */
  random(): number;
}

/** The clock of this machine. */
export const SYSTEM_CLOCK: PaceClock = {
  now: Date.now,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  random: Math.random,
};

/** What became of the targets. */
export interface PacedOutcome<T> {
  /** The targets without a result, in their order. */
  readonly left: readonly T[];
  /** How many posts the API refused because of its quota. */
  readonly throttled: number;
  /** Why it stopped early. */
  readonly error?: unknown;
}

/** The wait after the first refusal, in milliseconds. It doubles with each further one, up to the longest. */
const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2_000;

/**
 * Posts to each target at a steady pace. When the API refuses a post because of its quota, all posts wait, with jitter,
 * and that target is tried again. Stops early when the time is over, or at the first rejection.
 * @param post posts to one target; `throttled`: nothing was posted
 */
export async function postPaced<T>(
  targets: readonly T[],
  post: (target: T) => Promise<'done' | 'throttled'>,
  { postsPerSecond, atOnce, stopAt, leaveAt }: Pace,
  { now, sleep, random }: PaceClock,
): Promise<PacedOutcome<T>> {
  const queue = [...targets];
  const withoutResult = new Set(targets);
  const failures: unknown[] = [];
  let throttled = 0;
  let waitMs = FIRST_WAIT_MS;
  /** When the next post may begin, and when the last wait was decided on. */
  let nextAt = now();
  let waitsSince = Number.NEGATIVE_INFINITY;

  async function work(): Promise<void> {
    for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
      const slot = Math.max(nextAt, now());
      nextAt = slot + 1000 / postsPerSecond;
      if (slot > now()) await sleep(slot - now());
      if (now() >= stopAt || failures.length > 0) return;
      if ((await post(target)) === 'throttled') refuse(target, slot);
      else {
        withoutResult.delete(target);
        waitMs = FIRST_WAIT_MS;
      }
    }
  }

  /** Only the first refusal among the posts that were under way at once lengthens the wait. */
  function refuse(target: T, begunAt: number): void {
    throttled += 1;
    queue.push(target);
    if (begunAt < waitsSince) return;
    waitsSince = now();
    nextAt = Math.max(nextAt, now() + waitMs * (0.5 + random() / 2));
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  }

  const workers = Array.from({ length: Math.min(atOnce, targets.length) }, () =>
    work().catch((error: unknown) => {
      failures.push(error);
    }),
  );
  const allDone = Promise.all(workers);
  await (leaveAt === Number.POSITIVE_INFINITY ? allDone : Promise.race([allDone, sleep(leaveAt - now())]));
  const left = targets.filter((target) => withoutResult.has(target));
  return { left, throttled, ...(failures.length > 0 && { error: failures[0] }) };
}
