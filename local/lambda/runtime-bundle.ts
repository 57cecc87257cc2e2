import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Where `npm run build` writes the bundle, beside the compiled file. The repository has none, but the source. */
const BUILT = join(import.meta.dirname, 'runtime', 'bootstrap.cjs');

let source: string | undefined;

/** The source of `runtime/bootstrap.ts` as one CommonJS script; built once a process. */
export function runtimeBundle(): string {
  source ??= existsSync(BUILT) ? readFileSync(BUILT, 'utf8') : bundleRuntime();
  return source;
}

/** Bundles `runtime/bootstrap.ts`. */
export function bundleRuntime(): string {
  // Not imported: the package does without esbuild.
  const { buildSync }: typeof import('esbuild') = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: [join(import.meta.dirname, 'runtime', 'bootstrap.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    write: false,
  });
  const [file] = outputFiles;
  if (!file) throw new Error('esbuild gave no output for local/lambda/runtime/bootstrap.ts');
  return file.text;
}
