import { expect, it } from 'vitest';
import { Cursor } from '../../../client/receiving/cursor.ts';
import { createDedupe } from '../../../client/receiving/dedupe.ts';
import { messageAt } from '../../support/client-world.ts';

const minute = 60_000;

/** A memory whose messages are sent at the moment at which they arrive, and move the cursor unless it is held. */
function remembering() {
  let time = 1_000_000;
  const cursor = new Cursor();
  const dedupe = createDedupe({ now: () => time, aheadMs: 0 }, cursor, 10_000);
  const sentAt = new Map<string, number>();
  const isNew = (id: number | string, at?: number) => {
    const message = messageAt(at ?? sentAt.get(String(id)) ?? time, String(id));
    sentAt.set(message.id, message.sentAt);
    return dedupe.isNew(message);
  };
  return {
    cursor,
    isNew,
    add: (from: number, to: number) => {
      for (let id = from; id < to; id += 1) isNew(id);
    },
    catchUp: () => cursor.advance(messageAt(time).serial),
    pass: (ms: number) => {
      time += ms;
    },
  };
}

it('remembers everything of the last ten minutes, however much it was', () => {
  const memory = remembering();
  memory.add(0, 15_000);
  memory.pass(10 * minute - 1);
  memory.catchUp();
  memory.add(15_000, 15_001);
  expect(memory.isNew(0)).toBe(false);
});

it('remembers the newest ten thousand, however long ago they came', () => {
  const memory = remembering();
  memory.add(0, 10_001);
  memory.pass(1_000 * minute);
  memory.catchUp();
  expect(memory.isNew('later')).toBe(true);
  expect(memory.isNew(2)).toBe(false);
});

it('remembers whatever the next resume can bring again, however long ago and however much it was', () => {
  const memory = remembering();
  memory.catchUp();
  memory.pass(2 * minute);
  memory.add(0, 15_000);
  memory.pass(1_000 * minute);
  memory.add(15_000, 15_001);
  expect(memory.isNew(0)).toBe(false);
});

it('remembers everything until it is known from where to resume', () => {
  const memory = remembering();
  memory.add(0, 15_000);
  memory.pass(1_000 * minute);
  memory.add(15_000, 15_001);
  expect(memory.isNew(0)).toBe(false);
});

it('forgets what is neither new nor among the newest nor to be resumed, so that memory is bounded', () => {
  const memory = remembering();
  memory.add(0, 10_001);
  memory.pass(10 * minute);
  memory.catchUp();
  memory.add(10_001, 10_101);
  expect(memory.isNew(0)).toBe(true);
  expect(memory.isNew(10_100)).toBe(false);
});

it('forgets also when the clock was set back by a year', () => {
  const memory = remembering();
  memory.add(0, 10_001);
  memory.pass(-525_600 * minute);
  memory.cursor.advance(messageAt(2_000_000).serial);
  memory.add(10_001, 10_101);
  expect(memory.isNew(0)).toBe(true);
  expect(memory.isNew(10_100)).toBe(false);
});

it('remembers a message by its latest copy, which may come again from the log', () => {
  const memory = remembering();
  memory.isNew('copied');
  memory.pass(5 * minute);
  expect(memory.isNew('copied', 1_000_000 + 5 * minute)).toBe(false);
  expect(memory.isNew('copied', 1_000_000)).toBe(false);
  memory.cursor.advance(messageAt(1_000_000 + 7 * minute).serial);
  memory.pass(1_000 * minute);
  memory.add(0, 10_101);
  expect(memory.isNew('copied')).toBe(false);
});

it('tells a user from a service, and one id from another with the same letters', () => {
  const { isNew } = createDedupe({ now: () => 0, aheadMs: 0 }, new Cursor(), 10_000);
  const message = { ...messageAt(1), id: 'a' };
  expect(isNew({ ...message, from: { user: 'b c' } })).toBe(true);
  expect(isNew({ ...message, from: { service: 'b c' } })).toBe(true);
  expect(isNew({ ...message, from: { user: 'c' } })).toBe(true);
});
