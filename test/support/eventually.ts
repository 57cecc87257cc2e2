import { expect } from 'vitest';

/** Polls a value until the expectation holds, with time for a busy machine. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { interval: 5, timeout: 15_000 });
}
