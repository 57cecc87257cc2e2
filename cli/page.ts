import { existsSync, promises, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A built page in a folder of its own, which is deleted when the process ends. */
export interface Page {
  readonly directory: string;
  /** Writes the `config.json` that the page reads when it is opened. */
  configure(config: { readonly websocketUrl: string; readonly tokenUrl: string }): Promise<void>;
}

/** Bundles the page whose entry is `main.ts` in `source`; everything else there is copied. `undefined` if there is none. */
export async function buildPage(source: string): Promise<Page | undefined> {
  const entry = join(source, 'main.ts');
  if (!existsSync(entry)) return undefined;
  const { build } = await import('esbuild');
  const directory = await promises.mkdtemp(join(tmpdir(), 'beckon-page-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  await promises.cp(source, directory, { recursive: true, filter: (path) => !/\.ts$|tsconfig\.json$/.test(path) });
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
    configure: (config) => promises.writeFile(join(directory, 'config.json'), JSON.stringify(config)),
  };
}
