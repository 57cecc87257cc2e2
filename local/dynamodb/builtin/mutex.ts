/** Releases the lock. Does nothing the second time. */
export type Release = () => void;

/** Locks by key. The callers for one key take turns, in the order of their calls. */
export interface Mutex {
  acquire(key: string): Promise<Release>;
}

export function createMutex(): Mutex {
  const tails = new Map<string, Promise<void>>();
  return {
    async acquire(key) {
      const before = tails.get(key) ?? Promise.resolve();
      let release: Release = () => undefined;
      const mine = new Promise<void>((resolve) => {
        release = resolve;
      });
      const tail = before.then(() => mine);
      tails.set(key, tail);
      await before;
      return () => {
        if (tails.get(key) === tail) tails.delete(key);
        release();
      };
    },
  };
}
