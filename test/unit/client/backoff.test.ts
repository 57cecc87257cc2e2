import { expect, it } from 'vitest';
import { backoffDelayMs } from '../../../client/base/backoff.ts';
import { seededRandom } from '../../support/client-world.ts';

const backoff = { minBackoffMs: 1_000, maxBackoffMs: 30_000 };

it('doubles the upper end with each failure, up to the cap', () => {
  const ends = [0, 1, 2, 3, 4, 5, 60, 5_000].map((failures) => backoffDelayMs(failures, () => 1, backoff));
  expect(ends).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

it('spreads the waits evenly from zero to the upper end, from the first attempt on', () => {
  const random = seededRandom(1);
  for (const [failures, end] of [
    [0, 1_000],
    [9, 30_000],
  ] as const) {
    const tenths = new Array<number>(10).fill(0);
    for (let index = 0; index < 10_000; index += 1) {
      const tenth = Math.floor(backoffDelayMs(failures, random, backoff) / (end / 10));
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    expect(Math.min(...tenths)).toBeGreaterThan(900);
    expect(Math.max(...tenths)).toBeLessThan(1_100);
  }
});
