import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A built page in a folder of its own. */
export interface Page {
  readonly directory: string;
  /** Writes the `config.json` that the page reads when it is opened. */
  configure(config: { readonly websocketUrl: string; readonly tokenUrl: string }): Promise<void>;
  /** Deletes the folder. */
  remove(): Promise<void>;
}

/** Bundles the page whose entry is `main.ts` in `source`; everything else there is copied. `undefined` if there is none. */
export async function buildPage(source: string): Promise<Page | undefined> {
  const entry = join(source, 'main.ts');
  if (!existsSync(entry)) return undefined;
  const { build } = await import('esbuild');
  const directory = await mkdtemp(join(tmpdir(), 'beckon-page-'));
  await cp(source, directory, { recursive: true, filter: (path) => !/\.ts$|tsconfig\.json$/.test(path) });
  await build({
    entryPoints: [entry],
    outfile: join(directory, 'main.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: true,
    logLevel: 'warning',
  });
  return {
    directory,
    configure: (config) => writeFile(join(directory, 'config.json'), JSON.stringify(config)),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}
