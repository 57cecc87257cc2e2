import { expect, test } from 'vitest';
import { RULES, type Rule } from '../support/presence-backend.ts';
import { playSchedule } from '../support/presence-world.ts';

/** How many schedules are played; more with `SCHEDULES=10000`. */
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 1000);

/** The first of them; one alone with `SCHEDULES=1 FIRST=4711`. */
const FIRST = Number(process.env['FIRST'] ?? 1);

/** Within how many it must show that a rule is missing. */
const MAX_SCHEDULES_WITHOUT_A_RULE = 5000;

async function firstFailure(count: number, without?: Rule) {
  for (let seed = FIRST; seed < FIRST + count; seed += 1) {
    const problems = await playSchedule(seed, without);
    if (problems.length > 0) return { seed, problems };
  }
  return undefined;
}

test(`in ${SCHEDULES} schedules what is announced, and what every watcher sees, is so in the end`, async () => {
  expect(await firstFailure(SCHEDULES)).toBeUndefined();
}, 1_800_000);

test.each(RULES)(
  'without the rule "%s" there is a schedule in which it is not',
  async (rule) => {
    expect(await firstFailure(MAX_SCHEDULES_WITHOUT_A_RULE, rule)).toBeDefined();
  },
  600_000,
);
