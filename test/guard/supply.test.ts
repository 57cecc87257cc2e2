/** What is installed and run is what was looked at: packages are held to their hash, actions to their commit. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  /** It comes inside the package of another one, whose hash covers it. */
  readonly inBundle?: boolean;
  /** It is a folder of this repository. */
  readonly link?: boolean;
}

const { '': _own, ...packages }: Record<string, LockedPackage> = JSON.parse(
  readFileSync(join(ROOT, 'package-lock.json'), 'utf8'),
).packages;

test('the lock file has the hash of each package, also of those for other platforms', () => {
  const entries = Object.entries(packages).filter(([path, { link }]) => path !== 'local' && !link);
  expect(entries.length).toBeGreaterThan(100);
  expect(entries.filter(([, { integrity, inBundle }]) => !inBundle && !integrity?.startsWith('sha512-'))).toEqual([]);
});

test('the lock file has no address of a registry', () => {
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

test('both packages have one version, and use the same release of what both depend on', () => {
  const [root, local] = ['', 'local'].map((folder) =>
    JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')),
  );
  expect(local.version).toBe(root.version);
  const shared = Object.keys(local.dependencies).filter((name) => Object.hasOwn(root.devDependencies, name));
  expect(shared).toContain('valibot');
  for (const name of shared) expect(root.devDependencies[name], name).toBe(local.dependencies[name]);
});
