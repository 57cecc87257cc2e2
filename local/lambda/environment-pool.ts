import { setMaxListeners } from 'node:events';
import type { Cancel, Clock } from '../clock.ts';
import type { Environment, Started } from './environment.ts';
import { IDLE_ENVIRONMENT_MS, MAX_ENVIRONMENTS_PER_FUNCTION } from './limits.ts';
import type { Starts } from './starts.ts';

/** An execution environment for one invocation. It is `cold` if it started for that invocation. */
export type Acquired =
  | (Extract<Started, { kind: 'started' }> & { readonly cold: boolean })
  | Extract<Started, { kind: 'failed' }>;

/**
 * The execution environments of one function. An invocation gets the most recently used one. If all are busy, a new one
 * starts. One that is idle for some minutes ends.
 */
export interface EnvironmentPool {
  /** Waits for an environment for one invocation. Rejects if the local cloud cannot start any. */
  acquire(): Promise<Acquired>;
  /** Takes an environment back, unless it is dead. */
  release(environment: Environment): void;
  close(): Promise<void>;
}

interface Waiter {
  resolve(acquired: Acquired): void;
  reject(error: unknown): void;
}

interface Parked {
  readonly environment: Environment;
  readonly cancelEnd: Cancel;
}

export interface StartHooks {
  readonly signal: AbortSignal;
  readonly onEnd: (environment: Environment) => void;
}

export interface EnvironmentPoolOptions {
  readonly clock: Clock;
  /** Starts an environment, and gives up when `signal` aborts. */
  readonly start: (hooks: StartHooks) => Promise<Started>;
  /** The turns of all functions. */
  readonly starts: Starts;
  readonly maxEnvironments?: number;
}

export function createEnvironmentPool(options: EnvironmentPoolOptions): EnvironmentPool {
  const { clock, start, starts, maxEnvironments = MAX_ENVIRONMENTS_PER_FUNCTION } = options;
  const all = new Set<Environment>();
  const waiting: Waiter[] = [];
  let parked: Parked[] = [];
  const starting = new Set<Promise<void>>();
  const closing = new AbortController();
  const { signal } = closing;
  // One listener for each starting environment.
  setMaxListeners(0, signal);

  const forget = (environment: Environment) => {
    all.delete(environment);
    parked.find((each) => each.environment === environment)?.cancelEnd();
    parked = parked.filter((each) => each.environment !== environment);
  };

  const offer = (environment: Environment, cold: boolean) => {
    const waiter = waiting.shift();
    if (waiter) return waiter.resolve({ kind: 'started', environment, cold });
    const cancelEnd = clock.after(IDLE_ENVIRONMENT_MS, () => {
      forget(environment);
      void environment.stop();
    });
    parked.push({ environment, cancelEnd });
  };

  const startOne = async () => {
    const started = await starts.run(async () => {
      // Another environment may have become free before the turn of this one.
      const isNeeded = waiting.length > 0 && !signal.aborted;
      return isNeeded ? start({ signal, onEnd: forget }) : undefined;
    });
    if (!started) return;
    if (started.kind === 'failed') {
      waiting.shift()?.resolve(started);
    } else if (signal.aborted) {
      await started.environment.stop();
    } else {
      all.add(started.environment);
      offer(started.environment, true);
    }
  };

  const startForWaiting = () => {
    while (!signal.aborted && starting.size < waiting.length && all.size + starting.size < maxEnvironments) {
      const ending = startOne()
        .catch((error: unknown) => waiting.shift()?.reject(error))
        .finally(() => {
          starting.delete(ending);
          startForWaiting();
        });
      starting.add(ending);
    }
  };

  return {
    acquire() {
      const warm = parked.pop();
      warm?.cancelEnd();
      if (warm?.environment.alive) {
        return Promise.resolve({ kind: 'started', environment: warm.environment, cold: false });
      }
      return new Promise((resolve, reject) => {
        if (signal.aborted) return resolve({ kind: 'failed', outcome: CLOSED });
        waiting.push({ resolve, reject });
        startForWaiting();
      });
    },
    release(environment) {
      if (environment.alive) return offer(environment, false);
      forget(environment);
      startForWaiting();
    },
    async close() {
      closing.abort();
      for (const { cancelEnd } of parked) cancelEnd();
      for (const waiter of waiting.splice(0)) waiter.resolve({ kind: 'failed', outcome: CLOSED });
      await Promise.all([...all].map((environment) => environment.stop()));
      await Promise.all(starting);
    },
  };
}

const CLOSED = {
  kind: 'error',
  error: { errorType: 'Runtime.ExitError', errorMessage: 'The local cloud was stopped' },
} as const;
