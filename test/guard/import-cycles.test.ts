import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { importsOf } from '../support/imports.ts';

const ROOT = join(import.meta.dirname, '../..');

/** Folders that must have no import cycles, within each or across them. */
const HELD = ['client', 'protocol', 'lib', 'cli', 'server', 'lambdas', 'local', 'packaging'];

const trees: string[] = [];
afterEach(() => {
  for (const tree of trees.splice(0)) rmSync(tree, { recursive: true });
});

/** Finds the groups of files that all import each other, directly or through others (Tarjan's algorithm). */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const places = new Map<string, { readonly index: number; low: number; isOpen: boolean }>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string) => {
    const place = { index: places.size, low: places.size, isOpen: true };
    places.set(file, place);
    open.push(file);
    for (const next of imports.get(file) ?? []) {
      const known = places.get(next) ?? visit(next);
      if (known.isOpen) place.low = Math.min(place.low, known.low);
    }
    if (place.low < place.index) return place;
    const group = open.splice(open.indexOf(file));
    for (const member of group) (places.get(member) as typeof place).isOpen = false;
    if (group.length > 1 || imports.get(file)?.includes(file)) circles.push(group.sort());
    return place;
  };
  for (const file of imports.keys()) if (!places.has(file)) visit(file);
  return circles.sort();
}

/** Creates a tree of files with these contents. */
function plant(files: Readonly<Record<string, string>>): string {
  const tree = mkdtempSync(join(tmpdir(), 'beckon-cycles-'));
  trees.push(tree);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    writeFileSync(join(tree, file), text);
  }
  return tree;
}

test.each([
  ['imports of values', "import { b } from './b.ts';"],
  ['imports of types', "import type { B } from './b.ts';"],
  ['imports of some types', "import {\n  type B,\n  type C,\n} from './b.ts';"],
  ['re-exports', "export * from './b.ts';"],
  ['re-exports of types', "export type { B } from './b.ts';"],
  ['what is loaded late', "const load = () => import('./b.ts');"],
  ['types of what is loaded late', "type B = typeof import('./b.ts');"],
  ['imports for their effects', "import './b.ts';"],
])('the search finds a planted cycle of %s', (_, text) => {
  const tree = plant({
    'x/a.ts': text,
    'x/b.ts': "import { c } from '../x/deep/c.ts';",
    'x/deep/c.ts': "import '../a.ts';",
  });
  expect(circlesOf(importsOf(tree, ['x']))).toEqual([['x/a.ts', 'x/b.ts', 'x/deep/c.ts']]);
});

test('the search finds a cycle through two folders, a file that imports itself, and two separate cycles', () => {
  const tree = plant({
    'x/a.ts': "import '../y/b.ts';",
    'y/b.ts': "import '../x/a.ts';",
    'y/self.ts': "import './self.ts';",
    'x/straight.ts': "import './a.ts';\nimport '../y/self.ts';",
  });
  expect(circlesOf(importsOf(tree, ['x', 'y']))).toEqual([['x/a.ts', 'y/b.ts'], ['y/self.ts']]);
});

test('the search finds nothing in imports without a cycle', () => {
  const tree = plant({ 'x/a.ts': "import './b.ts';\nimport './c.ts';", 'x/b.ts': "import './c.ts';", 'x/c.ts': '' });
  expect(circlesOf(importsOf(tree, ['x']))).toEqual([]);
});

test(`no file of ${HELD.join(', ')} is in an import cycle`, () => {
  const imports = importsOf(ROOT, HELD);
  expect(imports.size).toBeGreaterThan(80);
  expect(circlesOf(imports)).toEqual([]);
});
