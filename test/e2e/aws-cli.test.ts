/** Runs the AWS CLI commands of docs/local.md against the local cloud, unchanged. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';

const run = promisify(execFile);

const BLOCK = /^```sh\n(?<lines>export AWS_ENDPOINT_URL=.*?)^```/ms.exec(readFileSync('docs/local.md', 'utf8'));
const LINES = BLOCK?.groups?.['lines'] ?? '';

let cloud: LocalCloud;
let folder: string;
let advice: string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'beckon-aws-cli-'));
  advice = await run('aws', ['--version']).then(
    () => undefined,
    () => 'needs the AWS CLI: pip install awscli',
  );
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterAll(async () => {
  await cloud.close();
  rmSync(folder, { recursive: true });
});

test('the names in the documented commands are outputs of the stack', () => {
  const names = [...LINES.matchAll(/\$\(output (\w+)\)/g)].map(([, name]) => name);
  expect(names).toHaveLength(2);
  expect(Object.keys(cloud.outputs['Beckon'] ?? {})).toEqual(expect.arrayContaining(names));
});

test('the documented AWS CLI commands work', async ({ skip }) => {
  if (advice !== undefined) skip(advice);
  const script = LINES.replace('http://127.0.0.1:4600', cloud.endpointUrl);
  const env = {
    PATH: process.env['PATH'],
    HOME: process.env['HOME'],
    AWS_PROFILE: 'of-somebody',
    AWS_SESSION_TOKEN: 'old',
  };
  const { stdout } = await run('sh', ['-e', '-c', script], { cwd: folder, env });
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['answer.json', 'event.json']));
  const { results } = JSON.parse(readFileSync(join(folder, 'answer.json'), 'utf8'));
  expect(results).toMatchObject([{ status: 'stored', users: [{ user: 'bob' }] }]);
  // The output of "aws lambda invoke", the answer, and the table's contents.
  expect(stdout).toContain('"StatusCode": 200');
  expect(stdout).toContain('"status":"stored"');
  expect(stdout).toContain('"user#bob"');
});
