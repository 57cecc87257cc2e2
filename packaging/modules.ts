import { join } from 'node:path';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { ROOT } from './packages.ts';

export interface ModulesOptions {
  /** The source of each output, relative to the root of the repository: `{ client: 'client/index.ts' }`. */
  readonly entries: Readonly<Record<string, string>>;
  /** Entry points of another build into the same folder, which these import. Default: none. */
  readonly beside?: Readonly<Record<string, string>>;
  /** The packages that stay imports. The build bundles all others. */
  readonly external: readonly string[];
  readonly outdir: string;
  readonly platform: 'neutral' | 'node';
  readonly target: string;
}

/** Writes entry points as ES modules with shared chunks. Returns their inputs. */
export async function writeModules(options: ModulesOptions): Promise<Metafile> {
  const { metafile } = await build({
    ...commonOptions(options),
    format: 'esm',
    splitting: true,
    // Chunks go beside the entry points, so `import.meta.dirname` is the same folder in all of them.
    chunkNames: '[name]-[hash]',
    plugins: [importEntries(options.beside ?? {}, '.js')],
  });
  return metafile;
}

/**
 * Writes entry points as CommonJS. Each is one file, but requires other entry points, so `beckon/react` and `beckon/client` share
 * one client. Returns what esbuild read.
 */
export async function writeCommonJs(options: ModulesOptions): Promise<Metafile> {
  const { metafile } = await build({
    ...commonOptions(options),
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    // The package is at most 5 MB, and people read the ES modules.
    minifyWhitespace: true,
    define: { 'import.meta.dirname': '__dirname', 'import.meta.filename': '__filename' },
    plugins: [importEntries({ ...options.beside, ...options.entries }, '.cjs')],
  });
  return metafile;
}

function commonOptions({ entries, external, outdir, platform, target }: ModulesOptions) {
  return {
    absWorkingDir: ROOT,
    entryPoints: { ...entries },
    external: [...external],
    outdir,
    platform,
    target,
    bundle: true,
    mainFields: ['module', 'main'],
    conditions: ['import', 'module'],
    metafile: true,
    logLevel: 'warning',
  } satisfies BuildOptions;
}

/** Leaves imports of these entry points imports. */
function importEntries(entries: Readonly<Record<string, string>>, extension: '.js' | '.cjs'): Plugin {
  const names = new Map(Object.entries(entries).map(([name, source]) => [join(ROOT, source), name]));
  return {
    name: 'entries import entries',
    setup: ({ onResolve }) => {
      onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
        const name = kind === 'entry-point' ? undefined : names.get(join(resolveDir, path));
        return name === undefined ? undefined : { path: `./${name}${extension}`, external: true };
      });
    },
  };
}
