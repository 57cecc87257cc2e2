import { expect } from 'vitest';

/** Expects something that becomes so, soon, on a machine that may be busy. */
export function eventually<T>(read: () => T) {
  return expect.poll(read, { interval: 5, timeout: 15_000 });
}
