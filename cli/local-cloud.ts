import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type LocalCloudModule = typeof import('../local/index.ts');

const PACKAGE = 'beckon-local';

/**
 * Loads the local cloud: in the repository the source; in the package `beckon`, what the project has installed as `beckon-local`.
 * @throws Error saying what to install, when it is missing or of another version
 */
export function loadLocalCloud(): Promise<LocalCloudModule> {
  const source = join(import.meta.dirname, '../local/index.ts');
  return import(pathToFileURL(existsSync(source) ? source : findInstalled()).href);
}

/** A package manager may link packages to the project only, not to one another. */
function findInstalled(): string {
  const { version } = readManifest(join(import.meta.dirname, '../package.json'));
  const remedy = `npm install --save-dev ${PACKAGE}@${version}`;
  for (const from of [join(process.cwd(), 'package.json'), import.meta.filename]) {
    const require = createRequire(from);
    const manifest = resolve(require, `${PACKAGE}/package.json`);
    if (manifest === undefined) continue;
    const found = readManifest(manifest).version;
    if (found !== version) throw new Error(`${PACKAGE} ${found} does not go with beckon ${version}; ${remedy}`);
    return require.resolve(PACKAGE);
  }
  throw new Error(`the local cloud is a package of its own, which is not installed here; ${remedy}`);
}

function resolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

function readManifest(file: string): { readonly version: string } {
  return JSON.parse(readFileSync(file, 'utf8'));
}
