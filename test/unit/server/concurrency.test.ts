import { expect, test } from 'vitest';
import { mapConcurrently } from '../../../server/concurrency.ts';

test('never more calls under way than the limit, and results in the order of the items', async () => {
  let underWay = 0;
  let most = 0;
  const results = await mapConcurrently([5, 1, 4, 2, 3], 2, async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    for (let turn = 0; turn < item; turn += 1) await Promise.resolve();
    underWay -= 1;
    return item * 10;
  });
  expect(results).toEqual([50, 10, 40, 20, 30]);
  expect(most).toBe(2);
});

test('a rejection is passed on after the calls under way have settled, and no other call begins', async () => {
  const begun: number[] = [];
  const settled: number[] = [];
  const mapping = mapConcurrently([1, 2, 3, 4], 2, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('first');
    await Promise.resolve();
    await Promise.resolve();
    settled.push(item);
  });
  await expect(mapping).rejects.toThrow('first');
  expect([begun, settled]).toEqual([[1, 2], [2]]);
});
