import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSender } from '../../server/index.ts';

// Tests the types as users of the package see them: compiles its declarations and the examples of docs/sender.md with the options
// of other projects.

const ROOT = join(import.meta.dirname, '../..');
const USE = join(ROOT, 'test/fixtures/typed-payloads/use.ts');
const PAGE = readFileSync(join(ROOT, 'docs/sender.md'), 'utf8');
const EXAMPLES = [...PAGE.matchAll(/^```ts\n(?<code>.*?)^```/gms)].map(({ groups }) => groups?.['code'] ?? '');
const run = promisify(execFile);
const tsc = (...options: string[]) =>
  run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options], { cwd: ROOT }).then(
    ({ stdout }) => stdout,
    ({ stdout }: { stdout: string }) => stdout,
  );

let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'beckon-types-'));
  await symlink(join(ROOT, 'node_modules'), join(project, 'node_modules'));
  const declarations = await tsc('-p', 'packaging', '--outDir', join(project, 'dist'));
  expect(declarations).toBe('');
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
  for (const [index, code] of EXAMPLES.entries()) await writeFile(join(project, `example-${index}.ts`), code);
}, 60_000);
afterAll(() => rm(project, { recursive: true, force: true }));

test.each([
  ['strict', {}],
  [
    'that tells missing fields from undefined ones',
    { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
  ],
  ['that resolves as bundlers do', { module: 'esnext', moduleResolution: 'bundler', noUncheckedIndexedAccess: true }],
])('payloads have the application’s own types in a project %s', async (_, options) => {
  const config = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: 'es2022',
      lib: ['es2022', 'dom'],
      module: 'nodenext',
      types: ['node'],
      typeRoots: [join(ROOT, 'node_modules/@types')],
      rootDir: '/',
      paths: Object.fromEntries(
        [
          ['client', 'client/index'],
          ['conversation', 'client/stores/conversation'],
          ['inbox', 'client/stores/inbox'],
          ['presence', 'client/stores/presence'],
          ['react', 'client/react/index'],
          ['server', 'server/index'],
        ].map(([name, module]) => [`beckon/${name}`, [join(project, `dist/${module}.d.ts`)]]),
      ),
      ...options,
    },
    files: [USE, ...EXAMPLES.map((_code, index) => `example-${index}.ts`)],
  };
  const file = join(project, 'tsconfig.json');
  await writeFile(file, JSON.stringify(config));
  expect(await tsc('-p', file)).toBe('');
});

test('docs/sender.md has a row for every option of createSender', () => {
  let told = '';
  try {
    createSender({ nothing: 1 } as object);
  } catch (error) {
    told = String(error);
  }
  const names = told.slice(told.indexOf('it has ')).replace('it has ', '').split(', ');
  expect(names).toContain('service');
  for (const name of names) expect(PAGE).toMatch(new RegExp(`^\\| \`${name}\` \\| .+ \\| .+ \\|$`, 'm'));
});
