import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import { abortWith, onAbort } from './abort.ts';

/** One timer that can be started over: at most one call is due at any time. */
export interface Timer {
  /** Forgets the call that is due, if any, and makes this one due instead. */
  start(delayMs: number, callback: () => void): void;
  stop(): void;
  readonly running: boolean;
}

export function createTimer(environment: Pick<Environment, 'setTimer'>): Timer {
  let cancel: (() => void) | undefined;
  const stop = () => {
    cancel?.();
    cancel = undefined;
  };
  return {
    start: (delayMs, callback) => {
      stop();
      cancel = environment.setTimer(delayMs, () => {
        cancel = undefined;
        callback();
      });
    },
    stop,
    get running() {
      return cancel !== undefined;
    },
  };
}

/** Resolves after `delayMs`, or as soon as the signal aborts. */
export function sleep(environment: Pick<Environment, 'setTimer'>, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = environment.setTimer(delayMs, () => {
      stopWaiting();
      resolve();
    });
    const stopWaiting = onAbort(signal, () => {
      cancel();
      resolve();
    });
  });
}

/** When to stop waiting. */
export interface WaitLimits {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds. `undefined`: without end. */
  readonly timeoutMs?: number | undefined;
}

/**
 * What `promise` settles with.
 * @throws BeckonError `expired` when the time is over; the reason of the signal when it aborts.
 */
export async function within<T>(
  environment: Pick<Environment, 'setTimer'>,
  promise: Promise<T>,
  { signal, timeoutMs }: WaitLimits,
): Promise<T> {
  const time = new AbortController();
  const cancelTimer = timeoutMs && environment.setTimer(timeoutMs, () => abortWith(time, new BeckonError('expired')));
  try {
    return await unlessAborted(unlessAborted(promise, time.signal), signal);
  } finally {
    if (cancelTimer) cancelTimer();
  }
}

/** What `promise` settles with, unless the signal aborts before: then it rejects with its reason. */
export async function unlessAborted<T>(promise: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  let stopWaiting!: () => void;
  const aborted = new Promise<never>((_, reject) => {
    stopWaiting = onAbort(signal, reject);
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    stopWaiting();
  }
}
