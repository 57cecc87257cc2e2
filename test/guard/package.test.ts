import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
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

test('its construct finds the handlers, and bundles them', async () => {
  const told = await evaluate(`
    import { App, Stack } from 'aws-cdk-lib';
    import { Beckon } from 'beckon/constructs';
    const stack = new Stack(new App({ outdir: 'cdk.out' }), 'Mine');
    const beckon = new Beckon(stack, 'Beckon', { issuer: 'https://login.example.com/', audience: 'mine' });
    console.log(beckon.node.tryFindChild('register') !== undefined);`);
  expect(told).toBe('true');
  const bundles = (await readdir(join(project, 'cdk.out'))).filter((name) => name.startsWith('asset.'));
  expect(bundles.length).toBeGreaterThan(5);
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
