import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { synthesize } from '../../../cli/synthesize.ts';

// Each test starts processes.
vi.setConfig({ testTimeout: 30_000 });

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'synthesize-test-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

/** A CDK project whose app writes down what it was told. */
function project(settings: object, code = ''): void {
  const app = `${code}
    const { mkdirSync, writeFileSync } = require('node:fs');
    const { CDK_OUTDIR, CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region, CDK_CONTEXT_JSON: context } = process.env;
    mkdirSync(CDK_OUTDIR);
    writeFileSync(CDK_OUTDIR + '/told.json', JSON.stringify({ account, region, context: JSON.parse(context) }));`;
  writeFileSync(join(directory, 'app.cjs'), app);
  writeFileSync(join(directory, 'cdk.json'), JSON.stringify(settings));
}

const run = (context: Record<string, string> = {}) =>
  synthesize({ directory, account: '000000000000', region: 'us-east-1', context });

describe('synthesize runs an app as the CDK CLI does', () => {
  test('with an account, a region, the project context and the given context', async () => {
    project({ app: 'node app.cjs', context: { '@aws-cdk/flag': true } });
    writeFileSync(join(directory, 'cdk.context.json'), JSON.stringify({ 'looked-up': 1 }));
    expect(await run({ search: 'true' })).toBe(join(directory, 'cdk.out'));
    expect(JSON.parse(readFileSync(join(directory, 'cdk.out/told.json'), 'utf8'))).toEqual({
      account: '000000000000',
      region: 'us-east-1',
      context: {
        'aws:cdk:enable-path-metadata': true,
        'aws:cdk:enable-asset-metadata': true,
        'aws:cdk:bundling-stacks': ['**'],
        '@aws-cdk/flag': true,
        'looked-up': 1,
        search: 'true',
      },
    });
  });

  test('and shows its output, without the bundling line of each function', async () => {
    project({ app: 'node app.cjs' }, "console.log('hello'); console.error('Bundling asset X/Stage...\\nwarning');");
    const shown = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await run();
    expect(shown.mock.calls.map(([text]) => text).toSorted()).toEqual(['hello\n', 'warning\n']);
    shown.mockRestore();
  });

  test('into the folder that the project names', async () => {
    project({ app: 'node app.cjs', output: 'elsewhere' });
    expect(await run()).toBe(join(directory, 'elsewhere'));
  });

  test('by an installed program, without npx', async () => {
    project({ app: 'npx my-node app.cjs' });
    const bin = join(directory, 'node_modules/.bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'my-node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
    expect(await run()).toBe(join(directory, 'cdk.out'));
  });
});

describe('synthesize fails in one sentence', () => {
  test('for an app that fails', async () => {
    project({ app: 'node app.cjs' }, 'process.exit(3);');
    await expect(run()).rejects.toThrow('cannot synthesize the app: "node app.cjs" ended with exit code 3');
  });

  test('for a cdk.json without an app', async () => {
    project({});
    await expect(run()).rejects.toThrow(
      `${join(directory, 'cdk.json')} has no "app"; add the command that runs the CDK app`,
    );
  });
});
