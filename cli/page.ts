import { existsSync, promises, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A copy of the demo page in a temporary folder. The process deletes the folder when it ends. */
export interface Page {
  readonly directory: string;
  /** Writes `config.json`, which the page reads when it opens. */
  configure(config: { readonly websocketUrl: string; readonly tokenUrl: string }): Promise<void>;
}

const SOURCE = join(import.meta.dirname, '../examples/chat');
/** The bundled page in the package. `npm run build` writes it. */
const BUILT = join(import.meta.dirname, 'page');

/** Copies the demo page into a folder of its own, where `configure` can write its settings. */
export async function providePage(): Promise<Page> {
  const directory = await promises.mkdtemp(join(tmpdir(), 'beckon-page-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  if (existsSync(SOURCE)) await bundlePage(directory, { minify: false });
  else await promises.cp(BUILT, directory, { recursive: true });
  return {
    directory,
    configure: (config) => promises.writeFile(join(directory, 'config.json'), JSON.stringify(config)),
  };
}

/** Bundles the demo page's source into a folder, and copies its other files there. */
export async function bundlePage(directory: string, { minify }: { readonly minify: boolean }): Promise<void> {
  const { build } = await import('esbuild');
  await promises.cp(SOURCE, directory, { recursive: true, filter: (path) => !/\.ts$|tsconfig\.json$/.test(path) });
  await build({
    entryPoints: [join(SOURCE, 'main.ts')],
    outfile: join(directory, 'main.js'),
    bundle: true,
    format: 'esm',
    target: 'es2022',
    sourcemap: !minify,
    minify,
    logLevel: 'warning',
  });
}
