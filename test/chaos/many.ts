import { isClean } from './check.ts';
import { addUp, describeFaults, describeRun, summarize, TABLE_HEAD, type Totals, tableRow } from './report.ts';
import { type RunOptions, runChaos } from './run.ts';

export interface ManyOptions extends Omit<RunOptions, 'seed' | 'recordFile'> {
  readonly seeds: readonly number[];
  /** How many runs go on at once. */
  readonly parallel: number;
  /** Returns the record file of a seed. */
  readonly recordFileOf: (seed: number) => string;
  /** Discards the record of a clean run. */
  readonly discard: (recordFile: string) => void;
  readonly print: (text: string) => void;
}

/** Runs all seeds, and prints a line for each and the sums. Returns whether every run was clean. */
export async function runMany({
  seeds,
  parallel,
  recordFileOf,
  discard,
  print,
  ...options
}: ManyOptions): Promise<boolean> {
  const totals: Totals[] = [];
  const failed: number[] = [];
  const queue = seeds.values();
  const runOne = async (seed: number) => {
    const recordFile = recordFileOf(seed);
    try {
      const { findings, entries } = await runChaos({ ...options, seed, recordFile });
      const ofRun = summarize(entries, findings);
      totals.push(ofRun);
      print(tableRow(String(seed), ofRun));
      if (isClean(findings)) return discard(recordFile);
      print(`${describeRun(seed, ofRun, findings)}\nrecord: ${recordFile}`);
    } catch (error) {
      print(`seed ${seed} FAILED: ${error instanceof Error ? error.message : error}\nrecord: ${recordFile}`);
    }
    failed.push(seed);
  };
  const worker = async () => {
    for (const seed of queue) await runOne(seed);
  };
  print(TABLE_HEAD);
  await Promise.all(Array.from({ length: parallel }, worker));
  if (totals.length > 0) {
    const sum = addUp(totals);
    print(`${tableRow(`all ${totals.length}`, sum)}\ninjected: ${describeFaults(sum.faults)}`);
  }
  print(failed.length === 0 ? `all ${seeds.length} seeds passed` : `failed: seeds ${failed.join(', ')}`);
  return failed.length === 0;
}
