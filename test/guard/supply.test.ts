/** Installs and workflows run reviewed code only: the repository pins packages by hash and actions by commit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  /** The package is inside another package, whose hash covers it. */
  readonly inBundle?: boolean;
  /** The package is a folder of this repository. */
  readonly link?: boolean;
}

const { '': _own, ...packages }: Record<string, LockedPackage> = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
).packages;

test('the lock file has the hash of each package, other platforms included', () => {
  const entries = Object.entries(packages).filter(([path, { link }]) => path !== 'local' && !link);
  expect(entries.length).toBeGreaterThan(100);
  expect(entries.filter(([, { integrity, inBundle }]) => !inBundle && !integrity?.startsWith('sha512-'))).toEqual([]);
});

test('the lock file names no registry', () => {
  const resolved = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
  // A folder of this repository.
  expect(resolved).toEqual(['local']);
});

test('the workflows name the commit of each action', () => {
  const directory = join(ROOT, '.github/workflows');
  const used = readdirSync(directory).flatMap((file) =>
    [...readFileSync(join(directory, file), 'utf8').matchAll(/uses: (\S+)/g)].map(([, action]) => action),
  );
  expect(used.length).toBeGreaterThan(0);
  expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40}$/.test(action ?? ''))).toEqual([]);
});

test('both packages have one version, and the same release of shared dependencies', () => {
  const [root, local] = ['', 'local'].map((folder) =>
    JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')),
  );
  expect(local.version).toBe(root.version);
  const shared = Object.keys(local.dependencies).filter((name) => Object.hasOwn(root.devDependencies, name));
  expect(shared).toContain('valibot');
  for (const name of shared) expect(root.devDependencies[name], name).toBe(local.dependencies[name]);
});
