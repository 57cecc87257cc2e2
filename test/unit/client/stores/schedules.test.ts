import { expect, it } from 'vitest';
import { Schedule } from '../../../support/conversation-schedule.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 150);
const FIRST = Number(process.env['FIRST_SEED'] ?? 1);

it('the entries are the conversation, each message once and in order, whatever goes wrong', async () => {
  let faults = 0;
  let entries = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const result = await new Schedule(seed).run();
    expect(result.problems, `seed ${seed}`).toEqual([]);
    faults += result.faults;
    entries += result.entries;
  }
  // Otherwise too little went wrong to prove anything.
  expect(faults).toBeGreaterThan(SEEDS * 5);
  expect(entries).toBeGreaterThan(SEEDS * 5);
}, 0);
