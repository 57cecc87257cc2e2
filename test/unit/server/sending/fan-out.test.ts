import { describe, expect, test } from 'vitest';
import { ALL_CONNECTION_IDS, type ConnectionIdRange, divide } from '../../../../server/sending/fan-out.ts';
import { spreadId } from '../../../support/delivery-world.ts';

const contains = (id: string) => (range: ConnectionIdRange) => range.first <= id && id <= range.last;

/** Divides a range whose ids are known, as a function does that reads only the first ones. */
function divideIds(ids: readonly string[], read: number, range = ALL_CONNECTION_IDS) {
  const parts = divide(range, ids.slice(0, read));
  return { parts, sizes: parts.map((part) => ids.filter((id) => contains(id)(part)).length) };
}

const spread = (count: number) => Array.from({ length: count }, (_, number) => spreadId(number)).toSorted();
const clustered = (count: number) =>
  Array.from({ length: count }, (_, number) => `${'x'.repeat(10)}${String(number).padStart(5, '0')}=`);

describe('the parts of a range', () => {
  test.each([
    ['random', spread(5_000)],
    ['clustered', clustered(5_000)],
    [
      'at the ends of the alphabet',
      ['-', '0', 'z'].flatMap((start) => clustered(400).map((id) => start + id.slice(1))),
    ],
  ])('contain each id once: %s', (_, ids) => {
    for (const read of [1, 201, 500]) {
      const { parts } = divideIds(ids, read);
      expect(ids.filter((id) => parts.filter(contains(id)).length !== 1)).toEqual([]);
      for (const { first, last } of parts) expect(first <= last).toBe(true);
    }
  });

  test.each([
    [300, 201, 2],
    [1_000, 201, 3],
    [5_000, 500, 12],
  ])('are about as many as they need to be: %i connections', (count, read, most) => {
    const { sizes } = divideIds(spread(count), read);
    expect(sizes.length).toBeLessThanOrEqual(most + 2);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(500);
  });

  test('are at most 16, however many connections there are', () => {
    const { parts, sizes } = divideIds(spread(50_000), 500);
    expect(parts).toHaveLength(16);
    expect(Math.max(...sizes)).toBeLessThan(4_000);
  });

  test('are smaller than the range, even if all ids are alike', () => {
    const { sizes } = divideIds(clustered(2_000), 500);
    expect(sizes).toEqual([500, 1_500]);
  });
});
