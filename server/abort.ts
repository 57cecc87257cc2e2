import { setMaxListeners } from 'node:events';

type Signal = AbortSignal | undefined;

/** @throws TypeError if the value is not a signal */
export function checkSignal(signal: Signal): Signal {
  if (signal === undefined || typeof signal?.throwIfAborted === 'function') return signal;
  throw new TypeError(`signal must be an AbortSignal, such as AbortSignal.timeout(2_000); got ${typeof signal}`);
}

/**
 * Starts some work, and waits for it until one of the signals aborts. The work itself continues.
 * @throws the reason of the signal that aborts. If a signal has aborted already, the work does not start
 */
export async function unlessAborted<T>(work: () => Promise<T>, ...signals: readonly Signal[]): Promise<T> {
  for (const signal of signals) signal?.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signals.find((signal) => signal?.aborted)?.reason);
  });
  for (const signal of signals) {
    // Node warns from eleven listeners on, but many calls at once may share one signal.
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    signal?.addEventListener('abort', onAbort);
  }
  try {
    return await Promise.race([aborted, work()]);
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  }
}
