import { extname, join } from 'node:path';
import { buildSync } from 'esbuild';

let source: string | undefined;

/** The source of `runtime/bootstrap.ts` as one CommonJS script; built once a process. */
export function runtimeBundle(): string {
  source ??= bundle();
  return source;
}

function bundle(): string {
  const { outputFiles } = buildSync({
    // In the language of this file: in the package, both have been compiled.
    entryPoints: [join(import.meta.dirname, 'runtime', `bootstrap${extname(import.meta.filename)}`)],
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
