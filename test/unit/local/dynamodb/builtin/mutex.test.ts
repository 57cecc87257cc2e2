import { expect, test } from 'vitest';
import { createMutex } from '../../../../../local/dynamodb/builtin/mutex.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('holders of one key take turns, in the order in which they asked', async () => {
  const mutex = createMutex();
  const order: string[] = [];
  const first = await mutex.acquire('key');
  const others = ['second', 'third'].map(async (name) => {
    const release = await mutex.acquire('key');
    order.push(name);
    await settled();
    order.push(`${name} done`);
    release();
  });
  await settled();
  expect(order).toEqual([]);
  first();
  await Promise.all(others);
  expect(order).toEqual(['second', 'second done', 'third', 'third done']);
});

test('other keys do not wait', async () => {
  const mutex = createMutex();
  await mutex.acquire('one');
  expect(await mutex.acquire('another')).toBeTypeOf('function');
});

test('releasing twice lets only one in', async () => {
  const mutex = createMutex();
  const release = await mutex.acquire('key');
  const second = mutex.acquire('key');
  release();
  await second;
  release();
  let isThirdIn = false;
  void mutex.acquire('key').then(() => {
    isThirdIn = true;
  });
  await settled();
  expect(isThirdIn).toBe(false);
});
