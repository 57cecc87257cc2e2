import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

// The package as somebody gets it who installs it: packed, unpacked into a project of its own, and used from plain Node,
// with nothing at hand but what it declares as its dependencies.

const ROOT = join(import.meta.dirname, '../..');
const run = promisify(execFile);

let project: string;

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'beckon-package-'));
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', project], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }];
  const installed = join(project, 'node_modules/beckon');
  await mkdir(installed, { recursive: true });
  await run('tar', ['xzf', join(project, filename), '--strip-components=1', '-C', installed]);
  const { dependencies, peerDependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    const link = join(project, 'node_modules', name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), link);
  }
  await writeFile(join(project, 'package.json'), '{ "type": "module" }');
}, 180_000);
afterAll(() => rm(project, { recursive: true, force: true }));

/** Runs a module in the project; gives what it prints. */
async function evaluate(module: string, ...options: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [...options, '--input-type=module', '--eval', module], {
    cwd: project,
  });
  return stdout.trim();
}

test('plain Node imports every entry', async () => {
  const told = await evaluate(`
    import { connect } from 'beckon/client';
    import { useBeckon } from 'beckon/react';
    import { createSender } from 'beckon/server';
    import { startLocalCloud } from 'beckon/local';
    import { Beckon } from 'beckon/constructs';
    console.log([connect, useBeckon, createSender, startLocalCloud, Beckon].map((entry) => typeof entry).join());`);
  expect(told).toBe('function,function,function,function,function');
});

test('the client in it works, and says what is wrong', async () => {
  const told = await evaluate(`
    import { BeckonError, connect } from 'beckon/client';
    class Silent { send() {} close() {} }
    const client = connect({ url: 'ws://127.0.0.1', getToken: () => 'x', webSocket: Silent });
    client.close();
    const error = await client.sendToUser('bob', 1).catch((error) => error);
    console.log(client.state.status, error instanceof BeckonError, error.code);`);
  expect(told).toBe('closed true closed');
});

test('the hooks are of the client side, for frameworks that render on servers', async () => {
  const compiled = await readFile(join(project, 'node_modules/beckon/dist/client/react/index.js'), 'utf8');
  expect(compiled).toMatch(/^'use client';/);
});

test('the schema of the function "send" is in it', async () => {
  const { definitions } = JSON.parse(
    await readFile(join(project, 'node_modules/beckon/docs/send.schema.json'), 'utf8'),
  );
  expect(Object.keys(definitions)).toEqual(expect.arrayContaining(['event', 'answer', 'failed', 'error']));
});

/** Synthesizes an app with the construct in a folder that has the package. Returns the template, and the names of the assets. */
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

test('its construct takes the handlers that were bundled when it was built, which is the same everywhere', async () => {
  const { template, assets } = await synthesize(project);
  const handlers = await readdir(join(ROOT, 'lambdas'));
  expect(assets).toEqual(handlers.map(() => expect.stringMatching(/^asset\.[0-9a-f]{64}\.zip$/)));

  // Built once more: elsewhere, later, and by somebody in another time zone.
  const elsewhere = join(project, 'a/folder/elsewhere');
  const SOURCES = ['build.ts', 'package.json', 'tsconfig.json', 'lambdas', 'lib', 'local', 'protocol', 'server'];
  for (const name of SOURCES) await cp(join(ROOT, name), join(elsewhere, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(elsewhere, 'node_modules'));
  const env = { ...process.env, TZ: 'Pacific/Kiritimati' };
  await run(process.execPath, ['--import', 'tsx', 'build.ts'], { cwd: elsewhere, env });
  const built = join(elsewhere, 'dist/handlers');
  const packed = join(project, 'node_modules/beckon/dist/handlers');
  expect(await contents(built)).toEqual(await contents(packed));
  await rm(packed, { recursive: true });
  await cp(built, packed, { recursive: true });
  expect((await synthesize(project)).template).toBe(template);
});

/** What is in a folder: each file's hash by its name. */
async function contents(folder: string): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {};
  for (const name of (await readdir(folder)).toSorted()) {
    hashes[name] = createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  }
  return hashes;
}

test('its local cloud runs them, from the zips', async () => {
  await synthesize(project);
  const told = await evaluate(`
    import { LambdaClient, InvokeCommand } from '@aws-sdk/client-lambda';
    import { startLocalCloud } from 'beckon/local';
    const cloud = await startLocalCloud({ app: 'cdk.out', port: 0 });
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
    const lambda = new LambdaClient({ endpoint: cloud.endpointUrl, region: 'us-east-1', credentials });
    const Payload = JSON.stringify({ to: { user: 'bob' }, data: 1 });
    const { Payload: result } = await lambda.send(new InvokeCommand({ FunctionName: cloud.outputs.Mine.Send, Payload }));
    console.log(Buffer.from(result).toString());
    await cloud.close();`);
  expect(told).toContain('serial');
});

test('installing it brings no bundler', async () => {
  const { dependencies } = JSON.parse(await readFile(join(project, 'node_modules/beckon/package.json'), 'utf8'));
  expect(Object.keys(dependencies).filter((name) => /esbuild|tsx|^aws-cdk|^constructs/.test(name))).toEqual([]);
  const shipped = await readdir(join(project, 'node_modules/beckon/dist/lib'));
  expect(shipped.filter((name) => /app|stack|demo/.test(name))).toEqual([]);
});

test('its command runs', async () => {
  const { stdout } = await run(process.execPath, [join(project, 'node_modules/beckon/cli/bin.mjs'), '--help']);
  expect(stdout).toContain('beckon');
});

test('TypeScript finds its types, with the defaults of a new project', async () => {
  await writeFile(
    join(project, 'use.ts'),
    `import { connect, type Client } from 'beckon/client';
     import { useBeckon } from 'beckon/react';
     import { createSender } from 'beckon/server';
     const client: Client<{ text: string }> = connect<{ text: string }>({ url: 'wss://x', getToken: async () => 'x' });
     client.on('message', ({ data }) => data.text.trim());
     void client.sendToUser('bob', { text: 'hi' });
     void connect({ url: 'wss://x', getToken: () => 'x' }).sendToUser('bob', new Blob(['x']));
     // @ts-expect-error bytes are no { text }
     void client.sendToUser('bob', new Blob(['x']));
     // @ts-expect-error there is no such option
     void useBeckon({ url: 'wss://x', getToken: () => 'x', retry: true });
     void createSender().sendToUser('bob', { text: 'hi' });`,
  );
  await symlink(join(ROOT, 'node_modules/@types'), join(project, 'node_modules/@types'));
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom'];
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { stdout } = await run(tsc, [...options, '--types', 'node', 'use.ts'], { cwd: project }).catch(
    (error) => error,
  );
  expect(stdout).toBe('');
});

test('a bundler takes only what is used of the client', async () => {
  const { outputFiles } = await build({
    stdin: { contents: "export { BeckonError } from 'beckon/client';", resolveDir: project },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
  });
  expect(gzipSync(outputFiles[0]?.contents ?? '').length).toBeLessThan(4_000);
});
