import { existsSync, promises, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The demo page in a folder of its own, which is deleted when the process ends. */
export interface Page {
  readonly directory: string;
  /** Writes the `config.json` that the page reads when it is opened. */
  configure(config: { readonly websocketUrl: string; readonly tokenUrl: string }): Promise<void>;
}

const SOURCE = join(import.meta.dirname, '../examples/chat');
/** The package has the page as `npm run build` has written it. */
const BUILT = join(import.meta.dirname, 'page');

/** Puts the demo page into a folder, so that it can be told where to connect. */
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

/** Bundles the demo page into a folder; what is no source is copied. */
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
