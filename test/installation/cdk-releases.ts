import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CDK_NAMES_FILE, cdkNames } from './cdk-names.ts';
import { demand, install, ROOT, run, say, type Tarballs, write } from './project.ts';

const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
/** Both ranges are `^OLDEST`. */
const oldestOf = (name: string): string => peerDependencies[name].replace('^', '');

const COMPILER_OPTIONS = { target: 'es2022', lib: ['es2022'], strict: true, types: ['node'], skipLibCheck: true };

/** The style of an app: for years `cdk init` wrote CommonJS for ts-node. */
interface Style {
  readonly type: 'commonjs' | 'module';
  readonly module: string;
  readonly app: string;
}

const COMMONJS: Style = { type: 'commonjs', module: 'commonjs', app: 'npx ts-node app.ts' };
const ES_MODULES: Style = { type: 'module', module: 'nodenext', app: 'node app.js' };

/** Checks the construct with the oldest CDK that package.json allows, with the newest, and with both. */
export function checkCdkReleases(temporary: string, tarballs: Tarballs): void {
  say('the oldest CDK…');
  const versions = { 'aws-cdk-lib': oldestOf('aws-cdk-lib'), constructs: oldestOf('constructs') };
  const oldest = installApp(join(temporary, 'oldest'), tarballs, COMMONJS, versions);
  checkSources(oldest);
  const ofOldest = synthesize(oldest, COMMONJS);
  say('the newest CDK…');
  const newestVersions = { 'aws-cdk-lib': 'latest', constructs: 'latest' };
  const newest = installApp(join(temporary, 'newest'), tarballs, ES_MODULES, newestVersions);
  const ofNewest = synthesize(newest, ES_MODULES);
  const [before, after] = [essence(ofOldest).split('\n'), essence(ofNewest).split('\n')];
  const different = after.findIndex((line, index) => line !== before[index]);
  demand(different === -1, `the templates differ: ${before[different]} became ${after[different]}`);
  say('an app with another CDK than the package…');
  checkTwoCopies(oldest, newest);
  writeFileSync(CDK_NAMES_FILE, cdkNames());
}

/** Installs the package with one CDK release into a new folder. Returns the folder. */
function installApp(
  folder: string,
  { beckon }: Tarballs,
  { type, module }: Style,
  versions: Record<string, string>,
): string {
  const devDependencies = { '@types/node': '^24', 'aws-cdk': '^2', 'ts-node': '^10', typescript: '~5.9.3' };
  const dependencies = { ...versions, beckon: `file:${beckon}` };
  write(folder, {
    'package.json': JSON.stringify({ type, dependencies, devDependencies }),
    'tsconfig.json': JSON.stringify({ compilerOptions: { ...COMPILER_OPTIONS, module }, files: ['app.ts'] }),
  });
  cpSync(join(ROOT, 'test/fixtures/cdk-app'), folder, { recursive: true });
  install(folder);
  for (const each of ['esbuild', 'beckon/node_modules/aws-cdk-lib', 'beckon/node_modules/constructs']) {
    demand(!existsSync(join(folder, 'node_modules', each)), `${folder}: ${each} was installed`);
  }
  return folder;
}

/** Compiles and synthesizes the app. Returns its template, which names the handlers by the hash of their contents. */
function synthesize(folder: string, { app }: Style): string {
  run(folder, 'npx', 'tsc');
  run(folder, 'npx', 'cdk', 'synth', '--quiet', '--app', app);
  const assets = readdirSync(join(folder, 'cdk.out')).filter((name) => name.startsWith('asset.'));
  demand(assets.length > 10 && assets.every((name) => name.endsWith('.zip')), `unexpected assets: ${assets}`);
  return readFileSync(join(folder, 'cdk.out/Theirs.template.json'), 'utf8');
}

/** Removes what differs between CDK releases from a template: notes for the CLI, and a default that CloudFormation has anyway. */
function essence(template: string): string {
  const { Resources } = JSON.parse(template, (key, value) =>
    key === 'Metadata' || (key === 'ReturnData' && value === true) ? undefined : value,
  );
  delete Resources.CDKMetadata;
  return JSON.stringify(Resources, null, 1);
}

/** Checks that a folder's CDK has every prop and method that the construct's sources use. */
function checkSources(folder: string): void {
  for (const name of ['lib', 'server', 'protocol'])
    cpSync(join(ROOT, name), join(folder, 'sources', name), { recursive: true });
  // The code that bundles handlers names these types. It never runs in the package.
  mkdirSync(join(folder, 'sources/node_modules'));
  symlinkSync(join(ROOT, 'node_modules/esbuild'), join(folder, 'sources/node_modules/esbuild'));
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.json'), 'utf8'));
  writeFileSync(join(folder, 'sources/package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'sources/tsconfig.json'), JSON.stringify({ compilerOptions, files: ['lib/beckon.ts'] }));
  symlinkSync(join(ROOT, 'node_modules/valibot'), join(folder, 'sources/node_modules/valibot'));
  run(folder, 'npx', 'tsc', '-p', 'sources');
}

/** Gives the package a CDK of its own, as in a workspace whose app pins another one, and checks that the two fit. */
function checkTwoCopies(folder: string, other: string): void {
  const modules = join(folder, 'node_modules/beckon/node_modules');
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(other, 'node_modules/aws-cdk-lib'), join(modules, 'aws-cdk-lib'));
  run(folder, 'npx', 'tsc', '--noEmit', '-p', 'two-copies.json');
}
