import type { Cancel, LockOptions, Locks } from '../environment.ts';

/**
 * Takes a lock, and waits for it unless told otherwise: `steal` takes it from whoever holds it.
 * @param onLost Called when it was stolen, or could not be had at all.
 * @returns Gives it back; `undefined` when it is not available. Everybody gets every lock without `locks`, and where the page may
 *   not use them.
 */
export function acquire(
  locks: Locks | undefined,
  name: string,
  options: LockOptions = {},
  onLost?: () => void,
): Promise<Cancel | undefined> {
  return new Promise((resolve, reject) => {
    if (!locks) return resolve(() => {});
    const onRequested = (lock: unknown) =>
      lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined);
    new Promise((asked) => asked(locks.request(name, options, onRequested))).catch((error) => {
      if (error?.name === 'SecurityError') return resolve(() => {});
      reject(error);
      onLost?.();
    });
  });
}
