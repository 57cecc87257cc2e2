import { expect, it } from 'vitest';
import { createDedupe } from '../../../client/dedupe.ts';

const minute = 60_000;
const message = (id: number | string) => ({ id: String(id), from: { user: 'bob' } });

function remembering() {
  let time = 0;
  const dedupe = createDedupe({ now: () => time });
  return {
    isNew: (id: number | string) => dedupe.isNew(message(id)),
    add: (from: number, to: number) => {
      for (let id = from; id < to; id += 1) dedupe.isNew(message(id));
    },
    pass: (ms: number) => {
      time += ms;
    },
  };
}

it('remembers everything of the last ten minutes, however much it was', () => {
  const memory = remembering();
  memory.add(0, 5_000);
  memory.pass(10 * minute - 1);
  memory.add(5_000, 5_001);
  expect(memory.isNew(0)).toBe(false);
});

it('remembers the newest thousand, however long ago they came', () => {
  const memory = remembering();
  memory.add(0, 1_001);
  memory.pass(1_000 * minute);
  expect(memory.isNew('later')).toBe(true);
  expect(memory.isNew(2)).toBe(false);
});

it('forgets what is both old and not among the newest, so that memory is bounded', () => {
  const memory = remembering();
  memory.add(0, 1_001);
  memory.pass(10 * minute);
  memory.add(1_001, 1_101);
  expect(memory.isNew(0)).toBe(true);
  expect(memory.isNew(1_100)).toBe(false);
});

it('tells a user from a service, and one id from another with the same letters', () => {
  const { isNew } = createDedupe({ now: () => 0 });
  expect(isNew({ id: 'a', from: { user: 'b c' } })).toBe(true);
  expect(isNew({ id: 'a', from: { service: 'b c' } })).toBe(true);
  expect(isNew({ id: 'a', from: { user: 'c' } })).toBe(true);
});
