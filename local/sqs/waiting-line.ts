import type { Clock } from '../clock.ts';

/** Tries to get something. Returns `undefined` if there is nothing yet. */
export type Attempt<Result> = () => Promise<Result> | undefined;

/** The callers that wait until something is available (long polling). */
export interface WaitingLine<Result> {
  /** Tries again at each {@link wake}. Resolves with `undefined` after `waitMs`, or when `signal` aborts. */
  wait(attempt: Attempt<Result>, waitMs: number, signal?: AbortSignal): Promise<Result | undefined>;
  /** Makes all callers try again, in their order, after the current turn of the event loop. */
  wake(): void;
  /** Ends all waits. */
  close(): void;
}

interface Waiter<Result> {
  readonly attempt: Attempt<Result>;
  readonly leave: (result?: Promise<Result>) => void;
}

export function createWaitingLine<Result>(clock: Clock): WaitingLine<Result> {
  const waiters = new Set<Waiter<Result>>();
  let isWaking = false;

  const serve = () => {
    isWaking = false;
    for (const waiter of waiters) {
      const result = waiter.attempt();
      if (result !== undefined) waiter.leave(result);
    }
  };

  return {
    wait: (attempt, waitMs, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve(undefined);
        const leave: Waiter<Result>['leave'] = (result) => {
          waiters.delete(waiter);
          cancel();
          signal?.removeEventListener('abort', giveUp);
          resolve(result);
        };
        const waiter = { attempt, leave };
        const giveUp = () => leave();
        const cancel = clock.after(waitMs, giveUp);
        signal?.addEventListener('abort', giveUp);
        waiters.add(waiter);
      }),
    wake() {
      if (isWaking || waiters.size === 0) return;
      isWaking = true;
      setImmediate(serve);
    },
    close() {
      for (const { leave } of waiters) leave();
    },
  };
}
