import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

export type LocalCloudModule = typeof import('../local/index.ts');

const PACKAGE = 'beckon-local';

/**
 * Loads the local cloud: its source in the repository, the project's package `beckon-local` elsewhere.
 * @throws Error with the command that installs it, when it is missing or has another version
 */
export function loadLocalCloud(): Promise<LocalCloudModule> {
  const source = join(import.meta.dirname, '../local/index.ts');
  return import(pathToFileURL(existsSync(source) ? source : findInstalled()).href);
}

/** Looks from the project first: some package managers link packages to the project, and not to each other. */
function findInstalled(): string {
  const { version } = readManifest(join(import.meta.dirname, '../package.json'));
  const remedy = `npm install --save-dev ${PACKAGE}@${version}`;
  for (const from of [join(process.cwd(), 'package.json'), import.meta.filename]) {
    const require = createRequire(from);
    const manifest = resolve(require, `${PACKAGE}/package.json`);
    if (manifest === undefined) continue;
    const found = readManifest(manifest).version;
    if (found !== version) throw new Error(`${PACKAGE} ${found} does not match beckon ${version}; ${remedy}`);
    return require.resolve(PACKAGE);
  }
  throw new Error(`the package ${PACKAGE}, the local cloud, is not installed here; ${remedy}`);
}

function resolve(require: NodeJS.Require, name: string): string | undefined {
  try {
    return require.resolve(name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function readManifest(file: string): { readonly version: string } {
  return JSON.parse(readFileSync(file, 'utf8'));
}
