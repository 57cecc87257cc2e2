import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const SCRIPT = join(import.meta.dirname, '../../../cli/install.mjs');

// Each test starts processes.
vi.setConfig({ testTimeout: 30_000 });

let project: string;

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'install-test-'));
  mkdirSync(join(project, 'cli'));
  cpSync(SCRIPT, join(project, 'cli/install.mjs'));
  write('package-lock.json', {
    '': {},
    'node_modules/a': entry('1.0.0'),
    'node_modules/b': { ...entry('1.0.0'), optional: true },
  });
});

afterEach(() => rmSync(project, { recursive: true }));

function entry(version: string) {
  return { version, integrity: `sha512-${version}` };
}

function write(file: string, packages: object): void {
  mkdirSync(join(project, 'node_modules'), { recursive: true });
  writeFileSync(join(project, file), JSON.stringify({ packages }));
}

/** Runs the script with an npm that only writes its arguments down, and ends with `exitCode`. */
function run(exitCode = 0) {
  const npm = join(project, 'npm.js');
  const output = join(project, 'npm-arguments');
  writeFileSync(
    npm,
    `require('fs').writeFileSync(${JSON.stringify(output)}, process.argv.slice(2).join(' ')); console.log('npm speaks'); process.exit(${exitCode})`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, 'cli/install.mjs')], {
    encoding: 'utf8',
    env: { ...process.env, npm_execpath: npm },
  });
  return { status, stdout, stderr, installed: existsSync(output) ? readFileSync(output, 'utf8') : undefined };
}

describe('the installer does nothing and prints nothing', () => {
  test('when every package is installed', () => {
    write('node_modules/.package-lock.json', { 'node_modules/a': entry('1.0.0'), 'node_modules/b': entry('1.0.0') });
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '', installed: undefined });
  });

  test('when the package is a dependency, without a lock file', () => {
    rmSync(join(project, 'package-lock.json'));
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '', installed: undefined });
  });

  test('when only an optional package is missing', () => {
    write('node_modules/.package-lock.json', { 'node_modules/a': entry('1.0.0') });
    expect(run()).toEqual({ status: 0, stdout: '', stderr: '', installed: undefined });
  });
});

describe('npm ci runs', () => {
  test('when nothing has been installed', () => {
    const { status, stdout, stderr, installed } = run();
    expect({ status, stdout, installed }).toEqual({ status: 0, stdout: '', installed: 'ci --no-audit --no-fund' });
    expect(stderr).toBe('beckon: the dependencies are not installed yet; running "npm ci"…\nnpm speaks\n');
  });

  test.each<[string, object]>([
    ['has another version', { 'node_modules/a': entry('0.9.0') }],
    ['has another content', { 'node_modules/a': { ...entry('1.0.0'), integrity: 'sha512-other' } }],
    ['is missing', {}],
  ])('when a package %s', (_, packages) => {
    write('node_modules/.package-lock.json', packages);
    const { installed, stderr } = run();
    expect(installed).toBe('ci --no-audit --no-fund');
    expect(stderr).toContain(
      'beckon: the lock file has changed since the dependencies were installed; running "npm ci"…',
    );
  });

  test('and beckon stops when it fails', () => {
    const { status, stderr } = run(7);
    expect(status).toBe(1);
    expect(stderr).toContain('beckon: the installation failed; npm prints the reason above');
  });
});
