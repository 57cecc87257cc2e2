import type { Cancel, Locks } from './environment.ts';

/**
 * Takes a lock, and waits for it unless told otherwise.
 * @returns Gives it back; `undefined` when it is not available. Without `locks`, everybody gets every lock.
 */
export function acquire(
  locks: Locks | undefined,
  name: string,
  options: { readonly ifAvailable?: boolean } = {},
): Promise<Cancel | undefined> {
  return new Promise((resolve, reject) => {
    if (!locks) return resolve(() => {});
    locks
      .request(name, options, (lock) => (lock ? new Promise<void>((release) => resolve(release)) : resolve(undefined)))
      .catch(reject);
  });
}
