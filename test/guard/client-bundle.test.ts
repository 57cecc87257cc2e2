import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { expect, it } from 'vitest';

/** What a page downloads for the client at first: all chunks that load with it, each minified and gzipped. */
const MAX_FIRST_BYTES = 12 * 1024;
/** What a page downloads at first for `connect` and `openConversation`. */
const MAX_CONVERSATION_BYTES = 18 * 1024;
/** What each store may add to the client. */
const MAX_STORE_BYTES = { conversation: 5.5 * 1024, inbox: 2.75 * 1024, presence: 2 * 1024 };
/** What the hooks of the connection may add to it. */
const MAX_CONNECTION_HOOKS_BYTES = 512;
/** What all hooks may add to it, with the stores that they open. */
const MAX_HOOKS_BYTES = 8 * 1024;
/** The bytes of each late part, with the chunks that it shares with other parts. */
const MAX_LATE_BYTES = {
  'connection/upkeep': 1.6 * 1024,
  'calls/rooms-presence-history': 6.6 * 1024,
  'encoding/encoding': 1.65 * 1024,
  'schema/schema-part': 1.1 * 1024,
  'sending/sending-part': 4.2 * 1024,
  'storage/storage-part': 2.35 * 1024,
  'tabs/tabs-part': 4.15 * 1024,
};

/** The bytes that runtimes without `DecompressionStream` load with the first compressed message. */
const MAX_INFLATE_BYTES = 2.5 * 1024;

const leaveForLater: Plugin = {
  name: 'leave for later',
  setup: ({ onResolve }) =>
    onResolve({ filter: /./ }, ({ path, kind }) => (kind === 'dynamic-import' ? { path, external: true } : undefined)),
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

/** Returns the chunks that a page loads with an entry point or part, as bundlers split them. */
function chunksOf(entry: string, { metafile }: Pick<typeof whole, 'metafile'> = whole): ReadonlySet<string> {
  const chunks = new Set<string>();
  const visit = (path: string) => {
    if (chunks.has(path)) return;
    chunks.add(path);
    for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
      if (kind === 'import-statement') visit(next);
    }
  };
  visit(entry);
  return chunks;
}

const first = chunksOf('index.js');

/** Returns the bytes of these chunks, each gzipped alone. */
function bytesOf(chunks: Iterable<string>, { outputFiles }: Pick<typeof whole, 'outputFiles'> = whole): number {
  const names = new Set(chunks);
  const files = outputFiles.filter(({ path }) => names.has(basename(path)));
  expect(files).toHaveLength(names.size);
  return files.reduce((sum, file) => sum + gzippedBytes({ outputFiles: [file] }), 0);
}

/** Returns the chunk whose entry point is the module. */
function chunkOf(module: string): string {
  const outputs = Object.entries(whole.metafile.outputs);
  const [name] = outputs.find(([, { entryPoint }]) => entryPoint === module) ?? [];
  if (!name) throw new Error(`no chunk is loaded for ${module}`);
  return name;
}

it('the first load stays within its budget, all chunks together', () => {
  const bytes = bytesOf(first);
  expect(bytes).toBeGreaterThan(gzippedBytes(client));
  expect(bytes).toBeLessThanOrEqual(MAX_FIRST_BYTES);
  const [, kilobytes] = readFileSync('docs/client.md', 'utf8').match(/([\d.]+) KB gzipped at first/) ?? [];
  expect(Number(kilobytes)).toBeCloseTo(bytes / 1024, 0);
});

it.each(Object.entries(MAX_STORE_BYTES))('the store %s stays within its budget', async (store, maxBytes) => {
  const entryPoints = ['client/index.ts', `client/stores/${store}.ts`];
  const built = await build({ ...OPTIONS, entryPoints, splitting: true, outdir: '.', outbase: 'client' });
  const paths = new Map(Object.entries(built.metafile.outputs).map(([path, { entryPoint }]) => [entryPoint, path]));
  const files = built.outputFiles.map(({ path }) => basename(path));
  expect(new Set(files).size).toBe(files.length);
  const bytes = (entry: string) => {
    const chunks = [...chunksOf(paths.get(entry) ?? '', built)].map((path) => basename(path));
    return bytesOf(chunks, built);
  };
  const [alone, withStore] = entryPoints.map(bytes) as [number, number];
  expect(withStore - alone).toBeGreaterThan(500);
  expect(withStore - alone).toBeLessThanOrEqual(maxBytes);
  if (store === 'conversation') expect(withStore).toBeLessThanOrEqual(MAX_CONVERSATION_BYTES);
});

it('the hooks stay within their budget', async () => {
  const contents = "export { useBeckon, useClientEvent, useConnectionState } from './client/react/index.ts';";
  const stdin = { contents, resolveDir: process.cwd() };
  const ofConnection = await build({ ...OPTIONS, stdin, plugins: [leaveForLater] });
  expect(gzippedBytes(ofConnection)).toBeGreaterThan(gzippedBytes(client));
  expect(gzippedBytes(ofConnection)).toBeLessThanOrEqual(gzippedBytes(client) + MAX_CONNECTION_HOOKS_BYTES);
  expect(gzippedBytes(react)).toBeLessThanOrEqual(gzippedBytes(client) + MAX_HOOKS_BYTES);
});

it.each(Object.entries(MAX_LATE_BYTES))(
  '%s is not in the first load, and stays within its budget',
  (part, maxBytes) => {
    const entry = `client/${part}.ts`;
    expect(Object.keys(client.metafile.inputs)).not.toContain(entry);
    const bytes = bytesOf([...chunksOf(chunkOf(entry))].filter((chunk) => !first.has(chunk)));
    expect(bytes).toBeGreaterThan(500);
    expect(bytes).toBeLessThanOrEqual(maxBytes);
  },
);

it('nothing that only these parts need is in it', () => {
  const inputs = Object.keys(client.metafile.inputs);
  const names = ['calls/markers', 'calls/server-calls', 'calls/watches', 'rooms/feeds', 'rooms/room-subscriptions'];
  for (const name of [
    ...names,
    'encoding/gzip',
    'encoding/text',
    'sending/outbox',
    'connection/pacer',
    'connection/liveness',
    'receiving/shown',
    'storage/records',
    'storage/store',
    'tabs/tabs',
  ]) {
    expect(Object.keys(whole.metafile.inputs)).toContain(`client/${name}.ts`);
    expect(inputs).not.toContain(`client/${name}.ts`);
  }
});

it('every part that is loaded late has its bytes here', () => {
  const entries = Object.values(whole.metafile.outputs).flatMap(({ entryPoint = '' }) => entryPoint || []);
  const parts = Object.keys(MAX_LATE_BYTES).map((part) => `client/${part}.ts`);
  expect(entries.sort()).toEqual([...parts, 'client/encoding/inflate.ts', 'client/index.ts'].sort());
});

it('the decompression for older runtimes is a chunk of its own, and no other chunk has its library', () => {
  const chunks = Object.entries(whole.metafile.outputs).filter(([, { inputs }]) =>
    Object.keys(inputs).some((path) => path.includes('fflate') || path === 'client/encoding/inflate.ts'),
  );
  expect(chunks).toHaveLength(1);
  const [[name, { inputs }]] = chunks as [(typeof chunks)[number]];
  expect(Object.keys(inputs)).toEqual([expect.stringMatching(/^node_modules\/fflate\//), 'client/encoding/inflate.ts']);
  expect(first).not.toContain(name);
  expect(bytesOf([name])).toBeLessThanOrEqual(MAX_INFLATE_BYTES);
});

it('the client bundles only its own code and the protocol, without the schemas', () => {
  const files = whole.metafile.inputs;
  expect(Object.keys(files).filter((path) => !/^(client|protocol|node_modules\/fflate)\//.test(path))).toEqual([]);
  const imports = Object.values(files).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => /^node:|aws-sdk/.test(path))).toEqual([]);
});
