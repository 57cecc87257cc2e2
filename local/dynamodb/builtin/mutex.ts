/** Gives back the lock; harmless when it has been given back. */
export type Release = () => void;

/** Locks by key: the holders of one key take turns, in the order in which they asked. */
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
