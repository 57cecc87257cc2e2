import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The packages that the construct expects from the app. `package.json` has their ranges. */
const PEERS = ['aws-cdk-lib', 'constructs'] as const;

/**
 * Checks that the app has these packages, in versions that Beckon works with.
 * @param importer The file from which Node.js looks for them. Default: this one
 * @throws Error naming the package, its version, and what to install
 */
export function requirePeers(importer: string = import.meta.filename): void {
  const { peerDependencies = {} } = readManifest(ownManifest(import.meta.dirname));
  for (const name of PEERS) {
    const oldest = peerDependencies[name]?.replace('^', '');
    // Bundled into an app, the construct has only the app's manifest.
    if (oldest === undefined) continue;
    const manifest = findManifest(name, importer);
    if (manifest === undefined) {
      throw new Error(`beckon/constructs needs ${name}, which is not installed. Run: npm install ${PEERS.join(' ')}`);
    }
    const { version } = readManifest(manifest);
    if (!isCompatible(version, oldest)) {
      const [major] = oldest.split('.');
      throw new Error(
        `beckon/constructs needs ${name} ${major}, from ${oldest} on, and ${dirname(manifest)} is ${version}. Run: npm install ${name}@${major}`,
      );
    }
  }
}

/**
 * Checks that a scope belongs to the copy of `constructs` that Beckon imports. Copies of different versions do not work
 * together.
 * @param own The class `Construct` that Beckon imports
 * @throws Error saying how to get down to one copy
 */
export function requireOneCopy(scope: object, own: abstract new (...args: never) => object): void {
  if (scope instanceof own) return;
  const manifest = findManifest('constructs', import.meta.filename);
  throw new Error(
    'The scope of Beckon belongs to another copy of the package "constructs" than the one that Beckon uses' +
      (manifest === undefined ? '' : ` (${dirname(manifest)})`) +
      '. "npm ls constructs" shows the copies: ask for one version everywhere, then run "npm dedupe"',
  );
}

interface Manifest {
  readonly version: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Finds the manifest of the package that contains a folder: in the repository, and in the package. */
function ownManifest(folder: string): string {
  const file = join(folder, 'package.json');
  const parent = dirname(folder);
  return existsSync(file) || parent === folder ? file : ownManifest(parent);
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

/** Whether a version is in the range `^oldest`. The major version of `oldest` is above 0. */
function isCompatible(version: string, oldest: string): boolean {
  const [major, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [oldestMajor, oldestMinor = 0, oldestPatch = 0] = oldest.split('.').map(Number);
  if (major !== oldestMajor || minor < oldestMinor) return false;
  return minor > oldestMinor || patch >= oldestPatch;
}

requirePeers();
