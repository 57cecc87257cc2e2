import { availableParallelism } from 'node:os';

/**
 * Lets a few environments start at a time. A start keeps a core busy: when hundreds of invocations come at once, one start for
 * each would make all of them slow, until invocations time out that a warm environment could have served meanwhile.
 */
export interface Starts {
  /** Starts something, at once or as soon as fewer than the most are starting; in the order of the calls. */
  run<T>(start: () => Promise<T>): Promise<T>;
}

/** @param most Default: two for each core of the machine, and four at least, so that one which hangs does not hold up the others. */
export function createStarts(most = Math.max(4, 2 * availableParallelism())): Starts {
  const waiting: (() => void)[] = [];
  let running = 0;
  return {
    async run(start) {
      if (running === most) await new Promise<void>((resolve) => waiting.push(resolve));
      else running += 1;
      try {
        return await start();
      } finally {
        // Whoever waits takes the place over.
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
