import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client, minified and gzipped (design, section 8). */
const MAX_GZIPPED_BYTES = 12 * 1024;
/** What the hooks may add to it. */
const MAX_REACT_BYTES = 512;
/** What a page downloads later when it asks for a storage or for shared connections; much of it is in the client as well. */
const MAX_COMPANION_BYTES = 3.25 * 1024;

/** What most pages never load. */
const COMPANION = 'client/companion.ts';

const leaveForLater: Plugin = {
  name: 'leave for later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /companion/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : undefined,
    ),
};
const bundle = (entry: string) =>
  build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    external: ['react'],
    plugins: [leaveForLater],
    metafile: true,
    write: false,
  });
const [client, react, companion] = await Promise.all([
  bundle('client/index.ts'),
  bundle('client/react/index.ts'),
  bundle(COMPANION),
]);
const gzippedBytes = ({ outputFiles: [file] }: typeof client) => gzipSync(file?.contents ?? '', { level: 9 }).length;

it('the client stays within its bytes', () => {
  expect(gzippedBytes(client)).toBeGreaterThan(1_000);
  expect(gzippedBytes(client)).toBeLessThanOrEqual(MAX_GZIPPED_BYTES);
});

it('the hooks add little to it', () => {
  expect(gzippedBytes(react)).toBeGreaterThan(gzippedBytes(client));
  expect(gzippedBytes(react)).toBeLessThanOrEqual(gzippedBytes(client) + MAX_REACT_BYTES);
});

it('what keeps records and shares connections is not in it, and stays within its own', () => {
  const inputs = Object.keys(client.metafile.inputs);
  for (const file of [COMPANION, 'client/store.ts', 'client/tabs.ts']) expect(inputs).not.toContain(file);
  expect(Object.keys(companion.metafile.inputs)).toContain('client/tabs.ts');
  expect(gzippedBytes(companion)).toBeLessThanOrEqual(MAX_COMPANION_BYTES);
});

it('the client is made of its own code and the protocol, without the schemas', () => {
  const files = { ...client.metafile.inputs, ...companion.metafile.inputs };
  expect(Object.keys(files)).toContain('client/index.ts');
  expect(Object.keys(files).filter((path) => !/^(client|protocol)\//.test(path))).toEqual([]);
  const imports = Object.values(files).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
