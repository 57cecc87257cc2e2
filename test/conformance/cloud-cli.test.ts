/** The command line, run as a process of its own. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { decodeJwt } from 'jose';
import { afterEach, describe, expect, test } from 'vitest';
import type { Ready } from '../../local/index.ts';
import { alteredFixture, fixture } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

const ENTRY = join(import.meta.dirname, '../../cli/bin.mjs');

/** A run of the command. */
interface Run {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  /** What the `ready` line says; rejects when the process ends before. */
  readonly ready: Promise<Ready>;
  readonly ended: Promise<number | null>;
}

const runs: Run[] = [];
afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.process.kill('SIGTERM');
    await run.ended;
  }
});

function beckon(...args: string[]): Run {
  return observe(spawn(process.execPath, [ENTRY, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

function observe(process_: ChildProcessByStdio<null, Readable, Readable>): Run {
  const output = { stdout: '', stderr: '' };
  const ended = new Promise<number | null>((resolve) => process_.once('close', resolve));
  const ready = new Promise<Ready>((resolve, reject) => {
    process_.stdout.on('data', (chunk) => {
      output.stdout += chunk;
      const [, json] = /^ready (.*)\n/m.exec(output.stdout) ?? [];
      if (json !== undefined) resolve(JSON.parse(json) as Ready);
    });
    void ended.then(() => reject(new Error(`it ended before it was ready: ${output.stderr}`)));
  });
  ready.catch(() => {});
  process_.stderr.on('data', (chunk) => {
    output.stderr += chunk;
  });
  const run = { process: process_, output, ready, ended };
  runs.push(run);
  return run;
}

const startChat = (...args: string[]) =>
  beckon('local', '--app', fixture('scan-chat'), '--memory', '--port', '0', ...args);

describe('beckon local', () => {
  test('prints one line on standard output, and hands parameters on', async () => {
    const run = startChat('--parameter', 'StageName=v1', '--time-scale', '2');
    const ready = await run.ready;
    expect(ready.websocketUrl).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/v1$/);
    const client = connectClient(ready.websocketUrl ?? '');
    await client.opened;
    client.send({ action: 'sendmessage', data: 'hello' });
    expect(await client.next()).toBe('hello');
    expect(run.output.stdout).toBe(`ready ${JSON.stringify(ready)}\n`);
    for (const line of [
      `The local cloud is running: ${ready.endpointUrl} (Ctrl-C stops it)`,
      `  ${ready.websocketUrl}`,
    ])
      expect(run.output.stderr).toContain(`${line}\n`);
  });

  test('prints the output of functions once, without the access log and without metrics that are 0', async () => {
    const metrics = { _aws: { CloudWatchMetrics: [] }, outcome: 'ok', Delivered: 2, Failed: 0 };
    const { app, remove } = alteredFixture('scan-chat', (resources) => {
      const stage = Object.values(resources).find(({ Type }) => Type === 'AWS::ApiGatewayV2::Stage');
      const arn = 'arn:aws:logs:us-east-1:000000000000:log-group:chat';
      if (stage) stage.Properties['AccessLogSettings'] = { DestinationArn: arn, Format: '$context.requestId' };
    });
    writeFileSync(
      join(app, 'handlers/sendmessage.js'),
      `exports.handler = async () => {
        console.log('plain');
        console.log(${JSON.stringify(JSON.stringify(metrics))});
        return { statusCode: 200 };
      };`,
    );
    const run = beckon('local', '--app', app, '--memory', '--port', '0');
    const client = connectClient((await run.ready).websocketUrl ?? '');
    await client.opened;
    client.send({ action: 'sendmessage', data: 'hello' });
    await expect.poll(() => run.output.stderr, { timeout: 15_000 }).toContain('{"outcome":"ok","Delivered":2}');
    expect(run.output.stderr).toContain(': plain\n');
    expect(run.output.stderr).not.toMatch(/^access |_aws/m);
    remove();
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('closes its connections and exits with 0 on %s', async (signal) => {
    const run = startChat();
    const { websocketUrl = '' } = await run.ready;
    const client = connectClient(websocketUrl);
    await client.opened;
    run.process.kill(signal);
    expect(await run.ended).toBe(0);
    await client.closed;
  });

  test('ends with the shell that runs npm scripts, which does not forward signals', async () => {
    const script = `"${process.execPath}" "${ENTRY}" local --app "${fixture('scan-chat')}" --memory --port 0; true`;
    const env = { ...process.env, npm_lifecycle_event: 'start' };
    const run = observe(spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'], env }));
    const client = connectClient((await run.ready).websocketUrl ?? '');
    await client.opened;
    run.process.kill('SIGTERM');
    await client.closed;
    await run.ended;
  });

  test('says in one sentence that the port is taken', async () => {
    const { endpointUrl } = await startChat().ready;
    const { port } = new URL(endpointUrl);
    const second = beckon('local', '--app', fixture('scan-chat'), '--memory', '--port', port);
    expect(await second.ended).toBe(1);
    expect(second.output).toEqual({
      stdout: '',
      stderr: `beckon: port ${port} is taken by another program: stop that program, or choose another port (--port, or the option "port"; 0 takes any free one)\n`,
    });
  });

  test('reports a problem of the app in one sentence', async () => {
    const run = beckon('local', '--app', fixture('pub-sub'), '--memory', '--port', '0');
    expect(await run.ended).toBe(1);
    expect(run.output.stderr).toBe(
      'beckon: stack pub-sub, parameter Secret: it has no default: set its value (--parameter Name=Value)\n',
    );
  });
});

describe('beckon local with a stack that has more in it', () => {
  const startMixed = (...args: string[]) =>
    beckon('local', '--app', fixture('mixed-stack'), '--memory', '--port', '0', ...args);

  test('says how to run the rest', async () => {
    const run = startMixed();
    expect(await run.ended).toBe(1);
    expect(run.output.stderr).toMatch(
      /^beckon: 6 problems:\n( {2}- stack mixed-stack, .*\n){6}To leave out .* --partial\n$/,
    );
  });

  test('runs the rest, and lists at the start the resources that are left out', async () => {
    const run = startMixed('--partial', '--endpoint', 's3=http://127.0.0.1:9');
    await run.ready;
    expect(run.output.stderr).toMatch(
      /^left out: stack mixed-stack, resource Files: .*; its Ref is mixed-stack-files-/,
    );
    expect(run.output.stderr).toMatch(/resource HttpApi .*; with it HttpStage, HttpIntegration, HttpRoute$/m);
  });

  test.each([
    [['--endpoint', 's3'], '--endpoint takes NAME=VALUE, got "s3"'],
    [['--endpoint', 's3=9000'], '--endpoint takes SERVICE=URL, got "s3=9000"'],
    [
      ['--issuer', 'login.example.com'],
      '--issuer takes the https URL of the issuer, such as https://login.example.com/, got "login.example.com"',
    ],
    [
      ['--origin', 'https://app.example.com/'],
      '--origin takes an origin, such as https://app.example.com, got "https://app.example.com/"',
    ],
  ])('refuses %j', async (args, problem) => {
    const run = startMixed(...args);
    expect(await run.ended).toBe(2);
    expect(run.output.stderr).toContain(`beckon: ${problem}\n`);
  });
});

describe('beckon local without --app', () => {
  test('asks for one where there is no cdk.json', async () => {
    const run = observe(
      spawn(process.execPath, [ENTRY, 'local'], { cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
    expect(await run.ended).toBe(2);
    expect(run.output.stderr).toMatch(/^beckon: local needs --app, .*, in a folder without a cdk\.json\n/);
  });
});

describe('beckon disconnect', () => {
  test('names the stacks of the local cloud for an unknown name', async () => {
    const { endpointUrl } = await startChat().ready;
    const run = beckon('disconnect', 'bob', '--url', endpointUrl, '--stack', 'Shop');
    expect(await run.ended).toBe(1);
    expect(run.output.stderr).toBe(
      `beckon: the stack Shop at ${endpointUrl} has no function that manages users; the stacks at that address are scan-chat\n`,
    );
  });

  test('accepts the name of a function or of a stack, not both', async () => {
    const run = beckon('disconnect', 'bob', '--function', 'manage', '--stack', 'Shop');
    expect(await run.ended).toBe(2);
    expect(run.output.stderr).toMatch(/^beckon: give either --function or --stack\n/);
  });
});

describe('beckon token', () => {
  test('prints only a token', async () => {
    const { endpointUrl } = await startChat().ready;
    const run = beckon('token', 'bob', '--url', endpointUrl, '--claim', 'rooms=["lobby"]', '--claim', 'name=Bob');
    expect(await run.ended).toBe(0);
    expect(run.output.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(decodeJwt(run.output.stdout)).toMatchObject({ sub: 'bob', rooms: ['lobby'], name: 'Bob', aud: 'beckon' });
  });

  test('prints the command to type if no local cloud, or another program, is at the port', async () => {
    const other = createServer((_, response) => response.end('<p>hello</p>')).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const commands: readonly [string, string][] = [
      ['http://127.0.0.1:1', 'no local cloud answers at http://127.0.0.1:1'],
      [`http://127.0.0.1:${port}`, `the server at http://127.0.0.1:${port} is not a local cloud`],
    ];
    for (const [url, problem] of commands) {
      const run = beckon('token', 'bob', '--url', url);
      expect(await run.ended).toBe(1);
      expect(run.output.stdout).toBe('');
      expect(run.output.stderr).toMatch(/^beckon: [^\n]*\n$/);
      expect(run.output.stderr).toContain(problem);
      expect(run.output.stderr).toMatch(
        /start one with "npm start", .* token (-- )?bob --url http:\/\/127\.0\.0\.1:PORT/,
      );
    }
    other.close();
  });
});

describe('beckon', () => {
  test('refuses an unknown command, with the usage', async () => {
    const run = beckon('stop');
    expect(await run.ended).toBe(2);
    expect(run.output.stdout).toBe('');
    expect(run.output.stderr).toMatch(/^beckon: there is no command "stop"\n\nusage: beckon <command>/);
  });

  test('prints the usage', async () => {
    const run = beckon('--help');
    expect(await run.ended).toBe(0);
    expect(run.output.stdout).toMatch(/^usage: beckon <command>/);
  });
});
