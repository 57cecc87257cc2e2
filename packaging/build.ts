/** Builds the contents of the packages into `dist/` and `local/dist/`. An installation bundles and compiles nothing. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { bundlePage } from '../cli/page.ts';
import { bundleHandlers } from '../lib/bundle-handlers.ts';
import { bundleRuntime } from '../local/lambda/runtime-bundle.ts';
import { writeDeclarations } from './declarations.ts';
import { writeCommonJs, writeModules } from './modules.ts';
import { thirdPartyNotices } from './notices.ts';
import { installedBeside, PACKAGES, type PackageName, ROOT } from './packages.ts';
import { HANDLERS, plainTemplate } from './template.ts';

const CLIENT_ENTRIES = {
  client: 'client/index.ts',
  conversation: 'client/stores/conversation.ts',
  inbox: 'client/stores/inbox.ts',
  presence: 'client/stores/presence.ts',
  react: 'client/react/index.ts',
};
const SERVER_ENTRIES = { server: 'server/index.ts' };
const TESTING_ENTRIES = { testing: 'testing/index.ts' };

/** The client as the test server has it. It is not exported. */
const PRELOADED_ENTRIES = { preloaded: 'client/preloaded.ts' };

/** What both have in common is a file of its own in CommonJS, which has no chunks: there is one class of clients. */
const COMMON_ENTRIES = { session: 'client/client.ts' };
const CONSTRUCT_ENTRIES = { constructs: 'lib/beckon.ts' };
const COMMAND = { cli: 'cli/beckon.ts' };

/** The targets: browsers of recent years, and the oldest Node that the packages allow. */
const BROWSERS = 'es2022';
const NODE = 'node20';

async function buildBeckon(outdir: string): Promise<void> {
  const external = [...installedBeside('beckon'), 'esbuild', 'tsx'];
  const client = { entries: CLIENT_ENTRIES, external, outdir, platform: 'neutral', target: BROWSERS } as const;
  const server = { entries: SERVER_ENTRIES, external, outdir, platform: 'node', target: NODE } as const;
  const beside = { ...CLIENT_ENTRIES, ...PRELOADED_ENTRIES };
  const testing = { ...server, entries: TESTING_ENTRIES, beside };
  const handlers = bundleHandlers();
  const metafiles = [
    // An entry point of its own is a chunk of its own: bundlers leave the client out of what imports only the error.
    await writeModules({ ...client, entries: { ...beside, errors: 'protocol/beckon-error.ts' } }),
    await writeModules({ ...server, entries: { ...SERVER_ENTRIES, ...COMMAND } }),
    await writeModules(testing),
  ];
  await writeCommonJs({ ...client, entries: { ...beside, ...COMMON_ENTRIES } });
  await writeCommonJs(server);
  await writeCommonJs(testing);
  const constructs = await writeCommonJs({ ...server, entries: CONSTRUCT_ENTRIES });
  write(outdir, 'constructs.js', REQUIRED_CONSTRUCT);
  await writeDeclarations({
    entries: { ...CLIENT_ENTRIES, ...SERVER_ENTRIES, ...TESTING_ENTRIES, ...CONSTRUCT_ENTRIES },
    external,
    outdir,
    extensions: ['d.ts', 'd.cts'],
  });
  const zips = writeHandlers(join(outdir, 'template', HANDLERS), handlers.modules);
  for (const [file, search] of [
    ['beckon', false],
    ['beckon-with-search', true],
  ] as const) {
    write(join(outdir, 'template'), `${file}.template.json`, plainTemplate(zips, { search }));
  }
  await bundlePage(join(outdir, 'page'), { minify: true });
  const inputs = [
    ...[...metafiles, constructs].flatMap((metafile) => Object.keys(metafile.inputs)),
    ...handlers.inputs,
  ];
  write(outdir, 'THIRD-PARTY-NOTICES.txt', thirdPartyNotices(inputs));
  const outputs = metafiles.flatMap((metafile) => Object.values(metafile.outputs));
  const exported = [
    ...outputs.flatMap(({ entryPoint, exports }) => (entryPoint === undefined ? [] : exports)),
    'Beckon',
  ];
  write(outdir, 'not-exported.cjs', notExported([...exported, 'startLocalCloud']));
  write(outdir, 'not-exported.d.cts', 'export {};\n');
}

/**
 * The construct as an ES module. It requires the CommonJS one: an app that mixes both has one class, and the check for missing
 * packages runs, which an import of them would precede.
 */
const REQUIRED_CONSTRUCT = `import { createRequire } from 'node:module';
export const { Beckon } = createRequire(import.meta.url)('./constructs.cjs');
`;

/**
 * The module that every other import gets. It throws an error with the real entry points. It has the names of all exports, because
 * without them `import { connect }` would fail before that error.
 */
function notExported(names: Iterable<string>): string {
  const sentence =
    'beckon exports beckon/client, beckon/conversation, beckon/inbox, beckon/presence, beckon/react, beckon/server, beckon/testing and beckon/constructs, and nothing else; the local cloud is the package beckon-local';
  const exported = [...new Set(names)].toSorted().map((name) => `exports.${name} = undefined;\n`);
  return `${exported.join('')}throw new Error(${JSON.stringify(sentence)});\n`;
}

async function buildLocal(outdir: string): Promise<void> {
  const entries = { index: 'local/index.ts' };
  const external = installedBeside('beckon-local');
  await writeModules({ entries, external: [...external, 'esbuild'], outdir, platform: 'node', target: NODE });
  await writeDeclarations({ entries, external, outdir, extensions: ['d.ts'] });
  write(join(outdir, 'runtime'), 'bootstrap.cjs', bundleRuntime());
  cpSync(join(ROOT, 'LICENSE'), join(outdir, 'LICENSE'));
}

/** A zip stores the local time. Noon of this day exists in every time zone. */
const FIXED_TIME = new Date(1980, 0, 1, 12);

/** `os` 3 is Unix: Lambda unpacks the file with these permissions. */
const EVERYBODY_MAY_READ = { os: 3, attrs: 0o100644 << 16 } as const;

/**
 * Writes each handler as a reproducible zip. Its name contains the hash of its contents, so a stack update replaces exactly the
 * changed handlers.
 */
function writeHandlers(folder: string, modules: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [id, module] of modules) {
    const zip = zipSync({ 'index.mjs': module }, { level: 9, mtime: FIXED_TIME, ...EVERYBODY_MAY_READ });
    const name = `${id}.${createHash('sha256').update(zip).digest('hex').slice(0, 16)}.zip`;
    write(folder, name, zip);
    names.set(id, name);
  }
  return names;
}

function write(folder: string, file: string, content: Uint8Array | string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), content);
}

const BUILDS: Readonly<Record<PackageName, (outdir: string) => Promise<void>>> = {
  beckon: buildBeckon,
  'beckon-local': buildLocal,
};

/** Builds the named packages. Default: all. */
export async function build(names: readonly string[] = Object.keys(BUILDS)): Promise<void> {
  for (const [name, write] of Object.entries(BUILDS)) {
    if (!names.includes(name)) continue;
    const outdir = join(PACKAGES[name as PackageName], 'dist');
    rmSync(outdir, { recursive: true, force: true });
    await write(outdir);
  }
}
