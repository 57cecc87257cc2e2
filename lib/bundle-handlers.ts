import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const LAMBDAS = join(import.meta.dirname, '..', 'lambdas');

/** Providers of credentials that do not exist inside Lambda. Leaving them out takes a fifth off a bundle. */
const UNUSED_IN_LAMBDA = ['sso', 'ini', 'process', 'web-identity', 'http', 'login'].map(
  (name) => `@aws-sdk/credential-provider-${name}`,
);

export interface HandlerBundles {
  /** Each handler as one ES module, by the name of its file. */
  readonly modules: ReadonlyMap<string, Uint8Array>;
  /** The files that went into them. */
  readonly inputs: readonly string[];
}

/**
 * Bundles each file of `lambdas/` into one ES module. All are built at once: they share most of what esbuild has to read and
 * parse.
 */
export function bundleHandlers(): HandlerBundles {
  // Not imported: the package contains this file, but neither the sources nor esbuild.
  const { buildSync }: typeof import('esbuild') = createRequire(import.meta.filename)('esbuild');
  const { outputFiles, metafile } = buildSync({
    entryPoints: [join(LAMBDAS, '*.ts')],
    outdir: LAMBDAS,
    write: false,
    metafile: true,
    bundle: true,
    minify: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // The SDK's CommonJS build, which comes first by default, cannot be shaken: 537 KB instead of 236.
    mainFields: ['module', 'main'],
    external: UNUSED_IN_LAMBDA,
    logLevel: 'error',
  });
  return {
    modules: new Map(outputFiles.map(({ path, contents }) => [basename(path, '.js'), contents])),
    inputs: Object.keys(metafile.inputs),
  };
}
