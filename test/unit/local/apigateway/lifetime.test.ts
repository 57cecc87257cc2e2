import { expect, test } from 'vitest';
import { watchLifetime } from '../../../../local/apigateway/lifetime.ts';
import { createManualClock } from '../../../support/manual-clock.ts';

const MINUTE_MS = 60_000;

/** A connection that is active every `everyMs`, or never, and when it was expired. */
function watch(everyMs: number | undefined, runMs: number): number[] {
  const clock = createManualClock(0);
  const expiredAtMs: number[] = [];
  let lastActiveAtMs = 0;
  watchLifetime(
    clock,
    0,
    () => lastActiveAtMs,
    () => expiredAtMs.push(clock.now()),
  );
  for (let atMs = 0; atMs < runMs; atMs += everyMs ?? runMs) {
    lastActiveAtMs = everyMs === undefined ? 0 : atMs;
    clock.advance(Math.min(everyMs ?? runMs, runMs - atMs));
  }
  return expiredAtMs;
}

test('an idle connection expires after 10 minutes, once', () => {
  expect(watch(undefined, 300 * MINUTE_MS)).toEqual([10 * MINUTE_MS]);
});

test('an active one expires after 2 hours, once', () => {
  expect(watch(9 * MINUTE_MS, 180 * MINUTE_MS)).toEqual([120 * MINUTE_MS]);
});

test('activity as late as possible counts', () => {
  expect(watch(10 * MINUTE_MS - 1, 30 * MINUTE_MS)).toEqual([]);
});

test('a cancelled watch never expires', () => {
  const clock = createManualClock(0);
  let lastActiveAtMs = 0;
  const cancel = watchLifetime(
    clock,
    0,
    () => lastActiveAtMs,
    () => expect.unreachable(),
  );
  lastActiveAtMs = 9 * MINUTE_MS;
  clock.advance(11 * MINUTE_MS);
  cancel();
  clock.advance(300 * MINUTE_MS);
});
