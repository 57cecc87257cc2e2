import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client, minified and gzipped (design, section 8). */
const MAX_GZIPPED_BYTES = 16 * 1024;
/** What the hooks may add to it. */
const MAX_REACT_BYTES = 512;
/** What a page downloads besides when it asks for a storage or for shared connections. */
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
const OPTIONS = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  external: ['react'],
  metafile: true,
  write: false,
} satisfies BuildOptions;
const bundle = (entry: string) => build({ ...OPTIONS, entryPoints: [entry], plugins: [leaveForLater] });
const [client, react, whole] = await Promise.all([
  bundle('client/index.ts'),
  bundle('client/react/index.ts'),
  build({ ...OPTIONS, entryPoints: ['client/index.ts'], splitting: true, outdir: '.' }),
]);
const gzippedBytes = ({ outputFiles: [file] }: Pick<typeof client, 'outputFiles'>) =>
  gzipSync(file?.contents ?? '', { level: 9 }).length;

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
  const [companion] = whole.outputFiles.filter(({ path }) => /companion/.test(path));
  expect(companion?.text.length).toBeGreaterThan(1_000);
  expect(gzippedBytes({ outputFiles: companion ? [companion] : [] })).toBeLessThanOrEqual(MAX_COMPANION_BYTES);
});

it('the client is made of its own code and the protocol, without the schemas', () => {
  const files = whole.metafile.inputs;
  expect(Object.keys(files)).toEqual(expect.arrayContaining(['client/index.ts', COMPANION]));
  expect(Object.keys(files).filter((path) => !/^(client|protocol)\//.test(path))).toEqual([]);
  const imports = Object.values(files).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
