import { BeckonError } from './errors.ts';

/** Hands values that come whenever they come to a `for await` loop that takes them when it can. */
export interface Inbox<T> extends AsyncIterableIterator<T> {
  /** Ends the iteration with an error when more than `maxBuffered` wait. */
  push(value: T): void;
  /** Ends the iteration once what waits has been taken; with an error if one is given. */
  end(error?: unknown): void;
}

/**
 * @param maxBuffered How many values may wait for the loop.
 * @param onEnd Called once, when the iteration ends on either side.
 */
export function createInbox<T>(maxBuffered: number, onEnd: () => void): Inbox<T> {
  const buffered: T[] = [];
  const takers: { resolve(result: IteratorResult<T>): void; reject(error: unknown): void }[] = [];
  let ended = false;
  let failure: { readonly error: unknown } | undefined;

  const finish = (error?: unknown) => {
    if (ended) return;
    ended = true;
    if (error !== undefined) failure = { error };
    for (const taker of takers.splice(0)) {
      if (error === undefined) taker.resolve(DONE);
      else taker.reject(error);
    }
    onEnd();
  };
  const next = async (): Promise<IteratorResult<T>> => {
    if (buffered.length > 0) return { done: false, value: buffered.shift() as T };
    if (!ended) return new Promise((resolve, reject) => takers.push({ resolve, reject }));
    const failed = failure;
    failure = undefined;
    if (failed) throw failed.error;
    return DONE;
  };
  return {
    push: (value) => {
      if (ended) return;
      const taker = takers.shift();
      if (taker) taker.resolve({ done: false, value });
      else if (buffered.length >= maxBuffered) finish(new BeckonError('slow_consumer'));
      else buffered.push(value);
    },
    end: finish,
    next,
    return: async () => {
      buffered.length = 0;
      finish();
      return DONE;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

const DONE = { done: true, value: undefined } as const;
