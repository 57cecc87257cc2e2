import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

/** The packages of this repository, by the folder of their `package.json`. Each is built into the `dist` beside it. */
export const PACKAGES = { beckon: ROOT, 'beckon-local': join(ROOT, 'local') } as const;

export type PackageName = keyof typeof PACKAGES;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** Reads the `package.json` of a package. */
export function manifestOf(name: PackageName): Manifest {
  return JSON.parse(readFileSync(join(PACKAGES[name], 'package.json'), 'utf8'));
}

/** Lists the packages that a project installs beside this one. The build bundles all other imports. */
export function installedBeside(name: PackageName): readonly string[] {
  const { dependencies, peerDependencies } = manifestOf(name);
  return Object.keys({ ...dependencies, ...peerDependencies });
}
