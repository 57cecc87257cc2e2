import { createRequire } from 'node:module';
import { basename, join } from 'node:path';

const LAMBDAS = join(import.meta.dirname, '..', 'lambdas');

/** Providers of credentials that do not exist inside Lambda. Leaving them out takes a fifth off a bundle. */
const UNUSED_IN_LAMBDA = ['sso', 'ini', 'process', 'web-identity', 'http', 'login'].map(
  (name) => `@aws-sdk/credential-provider-${name}`,
);

/**
 * Bundles each file of `lambdas/` into one ES module. Returns the modules by the names of the files. All are built at once:
 * they share most of what esbuild has to read and parse.
 */
export function bundleHandlers(): ReadonlyMap<string, Uint8Array> {
  // Not imported: the package contains this file, but neither the sources nor esbuild.
  const { buildSync }: typeof import('esbuild') = createRequire(import.meta.url)('esbuild');
  const { outputFiles } = buildSync({
    entryPoints: [join(LAMBDAS, '*.ts')],
    outdir: LAMBDAS,
    write: false,
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
  return new Map(outputFiles.map(({ path, contents }) => [basename(path, '.js'), contents]));
}
