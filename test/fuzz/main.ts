import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLocalCloud } from '../../local/index.ts';
import { synthesizeApp } from '../support/synthesize.ts';
import { runHostile } from './hostile.ts';

const { values } = parseArgs({
  options: { seed: { type: 'string', default: '1' }, frames: { type: 'string', default: '100000' } },
});
const work = mkdtempSync(join(tmpdir(), 'beckon-fuzz-'));
const app = synthesizeApp(join(work, 'cdk.out'));
const parameters = { Issuer: '{endpointUrl}/_local' };
const cloud = await startLocalCloud({ app, port: 0, parameters, dataDirectory: join(work, 'data') });
const report = await runHostile({ cloud, seed: Number(values.seed), frames: Number(values.frames) });
await cloud.close();
rmSync(work, { recursive: true });
process.stdout.write(`seed ${values.seed}: ${JSON.stringify(report, undefined, 2)}\n`);
process.exit(report.failures.length === 0 && report.others.received === report.others.sent ? 0 : 1);
