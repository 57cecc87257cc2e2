/** Runs one task after the other, in the order of the calls. */
export interface Queue {
  /** How many tasks wait or run. */
  readonly length: number;
  /**
   * When its turn has come: calls `prepare`, waits for its value if that is a promise, and calls `finish` with it. At once,
   * before `run` returns, when nothing is under way and there is nothing to wait for.
   * @returns What `finish` returns. If either throws, the caller gets the exception, and the next task runs all the same.
   */
  run<T, R>(prepare: () => T | Promise<T>, finish: (value: T) => R): R | Promise<R>;
}

export function createQueue(): Queue {
  let last: Promise<void> | undefined;
  let length = 0;
  return {
    run: <T, R>(prepare: () => T | Promise<T>, finish: (value: T) => R) => {
      const prepared = last ? last.then(prepare) : prepare();
      if (!(prepared instanceof Promise)) return finish(prepared);
      length += 1;
      // In an array, as what `finish` returns may be a promise that nobody else should wait for.
      const finished = prepared.then((value) => [finish(value)] as const);
      const onTurn = () => {
        length -= 1;
        if (length === 0) last = undefined;
      };
      last = finished.then(onTurn, onTurn);
      return finished.then(([result]) => result);
    },
    get length() {
      return length;
    },
  };
}
