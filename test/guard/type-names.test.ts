/** Two types never share a name among files that import each other. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { importsOf } from '../support/imports.ts';

const ROOT = join(import.meta.dirname, '../..');
const FOLDERS = ['client', 'protocol', 'lib', 'cli', 'server', 'lambdas', 'local', 'packaging'];

const DECLARED = /^export (?:declare )?(?:abstract )?(?:interface|type|class) (?<name>\w+)\b(?! from)/gm;
/** A file that passes on what other files export. */
const PASSES_ON = /^export (?:type )?(?:\*|\{)[^;]*? from /m;

/** Finds the types that two files declare, of which one imports the other, directly or through files that pass it on. */
function sharedNames(root: string, folders: readonly string[]): readonly string[] {
  const imports = importsOf(root, folders);
  const texts = new Map([...imports.keys()].map((file) => [file, readFileSync(join(root, file), 'utf8')]));
  const namesOf = (file: string) =>
    new Set([...(texts.get(file) ?? '').matchAll(DECLARED)].map(({ groups }) => groups?.['name'] ?? ''));
  const reached = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
    for (const next of imports.get(file) ?? []) {
      if (seen.has(next)) continue;
      seen.add(next);
      if (PASSES_ON.test(texts.get(next) ?? '')) reached(next, seen);
    }
    return seen;
  };
  const shared = [...imports.keys()].flatMap((file) =>
    [...reached(file)]
      .filter((other) => other !== file)
      .flatMap((other) =>
        [...namesOf(file)].filter((name) => namesOf(other).has(name)).map((name) => `${name}: ${file}, ${other}`),
      ),
  );
  return shared.toSorted();
}

test('no two types have one name among files that import each other', () => {
  expect(sharedNames(ROOT, FOLDERS)).toEqual([]);
});

test.each([
  ['directly', './b.ts'],
  ['through a file that passes it on', './index.ts'],
])('the test finds a name that two files share, of which one imports the other %s', (_, from) => {
  const root = mkdtempSync(join(tmpdir(), 'beckon-names-'));
  const files = {
    'a.ts': `import type { Other } from '${from}';\nexport interface Sender { readonly other: Other }\n`,
    'b.ts': 'export type Sender = string;\nexport type Other = Sender;\n',
    'index.ts': "export * from './b.ts';\n",
    'apart.ts': 'export type Sender = number;\n',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, 'src', file)), { recursive: true });
    writeFileSync(join(root, 'src', file), text);
  }
  expect(sharedNames(root, ['src'])).toEqual(['Sender: src/a.ts, src/b.ts']);
  rmSync(root, { recursive: true });
});
