import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client, minified and gzipped (design, section 8). */
const MAX_GZIPPED_BYTES = 12 * 1024;
/** What the hooks may add to it. */
const MAX_REACT_BYTES = 512;

const bundle = (entry: string) =>
  build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['react'],
    metafile: true,
    write: false,
  });
const [client, react] = await Promise.all([bundle('client/index.ts'), bundle('client/react/index.ts')]);
const gzippedBytes = ({ outputFiles: [file] }: typeof client) => gzipSync(file?.contents ?? '', { level: 9 }).length;

it('the client stays within its bytes', () => {
  expect(gzippedBytes(client)).toBeGreaterThan(1_000);
  expect(gzippedBytes(client)).toBeLessThanOrEqual(MAX_GZIPPED_BYTES);
});

it('the hooks add little to it', () => {
  expect(gzippedBytes(react)).toBeGreaterThan(gzippedBytes(client));
  expect(gzippedBytes(react)).toBeLessThanOrEqual(gzippedBytes(client) + MAX_REACT_BYTES);
});

it('the client is made of its own code and the protocol, without the schemas', () => {
  const inputs = Object.keys(client.metafile.inputs);
  expect(inputs).toContain('client/index.ts');
  expect(inputs.filter((path) => !/^(client|protocol)\//.test(path))).toEqual([]);
  const imports = Object.values(client.metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
