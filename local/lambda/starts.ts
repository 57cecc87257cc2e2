import { availableParallelism } from 'node:os';

/**
 * Limits how many environments start at a time. A start keeps a core busy. If hundreds of invocations come at once, hundreds
 * of starts would slow each other down, until invocations time out that a warm environment could have served.
 */
export interface Starts {
  /** Runs a start now, or as soon as the limit allows, in the order of the calls. */
  run<T>(start: () => Promise<T>): Promise<T>;
}

/**
 * @param most The limit. Default: two for each core of the machine, at least four, so that a hanging start does not block
 *   the others.
 */
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
        // The next waiting start takes the place.
        const next = waiting.shift();
        if (next) next();
        else running -= 1;
      }
    },
  };
}
