import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLocalCloud } from '../../local/index.ts';
import { synthesizeApp } from '../support/synthesize.ts';
import { runHostile } from './hostile.ts';

/** The allowed growth of memory from the second to the last fifth of the frames: uncollected garbage. */
const MAX_GROWTH = 1.5;

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, frames: { type: 'string', default: '100000' } },
});
const work = mkdtempSync(join(tmpdir(), 'beckon-fuzz-'));
const app = synthesizeApp(join(work, 'cdk.out'), { search: 'true' });
const parameters = { Issuer: '{endpointUrl}/_local' };
const errors: string[] = [];
const cloud = await startLocalCloud({
  app,
  port: 0,
  parameters,
  dataDirectory: join(work, 'data'),
  log({ level, source, message }) {
    const isFailure = /"outcome":"(internal|failed)"/.test(message);
    if (level === 'error' || isFailure) errors.push(`${source}: ${message}`.slice(0, 500));
  },
});
const report = await runHostile({ cloud, seed: Number(values.seed), frames: Number(values.frames) });
await cloud.close();
rmSync(work, { recursive: true });
process.stdout.write(`seed ${values.seed}: ${JSON.stringify({ ...report, errors }, undefined, 2)}\n`);
const { early, late } = report.memoryMb;
const isGrowing = late > MAX_GROWTH * early;
process.exit(report.failures.length > 0 || errors.length > 0 || isGrowing ? 1 : 0);
