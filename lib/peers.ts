import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What the construct needs of the app. `package.json`, which has the ranges, is one folder up, in the package as well. */
const PEERS = ['aws-cdk-lib', 'constructs'] as const;

/**
 * Checks that the packages that the app brings are there and new enough.
 * @param importer The file whose imports count. Default: this one
 * @throws Error naming the package, its version, and what to install
 */
export function requirePeers(importer: string = import.meta.filename): void {
  const { peerDependencies } = readManifest(join(import.meta.dirname, '../package.json'));
  for (const name of PEERS) {
    const oldest = String(peerDependencies?.[name]).replace('^', '');
    const manifest = findManifest(name, importer);
    if (manifest === undefined) {
      throw new Error(`beckon/constructs needs ${name}, which is not installed: npm install ${PEERS.join(' ')}`);
    }
    const { version } = readManifest(manifest);
    if (!isCompatible(version, oldest)) {
      const [major] = oldest.split('.');
      throw new Error(
        `beckon/constructs needs ${name} ${major}, from ${oldest} on; ${dirname(manifest)} is ${version}: npm install ${name}@${major}`,
      );
    }
  }
}

/**
 * Checks that a scope is of the copy of `constructs` that Beckon imports. Copies do not work together, unless their versions
 * happen to.
 * @param own The class `Construct` that Beckon imports
 * @throws Error saying how to get down to one copy
 */
export function requireOneCopy(scope: object, own: abstract new (...args: never) => object): void {
  if (scope instanceof own) return;
  const manifest = findManifest('constructs', import.meta.filename);
  throw new Error(
    'The scope of Beckon is no construct of the copy of "constructs" that Beckon uses' +
      (manifest === undefined ? '' : ` (${dirname(manifest)})`) +
      ': "npm ls constructs" shows the copies; ask for one version everywhere, then "npm dedupe"',
  );
}

interface Manifest {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

function readManifest(file: string): Manifest {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function findManifest(name: string, importer: string): string | undefined {
  try {
    return createRequire(importer).resolve(`${name}/package.json`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** Whether a version is in the range `^oldest`, for a major version above 0. */
function isCompatible(version: string, oldest: string): boolean {
  const [major, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor = 0, oldestPatch = 0] = oldest.split('.').map(Number);
  if (major !== oldestMajor || minor < oldestMinor) return false;
  return minor > oldestMinor || patch >= oldestPatch;
}

requirePeers();
