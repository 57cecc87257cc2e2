import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { publint } from 'publint';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testingExamples } from '../support/testing-examples.ts';

// Tests the packages as users install them: packs them, unpacks them into a project, and uses them from plain Node with only
// their declared dependencies.

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

const FILES = { beckon: '', 'beckon-local': '' };
type PackageName = keyof typeof FILES;

let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'beckon-package-'));
  await pack(ROOT, 'beckon');
  await pack(join(ROOT, 'local'), 'beckon-local');
  await writeFile(join(project, 'package.json'), '{}');
}, 300_000);
afterAll(() => rm(project, { recursive: true, force: true }));

/** Packs a package, unpacks it into the project, and links its declared dependencies from here. */
async function pack(folder: string, name: PackageName): Promise<void> {
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: folder });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  FILES[name] = join(project, filename);
  const installed = join(project, 'node_modules', name);
  await mkdir(installed, { recursive: true });
  await run('tar', ['xzf', FILES[name], '--strip-components=1', '-C', installed]);
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  for (const each of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(project, 'node_modules', each);
    await mkdir(dirname(link), { recursive: true });
    if (!existsSync(link)) await symlink(join(ROOT, 'node_modules', each), link);
  }
}

const inPackage = (...path: string[]) => join(project, 'node_modules/beckon', ...path);

/** Runs a module in the project. Returns its output. */
async function evaluate(module: string, ...options: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...options, '--input-type=module', '--eval', module], {
    cwd: project,
  });
  return stdout.trim();
}

test('plain Node imports every entry', async () => {
  const told = await evaluate(`
    import { connect } from 'beckon/client';
    import { openConversation } from 'beckon/conversation';
    import { openInbox } from 'beckon/inbox';
    import { openPresence } from 'beckon/presence';
    import { useBeckon } from 'beckon/react';
    import { createSender } from 'beckon/server';
    import { startLocalCloud } from 'beckon-local';
    import { createTestServer } from 'beckon/testing';
    import { Beckon } from 'beckon/constructs';
    const entries = { connect, openConversation, openInbox, openPresence, useBeckon, createSender, startLocalCloud, createTestServer, Beckon };
    console.log(Object.values(entries).map((entry) => typeof entry).join());`);
  expect(told).toBe(Array(9).fill('function').join());
});

test('CommonJS requires every entry, and the hooks share the client of the entry client', async () => {
  const { stdout } = await run(
    process.execPath,
    [
      '--eval',
      `
    const { BeckonError, connect } = require('beckon/client');
    const { useBeckon } = require('beckon/react');
    const { createSender } = require('beckon/server');
    const { createTestServer } = require('beckon/testing');
    const { Beckon } = require('beckon/constructs');
    const hooks = require('node:fs').readFileSync(require.resolve('beckon/react'), 'utf8');
    const all = [connect, BeckonError, useBeckon, createSender, createTestServer, Beckon];
    console.log(all.map((entry) => typeof entry).join());
    console.log(hooks.includes('require("./client.cjs")'));`,
    ],
    { cwd: project },
  );
  expect(stdout.trim().split('\n')).toEqual(['function,function,function,function,function,function', 'true']);
});

test('the stores know the clients and errors of the entry client, in ES modules and in CommonJS', async () => {
  const use = `
    class Silent { send() {} close() {} }
    const client = connect({ url: 'ws://127.0.0.1', getToken: () => 'x', webSocket: Silent });
    client.close();
    const conversation = openConversation(client, { user: 'bob' });
    const sent = conversation.send('hi');
    setTimeout(() => {
      const [entry] = conversation.state.entries;
      console.log(conversation.state.status, entry.key === sent.key, entry.status, entry.error instanceof BeckonError);
    });`;
  const names = '{ BeckonError, connect }';
  const modules = `import ${names} from 'beckon/client'; import { openConversation } from 'beckon/conversation'; ${use}`;
  const common = `const ${names} = require('beckon/client'); const { openConversation } = require('beckon/conversation'); ${use}`;
  const { stdout } = await run(process.execPath, ['--eval', common], { cwd: project });
  expect([await evaluate(modules), stdout.trim()]).toEqual(Array(2).fill('failed true failed true'));
});

test('the construct says which package is missing, to ES modules and to CommonJS', async () => {
  const alone = await mkdtemp(join(tmpdir(), 'beckon-alone-'));
  try {
    await cp(inPackage(), join(alone, 'node_modules/beckon'), { recursive: true });
    const remedy =
      'beckon/constructs needs aws-cdk-lib, which is not installed. Run: npm install aws-cdk-lib constructs';
    const evaluate = (...args: string[]) => run(process.execPath, args, { cwd: alone });
    await expect(evaluate('--eval', "require('beckon/constructs')")).rejects.toThrow(remedy);
    const module = "import { Beckon } from 'beckon/constructs';";
    await expect(evaluate('--input-type=module', '--eval', module)).rejects.toThrow(remedy);
  } finally {
    await rm(alone, { recursive: true, force: true });
  }
});

test('whoever imports what is not exported is told what is', async () => {
  const imports = [
    "import { connect } from 'beckon';",
    "import { startLocalCloud } from 'beckon/local';",
    "import 'beckon/dist/client.js';",
  ];
  for (const statement of imports) {
    await expect(evaluate(statement)).rejects.toThrow(
      'beckon exports beckon/client, beckon/conversation, beckon/inbox, beckon/presence, beckon/react, beckon/server, beckon/testing and beckon/constructs',
    );
  }
});

test('publint and are-the-types-wrong find nothing', async () => {
  for (const file of Object.values(FILES)) {
    const { messages } = await publint({ pack: { tarball: await arrayBufferOf(file) }, strict: true });
    expect(messages).toEqual([]);
  }
  const attw = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
  await run(process.execPath, [attw, FILES.beckon, '--profile', 'node16']);
  await run(process.execPath, [attw, FILES['beckon-local'], '--profile', 'esm-only']);
}, 120_000);

async function arrayBufferOf(file: string): Promise<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = await readFile(file);
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

test('every link in the package’s documents leads to a file in the package', async () => {
  const files = await readdir(inPackage(), { recursive: true });
  const documents = files.filter((file) => file.endsWith('.md'));
  expect(documents).toEqual(expect.arrayContaining(['README.md', 'CHANGELOG.md', 'docs/client.md']));
  const broken: string[] = [];
  for (const file of documents) {
    const text = await readFile(inPackage(file), 'utf8');
    for (const [, target = ''] of text.matchAll(/(?:\]\(|src=")([^)"\s]+)/g)) {
      if (/^(https?:|mailto:|#)/.test(target)) continue;
      const path = join(dirname(file), target.replace(/#.*/, ''));
      if (!files.includes(path)) broken.push(`${file}: ${target}`);
    }
  }
  expect(broken).toEqual([]);
});

test('the package contains the licenses of its bundled code', async () => {
  const notices = await readFile(inPackage('dist/THIRD-PARTY-NOTICES.txt'), 'utf8');
  for (const name of ['valibot', 'ulid', 'fflate', 'aws4fetch', 'jose', '@aws-sdk/client-dynamodb', '@smithy/']) {
    expect(notices).toContain(`\n${name}`);
  }
});

test('the packaged client works, and reports errors', async () => {
  const told = await evaluate(`
    import { BeckonError, connect } from 'beckon/client';
    class Silent { send() {} close() {} }
    const client = connect({ url: 'ws://127.0.0.1', getToken: () => 'x', webSocket: Silent });
    client.close();
    const error = await client.sendToUser('bob', 1).catch((error) => error);
    console.log(client.state.status, error instanceof BeckonError, error.code);`);
  expect(told).toBe('closed true closed');
});

test.each([
  [
    'an ES module',
    '--input-type=module',
    "import { connect } from 'beckon/client'; import { createTestServer } from 'beckon/testing';",
  ],
  [
    'CommonJS',
    '--input-type=commonjs',
    "const { connect } = require('beckon/client'); const { createTestServer } = require('beckon/testing');",
  ],
])('the packaged test server delivers: %s', async (_, type, imports) => {
  const code = `${imports}
    (async () => {
      const server = createTestServer();
      const bob = connect(server.connectOptions('bob'));
      const alice = server.client('alice');
      await bob.ready();
      const arrived = bob.once('message');
      await alice.sendToUser('bob', 'hi');
      console.log((await arrived).data, alice.constructor === bob.constructor);
      bob.close();
      server.close();
    })();`;
  const { stdout } = await run(process.execPath, [type, '--eval', code], { cwd: project });
  expect(stdout.trim()).toBe('hi true');
});

test('the examples of docs/testing.md work in Node, with vitest and with Node’s own runner', async () => {
  const { 'presence.test.js': presence = '', 'race.test.mjs': race = '' } = testingExamples();
  const folder = join(project, 'tests');
  await mkdir(folder);
  await writeFile(join(folder, 'presence.test.js'), presence);
  await writeFile(join(folder, 'race.test.mjs'), race);
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await symlink(join(ROOT, 'node_modules/vitest'), join(project, 'node_modules/vitest'));
  const { stdout } = await run(process.execPath, ['--test', 'race.test.mjs'], { cwd: folder });
  expect(stdout).toMatch(/pass 1\n/);
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const env = { ...process.env, NO_COLOR: '1' };
  const told = await run(process.execPath, [vitest, 'run', '--root', folder, 'presence.test.js'], { cwd: folder, env });
  expect(told.stdout).toMatch(/Tests\s+1 passed/);
}, 60_000);

test('the hooks carry "use client", for frameworks that render on servers', async () => {
  for (const file of ['react.js', 'react.cjs']) {
    expect(await readFile(inPackage('dist', file), 'utf8')).toMatch(/^(?:"use strict";\s*)?["']use client["'];/);
  }
});

test('the package contains the schema of the function "send"', async () => {
  const { definitions } = JSON.parse(
    await readFile(join(project, 'node_modules/beckon/docs/send.schema.json'), 'utf8'),
  );
  expect(Object.keys(definitions)).toEqual(expect.arrayContaining(['event', 'answer', 'failed', 'error']));
});

/** Synthesizes an app with the construct in a folder with the package. Returns the template and the asset names. */
async function synthesize(folder: string) {
  const app = `
    import { App, CfnOutput, Stack } from 'aws-cdk-lib';
    import { Beckon } from 'beckon/constructs';
    const app = new App({ outdir: 'cdk.out' });
    const stack = new Stack(app, 'Mine');
    const beckon = new Beckon(stack, 'Beckon', { issuer: 'https://login.example.com/', audience: 'mine' });
    new CfnOutput(stack, 'Send', { value: beckon.sendFunction.functionName });
    app.synth();`;
  const options = { cwd: folder, env: { ...process.env, CDK_VALIDATION: 'false' } };
  await run(process.execPath, ['--input-type=module', '--eval', app], options);
  const output = join(folder, 'cdk.out');
  const assets = (await readdir(output)).filter((name) => name.startsWith('asset.')).toSorted();
  return { template: await readFile(join(output, 'Mine.template.json'), 'utf8'), assets };
}

test('the construct uses the prebuilt handlers, and every build gives the same bytes', async () => {
  const { template, assets } = await synthesize(project);
  const handlers = await readdir(join(ROOT, 'lambdas'));
  expect(assets).toEqual(handlers.map(() => expect.stringMatching(/^asset\.[0-9a-f]{64}\.zip$/)));

  // Build again in another folder, later, and in another time zone.
  const elsewhere = join(project, 'a/folder/elsewhere');
  const filter = (path: string) => !/\/(node_modules|dist|cdk\.out|\.git|\.beckon)$/.test(path);
  await cp(ROOT, elsewhere, { recursive: true, filter });
  await symlink(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  const env = { ...process.env, TZ: 'Pacific/Kiritimati' };
  await run(process.execPath, ['--import', 'tsx', 'packaging/main.ts', 'beckon'], { cwd: elsewhere, env });
  const built = join(elsewhere, 'dist/template');
  const packed = inPackage('dist/template');
  expect(await contents(built)).toEqual(await contents(packed));
  await rm(packed, { recursive: true });
  await cp(built, packed, { recursive: true });
  expect((await synthesize(project)).template).toBe(template);
}, 180_000);

/** Returns the hash of each file in a folder, by path. */
async function contents(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    hashes[relative(folder, file)] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
  return hashes;
}

test('the packaged local cloud runs the handlers from the zips', async () => {
  await synthesize(project);
  const told = await evaluate(`
    import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
    import { startLocalCloud } from 'beckon-local';
    const cloud = await startLocalCloud({ app: 'cdk.out', port: 0 });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const lambda = new LambdaClient({ endpoint: cloud.endpointUrl, region: 'us-east-1', credentials });
    const Payload = JSON.stringify({ to: { user: 'bob' }, data: 1 });
    const { Payload: result } = await lambda.send(new InvokeCommand({ FunctionName: cloud.outputs.Mine.Send, Payload }));
    console.log(Buffer.from(result).toString());
    await cloud.close();`);
  expect(told).toContain('serial');
});

test('the package installs no other package', async () => {
  const { dependencies, peerDependenciesMeta, peerDependencies } = JSON.parse(
    await readFile(inPackage('package.json'), 'utf8'),
  );
  expect(dependencies).toBeUndefined();
  expect(Object.keys(peerDependenciesMeta)).toEqual(Object.keys(peerDependencies));
  const files = await readdir(inPackage(), { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(file.parentPath, file.name))).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000);
});

test('the packaged template runs on the local cloud, with its handlers in any bucket', async () => {
  const told = await evaluate(`
    import { startLocalCloud } from 'beckon-local';
    const cloud = await startLocalCloud({
      app: ${JSON.stringify(inPackage('dist/template/beckon.template.json'))},
      port: 0,
      parameters: { Issuer: '{endpointUrl}/_local', CodeBucket: 'mine' },
    });
    const { url } = { url: cloud.websocketUrl };
    console.log(url);
    await cloud.close();`);
  expect(told).toMatch(/^ws:/);
  const { Parameters, Resources } = JSON.parse(await readFile(inPackage('dist/template/beckon.template.json'), 'utf8'));
  expect(Object.keys(Parameters)).toEqual(expect.arrayContaining(['CodeBucket', 'CodePrefix', 'Issuer']));
  const handlers = await readdir(inPackage('dist/template/handlers'));
  const keys = Object.values(Resources as Record<string, { Type: string; Properties: { Code: object } }>)
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties }) => Properties.Code);
  expect(keys).toHaveLength(handlers.length);
  for (const zip of handlers) {
    const S3Key = { 'Fn::Join': ['', [{ Ref: 'CodePrefix' }, zip]] };
    expect(keys).toContainEqual({ S3Bucket: { Ref: 'CodeBucket' }, S3Key });
  }
});

test('the packaged command runs', async () => {
  const { stdout } = await run(process.execPath, [inPackage('cli/bin.mjs'), '--help']);
  expect(stdout).toContain('beckon');
});

test('the packaged command finds the local cloud in the project, and names a missing package', async () => {
  const elsewhere = await mkdtemp(join(tmpdir(), 'beckon-alone-'));
  try {
    await cp(inPackage(), join(elsewhere, 'store/beckon'), { recursive: true });
    const bin = join(elsewhere, 'store/beckon/cli/bin.mjs');
    const start = (cwd: string, command: string) => run(process.execPath, [bin, ...command.split(' ')], { cwd });
    const { version } = JSON.parse(await readFile(inPackage('package.json'), 'utf8'));
    const remedy = `npm install --save-dev beckon-local@${version}`;
    await expect(start(elsewhere, 'start --no-open')).rejects.toThrow(remedy);
    await expect(start(elsewhere, 'disconnect bob --function x')).rejects.toThrow(
      'npm install --save-dev @aws-sdk/client-lambda',
    );
    // As with pnpm, which links packages to the project only.
    await expect(start(project, 'local --app nowhere.json')).rejects.toThrow('nowhere.json');
    await mkdir(join(elsewhere, 'node_modules/beckon-local'), { recursive: true });
    await writeFile(join(elsewhere, 'node_modules/beckon-local/package.json'), '{ "version": "0.0.1" }');
    await expect(start(elsewhere, 'start')).rejects.toThrow(
      `beckon-local 0.0.1 does not match beckon ${version}; ${remedy}`,
    );
  } finally {
    await rm(elsewhere, { recursive: true, force: true });
  }
});

const USE = `
  import { connect, type Client } from 'beckon/client';
  import { useBeckon } from 'beckon/react';
  import { openConversation, type Entry } from 'beckon/conversation';
  import { openInbox } from 'beckon/inbox';
  import { openPresence } from 'beckon/presence';
  import { createSender } from 'beckon/server';
  import { createTestServer } from 'beckon/testing';
  import type { BeckonProps } from 'beckon/constructs';
  const client: Client<{ text: string }> = connect<{ text: string }>({ url: 'wss://x', getToken: async () => 'x' });
  client.on('message', ({ data }) => data.text.trim());
  void client.sendToUser('bob', { text: 'hi' });
  void connect({ url: 'wss://x', getToken: () => 'x' }).sendToUser('bob', new Blob(['x']));
  // @ts-expect-error bytes are not { text }
  void client.sendToUser('bob', new Blob(['x']));
  // @ts-expect-error there is no such option
  void useBeckon({ url: 'wss://x', getToken: () => 'x', retry: true });
  const conversation = openConversation(client, { user: 'bob' });
  const entry: Entry<{ text: string }> = conversation.send({ text: 'hi' });
  // @ts-expect-error a number is not { text }
  conversation.send(1);
  export const shown = [entry.data.text.trim(), openPresence(client, ['bob']).state.total, openInbox(client).state.unread];
  void createSender().sendToUser('bob', { text: 'hi' });
  const server = createTestServer({ search: true });
  const tested: Client<{ text: string }> = server.client<{ text: string }>('bob', { capability: { 'user:*': ['send'] } });
  void tested.sendToUser('bob', { text: 'hi' });
  // @ts-expect-error there is no such code
  server.refuseNext('sendMessage', 'refused');
  // @ts-expect-error an audience is a string
  export const props: BeckonProps = { issuer: 'https://x/', audience: 1 };`;

/** Each row has the types that a project installs, without those that the package bundles. */
test.each([
  ['nodenext, from an ES module', 'use.mts', 'tsc', '--module nodenext'],
  ['nodenext, from CommonJS', 'use.cts', 'tsc', '--module nodenext'],
  ['a bundler', 'use.ts', 'tsc', '--module esnext --moduleResolution bundler'],
  [
    'node10, as older projects have it',
    'use.ts',
    'tsc6',
    '--module commonjs --moduleResolution node10 --ignoreDeprecations 6.0',
  ],
])('TypeScript finds its types: %s', async (_, file, compiler, resolution) => {
  const folder = await mkdtemp(join(project, 'types-'));
  await writeFile(join(folder, file), USE);
  await writeFile(join(folder, 'package.json'), '{}');
  const types = join(project, 'node_modules/@types');
  if (!existsSync(types)) await symlink(join(ROOT, 'node_modules/@types'), types);
  const options = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'es2022',
    '--lib',
    'es2022,dom',
    '--types',
    'node',
  ];
  const args = [join(ROOT, 'node_modules/.bin', compiler), ...options, ...resolution.split(' '), file];
  const { stdout } = await run(process.execPath, args, { cwd: folder }).catch((error) => error);
  expect(stdout).toBe('');
});

test('the declarations need only installed packages', async () => {
  const declarations = (await readdir(inPackage('dist'))).filter((file) => /\.d\.c?ts$/.test(file));
  const { peerDependencies } = JSON.parse(await readFile(inPackage('package.json'), 'utf8'));
  const imported = new Set<string>();
  for (const file of declarations) {
    const text = await readFile(inPackage('dist', file), 'utf8');
    for (const [, name = ''] of text.matchAll(/^(?:import|export) .* from ["']((?:@[^/"']+\/)?[^./"'][^/"']*)/gm))
      imported.add(name);
  }
  expect([...imported].filter((name) => !Object.hasOwn(peerDependencies, name) && !name.startsWith('node:'))).toEqual(
    [],
  );
});

test('a bundler drops the unused parts of the client', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export { BeckonError } from 'beckon/client';", resolveDir: project },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  expect(gzipSync(outputFiles[0]?.contents ?? '').length).toBeLessThan(4_000);
});
