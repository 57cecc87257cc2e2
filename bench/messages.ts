/**
 * Measures the stored direct messages per second on this machine, end to end: client → API Gateway → Lambda → DynamoDB → post →
 * the recipient's socket, on the synthesized template, with IAM enforced.
 *
 *     npx tsx bench/messages.ts [--pairs 20] [--seconds 10] [--batch 1] [--warm-up 2000]
 *
 * In each new execution environment a message costs three times as much until the code is compiled. So the warm-up has a number of
 * frames, not a time. More pairs start more environments, which need a longer warm-up.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { synthesize } from '../cli/synthesize.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../local/index.ts';
import { connectWire, type WireClient } from '../test/support/wire-client.ts';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '20' },
    seconds: { type: 'string', default: '10' },
    batch: { type: 'string', default: '1' },
    'warm-up': { type: 'string', default: '2000' },
  },
});
const pairs = Number(values.pairs);
const seconds = Number(values.seconds);
const batch = Number(values.batch);
const warmUpFrames = Number(values['warm-up']);

const directory = mkdtempSync(join(tmpdir(), 'beckon-bench-'));
const app = await synthesize({
  directory: join(import.meta.dirname, '..'),
  account: LOCAL_ACCOUNT,
  region: LOCAL_REGION,
});
const cloud = await startLocalCloud({
  app,
  port: 0,
  dataDirectory: directory,
  parameters: { Issuer: '{endpointUrl}/_local' },
});
try {
  await measure(cloud);
} finally {
  await cloud.close();
  rmSync(directory, { recursive: true, force: true });
}

async function device(userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId })}` };
  const client = await connectWire(cloud.websocketUrl, { headers });
  await client.ask({ action: 'register' });
  return client;
}

async function measure(cloud: LocalCloud): Promise<void> {
  const ends = await Promise.all(
    Array.from({ length: pairs }, async (_, pair) => ({
      sender: await device(`sender-${pair}`),
      recipient: await device(`recipient-${pair}`),
      to: { user: `recipient-${pair}` },
    })),
  );
  const received = () => ends.reduce((sum, { recipient }) => sum + countMessages(recipient), 0);
  const latencies: number[] = [];
  let acknowledged = 0;
  const run = async (goesOn: () => boolean) => {
    await Promise.all(
      ends.map(async ({ sender, to }) => {
        while (goesOn()) {
          const sentAt = performance.now();
          const messages = Array.from({ length: batch }, () => ({ to, data: { text: 'x'.repeat(100) } }));
          await sender.ask({ action: 'sendMessage', messages });
          latencies.push(performance.now() - sentAt);
          acknowledged += batch;
        }
      }),
    );
  };

  await printCallsOfOne(cloud, ends);
  await run(() => latencies.length < warmUpFrames);
  latencies.length = 0;
  const before = { acknowledged, received: received(), at: performance.now(), cpu: process.cpuUsage() };
  const endsAt = before.at + seconds * 1_000;
  await run(() => performance.now() < endsAt);
  const elapsedSeconds = (performance.now() - before.at) / 1_000;

  const { user, system } = process.cpuUsage(before.cpu);
  const rate = (acknowledged - before.acknowledged) / elapsedSeconds;
  const sorted = latencies.toSorted((a, b) => a - b);
  const quantile = (q: number) => (sorted[Math.floor(q * (sorted.length - 1))] ?? 0).toFixed(1);
  print(`${pairs} senders, ${batch} message(s) a frame, ${elapsedSeconds.toFixed(1)} s`);
  print(`acknowledged   ${rate.toFixed(0)} messages/s`);
  print(`received       ${((received() - before.received) / elapsedSeconds).toFixed(0)} messages/s`);
  print(
    `processor      ${((user + system) / 1_000 / (acknowledged - before.acknowledged)).toFixed(2)} ms for a message, clients included`,
  );
  print(`time to ack    median ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);
}

interface Pair {
  readonly sender: WireClient;
  readonly recipient: WireClient;
  readonly to: { readonly user: string };
}

async function printCallsOfOne({ calls }: LocalCloud, [first]: readonly Pair[]): Promise<void> {
  if (!first) return;
  const seen = calls().length;
  await first.sender.ask({ action: 'sendMessage', messages: [{ to: first.to, data: 1 }] });
  const names = calls()
    .slice(seen)
    .map(({ service, operation }) => `${service}:${operation}`);
  print(`calls for one  ${names.join(', ')}`);
}

function countMessages({ frames }: WireClient): number {
  return frames.reduce(
    (sum, { type, messages }) => sum + (type === 'messages' ? (messages as unknown[]).length : 0),
    0,
  );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
