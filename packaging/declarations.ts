import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { type OutputOptions, type Plugin, rollup } from 'rollup';
import { dts } from 'rollup-plugin-dts';
import { ROOT } from './packages.ts';

/** The module formats, by the extension of their declarations. */
type Extension = 'd.ts' | 'd.cts';

/**
 * Writes the type declarations of entry points with all types that they refer to. They contain the types of bundled packages,
 * such as valibot, because a project does not install those.
 */
export async function writeDeclarations(options: {
  /** The source of each output, relative to the root of the repository: `{ client: 'client/index.ts' }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** The packages whose types stay imports. */
  readonly external: readonly string[];
  readonly outdir: string;
  readonly extensions: readonly Extension[];
}): Promise<void> {
  const { entries, external, outdir, extensions } = options;
  const emitted = emitDeclarations();
  const bundle = await rollup({
    input: Object.fromEntries(
      Object.entries(entries).map(([name, source]) => [name, join(emitted, declarationOf(source))]),
    ),
    external: (id) => id.startsWith('node:') || external.some((name) => id === name || id.startsWith(`${name}/`)),
    plugins: [beside(), dts({ respectExternal: true })],
    // It warns of types that are part of a public type and have no public name.
    onLog: () => {},
  });
  for (const extension of extensions) await bundle.write({ dir: outdir, ...namesOf(extension) });
  await bundle.close();
}

let folder: string | undefined;

/** Compiles the sources to declarations once per process. Returns the folder, which the process deletes at its end. */
function emitDeclarations(): string {
  if (folder !== undefined) return folder;
  // Inside the repository, so that Node finds the packages from it.
  const cache = join(ROOT, 'node_modules/.cache');
  mkdirSync(cache, { recursive: true });
  const emitted = mkdtempSync(join(cache, 'beckon-declarations-'));
  process.once('exit', () => rmSync(emitted, { recursive: true, force: true }));
  const tsc = createRequire(import.meta.url)
    .resolve('typescript/package.json')
    .replace(/package\.json$/, 'bin/tsc');
  const args = [tsc, '-p', import.meta.dirname, '--outDir', emitted];
  execFileSync(process.execPath, args, { stdio: ['ignore', 2, 2] });
  folder = emitted;
  return emitted;
}

function namesOf(extension: Extension): OutputOptions {
  return { entryFileNames: `[name].${extension}`, chunkFileNames: `[name]-[hash].${extension}` };
}

/** Resolves imports between declarations: `tsc` leaves them as in the source. */
function beside(): Plugin {
  return {
    name: 'declarations beside declarations',
    resolveId: (id, importer) =>
      id.startsWith('.') && importer ? resolve(importer, '..', declarationOf(id)) : undefined,
  };
}

function declarationOf(source: string): string {
  return source.replace(/\.tsx?$/, '.d.ts');
}
