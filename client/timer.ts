import type { Environment } from './environment.ts';

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
