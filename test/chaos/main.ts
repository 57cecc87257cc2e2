import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { synthesizeApp } from '../support/synthesize.ts';
import { type Arguments, readArguments, USAGE, UsageError } from './arguments.ts';
import { isClean } from './check.ts';
import { runMany } from './many.ts';
import { describeRun, summarize } from './report.ts';
import { runChaos } from './run.ts';

const print = (text: string) => process.stdout.write(`${text}\n`);

/** Runs one seed or many. Returns the exit code. */
async function main(given: Arguments): Promise<number> {
  const work = mkdtempSync(join(tmpdir(), 'beckon-chaos-'));
  const recordFileOf = (seed: number) => given.record ?? join(work, `seed-${seed}.jsonl`);
  const app = given.app ?? synthesizeApp(join(work, 'cdk.out'));
  const common = { app, clients: given.clients, durationMs: given.durationMs, timeScale: given.timeScale };
  const [seed] = given.seeds;
  const isOk =
    given.seeds.length === 1 && seed !== undefined
      ? await runOne(seed, recordFileOf(seed), common)
      : await runMany({ ...given, ...common, recordFileOf, discard: rmSync, print });
  if (isOk) rmSync(work, { recursive: true });
  return isOk ? 0 : 1;
}

async function runOne(
  seed: number,
  recordFile: string,
  common: Pick<Arguments, 'clients' | 'durationMs' | 'timeScale'> & { app: string },
) {
  try {
    const { findings, entries } = await runChaos({ ...common, seed, recordFile });
    print(describeRun(seed, summarize(entries, findings), findings));
    if (isClean(findings)) return true;
  } catch (error) {
    print(`seed ${seed} FAILED: ${error instanceof Error ? error.message : error}`);
  }
  print(`record: ${recordFile}`);
  return false;
}

try {
  process.exit(await main(readArguments(process.argv.slice(2))));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`chaos: ${error.message}\n\n${USAGE}`);
  process.exit(2);
}
