import { beforeEach, describe, expect, test } from 'vitest';
import { problem } from '../../protocol/index.ts';
import type { Now } from '../../server/clock.ts';
import { createNoteAnswer, type Offences } from '../../server/gate/offences.ts';
import type { Task } from '../../server/tasks.ts';

const START = 1_800_000_000_000;
const BOB = { userId: 'bob', connectionId: 'b1=' };
const ENVIRONMENTS = 20;

/** The contract of every count of offences. `open` creates one over an empty table, with the given clock. */
export function offencesContract(name: string, open: (now: Now) => Promise<Offences>): void {
  describe(`offences on ${name}`, () => {
    let offences: Offences;
    let nowMs: number;

    beforeEach(async () => {
      nowMs = START;
      offences = await open(() => nowMs);
    });

    test('add up for a minute from the first one, then start again', async () => {
      expect(await offences.add(BOB, 10)).toBe(10);
      nowMs += 30_000;
      expect(await offences.add(BOB, 10.5)).toBe(20.5);
      nowMs += 29_999;
      expect(await offences.add(BOB, 10)).toBe(30.5);
      nowMs += 1;
      expect(await offences.add(BOB, 10)).toBe(10);
      expect(await offences.add(BOB, 10)).toBe(20);
    });

    test('belong to one connection', async () => {
      await offences.add(BOB, 10);
      expect(await offences.add({ ...BOB, connectionId: 'b2=' }, 10)).toBe(10);
      expect(await offences.add({ ...BOB, userId: 'eve' }, 10)).toBe(10);
    });

    test('all count when they arrive at once, the first ones too', async () => {
      const sums = await Promise.all(Array.from({ length: 12 }, () => offences.add(BOB, 10)));
      expect(sums.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => 10 * (index + 1)));
    });

    /** Sends frames to environments in turn until their connection is closed. Returns the number of frames. */
    async function framesUntilClosed(chosen: (frame: number) => number): Promise<number> {
      const tasks: Task[] = [];
      const add = async (added: readonly Task[]) => {
        tasks.push(...added);
      };
      const options = { offences, tasks: { add }, callbackUrl: 'https://api', now: () => nowMs };
      const environments = Array.from({ length: ENVIRONMENTS }, () => createNoteAnswer(options));
      let frames = 0;
      for (; tasks.length === 0 && frames < 1000; frames += 1) {
        await environments[chosen(frames) % ENVIRONMENTS]?.(BOB, problem('unknown_action'));
      }
      expect(tasks).toMatchObject([{ kind: 'disconnect', ...BOB, bye: { code: 'unknown_action' } }]);
      return frames;
    }

    test(`close a connection at frame 50, or with ${ENVIRONMENTS} environments 9 frames later for each at most`, async () => {
      expect(await framesUntilClosed(() => 0)).toBe(50);
      nowMs += 60_000;
      const inTurn = await framesUntilClosed((frame) => frame);
      expect(inTurn).toBeGreaterThan(50);
      expect(inTurn).toBeLessThanOrEqual(50 + 9 * ENVIRONMENTS);
      nowMs += 60_000;
      // The worst case: one environment has the rest, and all the others have nine.
      const worst = await framesUntilClosed((frame) => (frame < 9 * ENVIRONMENTS ? frame : 0));
      expect(worst).toBeLessThanOrEqual(50 + 9 * ENVIRONMENTS);
    });
  });
}
