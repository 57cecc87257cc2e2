import { expect, it } from 'vitest';
import { createQueue } from '../../../client/base/queue.ts';
import { settle } from '../../support/client-world.ts';
import { deferred } from '../../support/deferred.ts';

function recording() {
  const queue = createQueue();
  const done: unknown[] = [];
  const run = (prepare: () => unknown) => queue.run(prepare, (value) => done.push(value));
  return { queue, done, run };
}

it('does at once what waits for nothing', () => {
  const { queue, done, run } = recording();
  expect([run(() => 1), run(() => 2)]).toEqual([1, 2]);
  expect(done).toEqual([1, 2]);
  expect(queue.length).toBe(0);
});

it('lets nothing overtake what has to be waited for, also not what comes right when that is done', async () => {
  const { queue, done, run } = recording();
  const first = deferred<string>();
  void Promise.resolve(run(() => first.promise)).then(() => run(() => 'right after'));
  void run(() => 'second');
  void run(async () => 'third');
  await settle();
  expect(done).toEqual([]);
  expect(queue.length).toBe(3);
  first.resolve('first');
  await settle();
  expect(done).toEqual(['first', 'second', 'third', 'right after']);
  expect(queue.length).toBe(0);
  void run(() => 'at once');
  expect(done.at(-1)).toBe('at once');
});

it('begins nothing before its turn', async () => {
  const { run } = recording();
  const first = deferred<void>();
  let begun = false;
  void run(() => first.promise);
  void run(() => {
    begun = true;
  });
  await settle();
  expect(begun).toBe(false);
  first.resolve();
  await settle();
  expect(begun).toBe(true);
});

it('does not wait for what comes of it', async () => {
  const { queue, done, run } = recording();
  const never = new Promise<never>(() => {});
  void queue.run(
    async () => {},
    () => never,
  );
  void run(() => 'next');
  await settle();
  expect(done).toEqual(['next']);
});

it('gives the next one its turn when one fails, and tells only whose it was', async () => {
  const { queue, done, run } = recording();
  const failed = queue.run(
    () => Promise.reject(new Error('prepare')),
    () => {},
  );
  const failedLater = queue.run(
    () => 1,
    () => {
      throw new Error('finish');
    },
  );
  const next = run(() => 'next');
  expect(await Promise.allSettled([failed, failedLater, next])).toMatchObject([
    { reason: { message: 'prepare' } },
    { reason: { message: 'finish' } },
    { value: 1 },
  ]);
  expect(done).toEqual(['next']);
  expect(() => run(() => JSON.parse('x'))).toThrow(SyntaxError);
  void run(() => 'last');
  expect(done).toEqual(['next', 'last']);
});
