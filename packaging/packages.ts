import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..');

/** What this tree is published as, by the folder of its `package.json`. Each is built into the folder `dist` beside that. */
export const PACKAGES = { beckon: ROOT, 'beckon-local': join(ROOT, 'local') } as const;

export type PackageName = keyof typeof PACKAGES;

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The `package.json` of a package. */
export function manifestOf(name: PackageName): Manifest {
  return JSON.parse(readFileSync(join(PACKAGES[name], 'package.json'), 'utf8'));
}

/** Names what somebody else installs beside a package. Everything else that it imports is bundled into it. */
export function installedBeside(name: PackageName): readonly string[] {
  const { dependencies, peerDependencies } = manifestOf(name);
  return Object.keys({ ...dependencies, ...peerDependencies });
}
