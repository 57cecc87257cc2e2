import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { App, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Beckon } from '../../lib/beckon.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type Ready } from '../../local/index.ts';

// An application with two Beckons in one stack. Users and commands tell them apart by their outputs.

const BIN = join(import.meta.dirname, '../../cli/bin.mjs');

let directory: string;
let cloud: ChildProcess;
let ready: Ready;
let told = '';

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'beckon-outputs-'));
  const app = new App({ outdir: join(directory, 'cdk.out') });
  const stack = new Stack(app, 'Mine', { env: { account: LOCAL_ACCOUNT, region: LOCAL_REGION } });
  const identity = { issuer: 'https://login.example.com/', audience: 'mine' };
  new Beckon(stack, 'Customers', { ...identity, stageName: 'customers' });
  new Beckon(stack, 'Agents', { ...identity, stageName: 'agents', manageAccountLogRole: false });
  app.synth();
  const args = ['local', '--app', app.outdir, '--memory', '--port', '0', '--issuer', identity.issuer];
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  cloud = child;
  child.stderr.on('data', (data) => {
    told += data;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    ready = JSON.parse(line.replace(/^ready /, ''));
    break;
  }
});

afterAll(async () => {
  const ended = once(cloud, 'exit');
  cloud.kill();
  await ended;
  rmSync(directory, { recursive: true });
});

/** Runs a command. Returns its exit code and output. */
function beckon(...args: string[]): Promise<{ code: unknown; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [BIN, ...args, '--url', ready.endpointUrl], (error, stdout, stderr) => {
      resolve({ code: error?.code ?? 0, output: stdout + stderr });
    });
  });
}

const outputValue = (name: RegExp) => Object.entries(ready.outputs['Mine'] ?? {}).find(([key]) => name.test(key))?.[1];

test('"beckon local" prints the outputs of both, with their local addresses', () => {
  const { host } = new URL(ready.endpointUrl);
  for (const [path, stage] of [
    ['Customers', 'customers'],
    ['Agents', 'agents'],
  ]) {
    expect(told).toMatch(
      new RegExp(
        `^  Mine\\.${path}WebSocketUrl[0-9A-F]{8}: wss://\\S+/${stage} \\(locally: ws://${host}/${stage}\\)$`,
        'm',
      ),
    );
    for (const name of ['SendFunctionName', 'ManageFunctionName']) {
      expect(told).toMatch(new RegExp(`^  Mine\\.${path}${name}[0-9A-F]{8}: Mine-${path}`, 'm'));
    }
  }
});

test('a command that finds two functions lists both, with the option that selects one', async () => {
  const { code, output } = await beckon('blocked', 'bob', '--stack', 'Mine');
  expect(code).toBe(1);
  expect(output).toMatch(/^beckon: the stacks have 2 functions that manage users; name one:\n/);
  for (const path of ['Customers', 'Agents']) {
    const name = outputValue(new RegExp(`^${path}ManageFunctionName`));
    expect(output).toContain(`beckon blocked bob --function ${name} --url ${ready.endpointUrl}   (Mine.${path}Manage`);
  }
});

test('a command with the name of one function works', async () => {
  const manage = String(outputValue(/^CustomersManageFunctionName/));
  expect(await beckon('block', 'bob', 'mallory', '--function', manage)).toMatchObject({ code: 0 });
  expect(await beckon('blocked', 'bob', '--function', manage)).toEqual({ code: 0, output: 'mallory\n' });
  const other = String(outputValue(/^AgentsManageFunctionName/));
  expect(await beckon('blocked', 'bob', '--function', other)).toEqual({ code: 0, output: '' });
});
