import { expect, test } from 'vitest';
import { createThrottle } from '../../../local/throttle.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const take = (throttle: { tryTake(): boolean }, count: number): number =>
  Array.from({ length: count }, () => throttle.tryTake()).filter(Boolean).length;

test('starts full and refills at its rate', () => {
  const clock = createManualClock();
  const throttle = createThrottle(clock, 10, 5);
  expect(take(throttle, 10)).toBe(5);
  clock.advance(99);
  expect(take(throttle, 10)).toBe(0);
  clock.advance(1);
  expect(take(throttle, 10)).toBe(1);
  clock.advance(250);
  expect(take(throttle, 10)).toBe(2);
});

test('never holds more than its burst', () => {
  const clock = createManualClock();
  const throttle = createThrottle(clock, 10, 5);
  clock.advance(3_600_000);
  expect(take(throttle, 10)).toBe(5);
});

test('a rate and burst of 0 let nothing through', () => {
  const clock = createManualClock();
  const throttle = createThrottle(clock, 0, 0);
  clock.advance(3_600_000);
  expect(take(throttle, 10)).toBe(0);
});

test('lets a request pass whose tokens are known at its end, and then refills what it owes', () => {
  const clock = createManualClock();
  const throttle = createThrottle(clock, 10, 10);
  throttle.charge(9.5);
  expect(throttle.isOpen()).toBe(true);
  throttle.charge(5.5);
  expect(throttle.isOpen()).toBe(false);
  clock.advance(500);
  expect(throttle.isOpen()).toBe(false);
  clock.advance(1);
  expect(throttle.isOpen()).toBe(true);
});
