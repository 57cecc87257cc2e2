import { expect, test } from 'vitest';
import { createRandom } from '../../../local/random.ts';

const take = (seed: number, stream: string, count = 5) => {
  const random = createRandom(seed, stream);
  return Array.from({ length: count }, () => random());
};

test('the same seed and stream give the same numbers, another seed or stream others', () => {
  expect(take(1, 'a')).toEqual(take(1, 'a'));
  expect(take(1, 'a')).not.toEqual(take(2, 'a'));
  expect(take(1, 'a')).not.toEqual(take(1, 'b'));
});

test('they are spread evenly from 0 to 1', () => {
  const buckets = new Array<number>(10).fill(0);
  for (const number of take(7, 'even', 10_000)) {
    const bucket = Math.floor(number * 10);
    buckets[bucket] = (buckets[bucket] ?? 0) + 1;
  }
  expect(buckets).toHaveLength(10);
  for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test('streams with similar names have nothing in common', () => {
  const firsts = Array.from({ length: 1000 }, (_, index) => take(1, `item-${index}`, 1)[0]);
  expect(new Set(firsts).size).toBe(1000);
});
