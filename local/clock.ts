/** Cancels a timer. Does nothing after it has fired. */
export type Cancel = () => void;

/** The local cloud's only source of time. With it, the limits of 10 minutes and 2 hours pass in seconds. */
export interface Clock {
  /** The speed, as a multiple of the wall clock's. */
  readonly timeScale: number;
  /** Epoch milliseconds, in cloud time. */
  now(): number;
  /** Calls `callback` once, `delayMs` of cloud time from now. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): Cancel;
  /** Resolves after `delayMs` of cloud time, or at once when `signal` aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Creates a clock that runs `timeScale` times as fast as the wall clock (default 1).
 * @param startsAtMs Its time now, in epoch milliseconds. Default: the wall clock's time.
 */
export function createClock(timeScale = 1, startsAtMs = Date.now()): Clock {
  if (!(timeScale > 0)) throw new TypeError(`timeScale must be a number above 0, got ${timeScale}`);
  const startedAt = Date.now();
  const after = (delayMs: number, callback: () => void): Cancel => {
    const timer = setTimeout(callback, delayMs / timeScale);
    timer.unref();
    return () => clearTimeout(timer);
  };
  return {
    timeScale,
    now: () => Math.floor(startsAtMs + (Date.now() - startedAt) * timeScale),
    after,
    sleep: (delayMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const done = () => {
          cancel();
          signal?.removeEventListener('abort', done);
          resolve();
        };
        const cancel = after(delayMs, done);
        signal?.addEventListener('abort', done);
      }),
  };
}
