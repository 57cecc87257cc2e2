/**
 * `npm run installations`: packs the package, installs it from the registry into fresh folders, with the oldest CDK that
 * package.json allows and with the newest, and uses it there as somebody else's app does. Takes minutes and the network.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CDK_NAMES_FILE, cdkNames } from './cdk-names.ts';

const ROOT = join(import.meta.dirname, '../..');
const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** Both ranges are `^OLDEST`. */
const oldestOf = (name: string): string => peerDependencies[name].replace('^', '');

/** What `cdk init` gives. */
const COMPILER_OPTIONS = {
  target: 'es2022',
  module: 'nodenext',
  lib: ['es2022'],
  strict: true,
  types: ['node'],
  skipLibCheck: true,
};

const temporary = mkdtempSync(join(tmpdir(), 'beckon-installations-'));

function run(cwd: string, command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1e8 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(' ')} in ${cwd} failed:\n${stdout}${stderr}`);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function demand(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}

/** Installs the package into a fresh folder, with one release of the CDK. Returns the folder. */
function install(name: string, tarball: string, versions: Record<string, string>): string {
  const folder = join(temporary, name);
  mkdirSync(folder);
  const devDependencies = { '@types/node': '^24', 'aws-cdk': '^2', typescript: '~5.9.3' };
  const dependencies = { ...versions, beckon: `file:${tarball}` };
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', dependencies, devDependencies }));
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: COMPILER_OPTIONS, files: ['app.ts'] }),
  );
  cpSync(join(ROOT, 'test/fixtures/cdk-app'), folder, { recursive: true });
  run(folder, 'npm', 'install', '--no-audit', '--no-fund');
  for (const each of ['esbuild', 'beckon/node_modules/aws-cdk-lib', 'beckon/node_modules/constructs']) {
    demand(!existsSync(join(folder, 'node_modules', each)), `${name}: ${each} was installed`);
  }
  return folder;
}

/** Compiles and synthesizes the app. Returns its template, in which the handlers are named by the hash of their content. */
function synthesize(folder: string): string {
  run(folder, 'npx', 'tsc');
  run(folder, 'npx', 'cdk', 'synth', '--quiet', '--app', 'node app.js');
  const assets = readdirSync(join(folder, 'cdk.out')).filter((name) => name.startsWith('asset.'));
  demand(assets.length > 10 && assets.every((name) => name.endsWith('.zip')), `unexpected assets: ${assets}`);
  return readFileSync(join(folder, 'cdk.out/Theirs.template.json'), 'utf8');
}

/** A template without what a release of the CDK may add: notes for its CLI, and a default that CloudFormation has anyway. */
function essence(template: string): string {
  const { Resources } = JSON.parse(template, (key, value) =>
    key === 'Metadata' || (key === 'ReturnData' && value === true) ? undefined : value,
  );
  delete Resources.CDKMetadata;
  return JSON.stringify(Resources, null, 1);
}

/** Checks the construct's own sources against the CDK of a folder: each prop and method that they use is there. */
function checkSources(folder: string): void {
  for (const name of ['lib', 'server', 'protocol'])
    cpSync(join(ROOT, name), join(folder, 'sources', name), { recursive: true });
  // Its types are named in what bundles the handlers, which never runs in the package.
  mkdirSync(join(folder, 'sources/node_modules'));
  symlinkSync(join(ROOT, 'node_modules/esbuild'), join(folder, 'sources/node_modules/esbuild'));
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  writeFileSync(join(folder, 'sources/tsconfig.json'), JSON.stringify({ compilerOptions, files: ['lib/beckon.ts'] }));
  run(folder, 'npx', 'tsc', '-p', 'sources');
}

/** Gives the package a CDK of its own, as in a workspace where the app pins another one: what it takes from the app still fits. */
function checkTwoCopies(folder: string, other: string): void {
  const modules = join(folder, 'node_modules/beckon/node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(other, 'node_modules/aws-cdk-lib'), join(modules, 'aws-cdk-lib'));
  run(folder, 'npx', 'tsc', '--noEmit', '-p', 'two-copies.json');
}

try {
  say('packing…');
  const packed = run(ROOT, 'npm', 'pack', '--json', '--pack-destination', temporary);
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('[')));
  const tarball = join(temporary, filename);
  say('the oldest CDK…');
  const oldestVersions = { 'aws-cdk-lib': oldestOf('aws-cdk-lib'), constructs: oldestOf('constructs') };
  const oldest = install('oldest', tarball, oldestVersions);
  checkSources(oldest);
  const ofOldest = synthesize(oldest);
  say('the newest CDK…');
  const newest = install('newest', tarball, { 'aws-cdk-lib': 'latest', constructs: 'latest' });
  const ofNewest = synthesize(newest);
  const [before, after] = [essence(ofOldest).split('\n'), essence(ofNewest).split('\n')];
  const different = after.findIndex((line, index) => line !== before[index]);
  demand(different === -1, `the templates differ: ${before[different]} became ${after[different]}`);
  say('an app with another CDK than the package…');
  checkTwoCopies(oldest, newest);
  writeFileSync(CDK_NAMES_FILE, cdkNames());
  say('all installations work');
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
