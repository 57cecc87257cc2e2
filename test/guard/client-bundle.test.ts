import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client at first: all chunks that load with it, each minified and gzipped. */
const MAX_FIRST_BYTES = 17.5 * 1024;
/** What the hooks may add to it. */
const MAX_REACT_BYTES = 512;
/** What a page downloads besides when it asks for a storage or for shared connections. */
const MAX_COMPANION_BYTES = 3.75 * 1024;

/** What a page downloads besides with its first call about rooms, presence or history. */
const MAX_ON_DEMAND_BYTES = 5.25 * 1024;

/** What runtimes without `DecompressionStream` load with the first message that is compressed. */
const MAX_INFLATE_BYTES = 2.5 * 1024;

/** What most pages never load. */
const COMPANION = 'client/tabs/companion.ts';

/** What many pages never load. */
const ON_DEMAND = 'client/calls/on-demand.ts';

const leaveForLater: Plugin = {
  name: 'leave for later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /companion|on-demand|inflate/ }, ({ path, kind }) =>
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

function expectChunk(name: RegExp, maxBytes: number): void {
  const outputFiles = whole.outputFiles.filter(({ path }) => name.test(path));
  expect(outputFiles).toHaveLength(1);
  expect(gzippedBytes({ outputFiles })).toBeGreaterThan(1_000);
  expect(gzippedBytes({ outputFiles })).toBeLessThanOrEqual(maxBytes);
}

/** The chunks that a page loads with the client's entry point, as bundlers split them. */
function firstChunks(): (typeof whole)['outputFiles'] {
  const chunks = new Set<string>();
  const visit = (path: string) => {
    if (chunks.has(path)) return;
    chunks.add(path);
    for (const { path: next, kind } of whole.metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') visit(next);
    }
  };
  visit('index.js');
  return whole.outputFiles.filter(({ path }) => chunks.has(basename(path)));
}

it('what a page downloads at first stays within its bytes, all chunks together', () => {
  const bytes = firstChunks().reduce((sum, file) => sum + gzippedBytes({ outputFiles: [file] }), 0);
  expect(bytes).toBeGreaterThan(gzippedBytes(client));
  expect(bytes).toBeLessThanOrEqual(MAX_FIRST_BYTES);
  const [, kilobytes] = readFileSync('docs/client.md', 'utf8').match(/([\d.]+) KB gzipped at first/) ?? [];
  expect(Number(kilobytes)).toBeCloseTo(bytes / 1024, 0);
});

it('the hooks add little to it', () => {
  expect(gzippedBytes(react)).toBeGreaterThan(gzippedBytes(client));
  expect(gzippedBytes(react)).toBeLessThanOrEqual(gzippedBytes(client) + MAX_REACT_BYTES);
});

it('what keeps records and shares connections is not in it, and stays within its own', () => {
  const inputs = Object.keys(client.metafile.inputs);
  for (const file of [COMPANION, 'client/storage/store.ts', 'client/tabs/tabs.ts']) expect(inputs).not.toContain(file);
  expectChunk(/companion/, MAX_COMPANION_BYTES);
});

it('what joins rooms, watches and asks is not in it, and stays within its own', () => {
  const inputs = Object.keys(client.metafile.inputs);
  for (const name of [
    'calls/on-demand',
    'calls/calls',
    'rooms/feeds',
    'calls/markers',
    'rooms/room-subscriptions',
    'calls/watches',
  ]) {
    expect(inputs).not.toContain(`client/${name}.ts`);
  }
  expectChunk(/on-demand/, MAX_ON_DEMAND_BYTES);
});

it('what decompresses where the runtime cannot is in a chunk of its own, and its library nowhere else', () => {
  const chunks = Object.entries(whole.metafile.outputs).filter(([, { inputs }]) =>
    Object.keys(inputs).some((path) => path.includes('fflate') || path === 'client/encoding/inflate.ts'),
  );
  expect(chunks).toHaveLength(1);
  const [[name, { inputs }]] = chunks as [(typeof chunks)[number]];
  expect(Object.keys(inputs)).toEqual([expect.stringMatching(/^node_modules\/fflate\//), 'client/encoding/inflate.ts']);
  expect(firstChunks().map(({ path }) => basename(path))).not.toContain(name);
  expectChunk(/inflate/, MAX_INFLATE_BYTES);
});

it('the client is otherwise made of its own code and the protocol, without the schemas', () => {
  const files = whole.metafile.inputs;
  expect(Object.keys(files)).toEqual(expect.arrayContaining(['client/index.ts', COMPANION, ON_DEMAND]));
  expect(Object.keys(files).filter((path) => !/^(client|protocol|node_modules\/fflate)\//.test(path))).toEqual([]);
  const imports = Object.values(files).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
