import { type ChildProcess, spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';

const WSCAT = createRequire(import.meta.url).resolve('wscat/bin/wscat');

let cloud: LocalCloud;
const running: ChildProcess[] = [];

beforeAll(async () => {
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill();
});

afterAll(() => cloud.close());

/** Starts wscat, an independent client, for a user. Without a terminal, wscat does not show when it is connected. */
async function wscat(userId: string) {
  const header = `Authorization: Bearer ${await cloud.token({ sub: userId })}`;
  const child = spawn(process.execPath, [
    WSCAT,
    '-c',
    cloud.websocketUrl,
    '-H',
    header,
    '-s',
    'beckon.v1',
    '--no-color',
  ]);
  running.push(child);
  let output = '';
  const append = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on('data', append);
  child.stderr.on('data', append);
  const type = (line: string) => child.stdin.write(`${line}\n`);
  return {
    type,
    sees: (text: string) => expect.poll(() => output, { timeout: 15_000, interval: 25 }).toContain(text),
    /** Types the line until the answer appears: wscat loses lines from before the connection is open. */
    async insists(line: string, answer: string): Promise<void> {
      const seen = () => {
        if (output.includes(answer)) return true;
        type(line);
        return false;
      };
      await expect.poll(seen, { timeout: 15_000, interval: 200 }).toBe(true);
    },
  };
}

test('two people with wscat exchange a message', async () => {
  const [alice, bob] = await Promise.all([wscat('alice'), wscat('bob')]);
  const register = '{"action":"register"}';
  await Promise.all([alice.insists(register, '"userId":"alice"'), bob.insists(register, '"userId":"bob"')]);

  alice.type('{"action":"sendMessage","to":{"user":"bob"},"data":"hello from a terminal"}');

  await bob.sees('"data":"hello from a terminal"');
  await alice.sees('"status":"sent"');
});
