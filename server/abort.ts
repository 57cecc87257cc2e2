import { setMaxListeners } from 'node:events';

type Signal = AbortSignal | undefined;

/** @throws TypeError for what is no signal */
export function checkSignal(signal: Signal): Signal {
  if (signal === undefined || typeof signal?.throwIfAborted === 'function') return signal;
  throw new TypeError(`signal must be an AbortSignal, such as AbortSignal.timeout(2_000); got ${typeof signal}`);
}

/**
 * Does some work, and waits for it until one of the signals aborts. The work itself goes on.
 * @throws the reason of the signal that aborts; if it has aborted before, nothing is done
 */
export async function unlessAborted<T>(work: () => Promise<T>, ...signals: readonly Signal[]): Promise<T> {
  for (const signal of signals) signal?.throwIfAborted();
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signals.find((signal) => signal?.aborted)?.reason);
  });
  for (const signal of signals) {
    // Node warns of eleven, but one signal may be that of many calls at once.
    if (signal instanceof EventTarget) setMaxListeners(0, signal);
    signal?.addEventListener('abort', onAbort);
  }
  try {
    return await Promise.race([aborted, work()]);
  } finally {
    for (const signal of signals) signal?.removeEventListener('abort', onAbort);
  }
}
