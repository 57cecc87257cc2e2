import type { Cancel, LockOptions, Locks } from './environment.ts';

/**
 * Takes a lock, and waits for it unless told otherwise: `steal` takes it from whoever holds it.
 * @param onLost Called when it was stolen, or could not be had at all.
 * @returns Gives it back; `undefined` when it is not available. Without `locks`, everybody gets every lock.
 */
export function acquire(
  locks: Locks | undefined,
  name: string,
  options: LockOptions = {},
  onLost?: () => void,
): Promise<Cancel | undefined> {
  return new Promise((resolve, reject) => {
    if (!locks) return resolve(() => {});
    locks
      .request(name, options, (lock) => (lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined)))
      .catch((error) => {
        reject(error);
        onLost?.();
      });
  });
}
