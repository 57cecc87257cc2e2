import type { Environment } from '../environment.ts';
import { onAbort } from './abort.ts';

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
