import { expect, test } from 'vitest';
import { RULES, type Rule } from '../support/presence-backend.ts';
import { playSchedule } from '../support/presence-world.ts';

/** The number of schedules; more with `SCHEDULES=10000`. */
const SCHEDULES = Number(process.env['SCHEDULES'] ?? 1000);

/** The first schedule. Run one alone with `SCHEDULES=1 FIRST=4711`. */
const FIRST = Number(process.env['FIRST'] ?? 1);

/** The number of schedules within which a missing rule must show. */
const MAX_SCHEDULES_WITHOUT_A_RULE = 5000;

/**
 * The first schedule that shows each missing rule. The search starts there, because some are rare. If a change of the code
 * hides it, the search continues from there.
 */
const SHOWN_AT: Readonly<Record<Rule, number>> = {
  'second look': 1720,
  'conditional write': 4197,
  'order of sinceMs': 11,
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

test(`in ${SCHEDULES} schedules the presence state, and the view of every watcher, are right at the end`, async () => {
  expect(await firstFailure(SCHEDULES)).toBeUndefined();
}, 1_800_000);

test.each(RULES)(
  'without the rule "%s" some schedule ends wrong',
  async (rule) => {
    const failure = await firstFailure(MAX_SCHEDULES_WITHOUT_A_RULE, { from: SHOWN_AT[rule], without: rule });
    expect(failure).toBeDefined();
    if (failure?.seed !== SHOWN_AT[rule]) process.stderr.write(`SHOWN_AT of "${rule}" is ${failure?.seed} by now\n`);
  },
  600_000,
);
