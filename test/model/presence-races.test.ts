import { expect, test } from 'vitest';
import { RULES, type Rule } from '../support/presence-backend.ts';
import { playSchedule } from '../support/presence-world.ts';

/** How many schedules are played; more with `SCHEDULES=10000`. */
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 1000);

/** The first of them; one alone with `SCHEDULES=1 FIRST=4711`. */
const FIRST = Number(process.env['FIRST'] ?? 1);

/** Within how many it must show that a rule is missing. */
const MAX_SCHEDULES_WITHOUT_A_RULE = 5000;

/**
 * The schedule that was the first to show it, where the search begins: some are rare. Where the code has changed, and it shows
 * nothing any more, the search goes on from there.
 */
const SHOWN_AT: Readonly<Record<Rule, number>> = {
  'second look': 1720,
  'conditional write': 4197,
  'order of since': 11,
  'retries tell': 1917,
  'watch before reading': 193,
  'mapping before reading': 6,
  sweeps: 6,
};

async function firstFailure(count: number, { from = FIRST, without }: { from?: number; without?: Rule } = {}) {
  for (let seed = from; seed < from + count; seed += 1) {
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
    const failure = await firstFailure(MAX_SCHEDULES_WITHOUT_A_RULE, { from: SHOWN_AT[rule], without: rule });
    expect(failure).toBeDefined();
    if (failure?.seed !== SHOWN_AT[rule]) process.stderr.write(`SHOWN_AT of "${rule}" is ${failure?.seed} by now\n`);
  },
  600_000,
);
