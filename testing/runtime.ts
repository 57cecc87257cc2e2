/** Cancels a timer; harmless when repeated. */
export type Cancel = () => void;

/** What the test server takes from the runtime. It looks each up when it needs it: fake timers may come and go. */
export interface Runtime {
  /** Epoch milliseconds. */
  now(): number;
  /** At least 0 and less than 1. */
  random(): number;
  /** Calls `callback` once, `delayMs` from now. */
  setTimer(delayMs: number, callback: () => void): Cancel;
}

/** The runtime's own clock, chance and timers. The timers do not keep a Node process alive. */
export const RUNTIME: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  setTimer(delayMs, callback) {
    const timer: unknown = setTimeout(callback, delayMs);
    // In jsdom, timers are numbers.
    if (typeof timer === 'object') (timer as { unref?(): void }).unref?.();
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

/** Timers that can be cancelled all at once. */
export interface Timers extends Pick<Runtime, 'setTimer'> {
  /** Cancels all of them, now and later ones. */
  close(): void;
}

export function createTimers({ setTimer }: Pick<Runtime, 'setTimer'>): Timers {
  const pending = new Set<Cancel>();
  let isClosed = false;
  return {
    setTimer(delayMs, callback) {
      if (isClosed) return () => {};
      const cancelTimer = setTimer(delayMs, () => {
        pending.delete(cancel);
        callback();
      });
      const cancel = () => {
        pending.delete(cancel);
        cancelTimer();
      };
      pending.add(cancel);
      return cancel;
    },
    close() {
      isClosed = true;
      for (const cancel of pending) cancel();
    },
  };
}
