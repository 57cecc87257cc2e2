/**
 * Measures how long one message takes to reach thousands of users in a room, on this machine and the synthesized template:
 * sender → Lambda → queue → `tasks` → posts → sockets. A user with as many connections gets it in the same way, but cannot
 * open them at once (see docs/security.md, "Limits").
 *
 *     npx tsx bench/fan-out.ts [--connections 5000] [--at-once 50]
 *
 * The sockets are in a process of their own, so the measured memory is that of the local cloud with its functions.
 * Each process needs a file descriptor for each connection: see `ulimit -n`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { synthesize } from '../cli/synthesize.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../local/index.ts';
import { mapConcurrently } from '../server/concurrency.ts';
import { connectWire } from '../test/support/wire-client.ts';

const { values } = parseArgs({
  options: {
    connections: { type: 'string', default: '5000' },
    /** The number of simultaneous handshakes. */
    'at-once': { type: 'string', default: '50' },
    /** Set for the process with the sockets. */
    url: { type: 'string' },
  },
});
const connections = Number(values.connections);
const { url } = values;
const room = 'everybody';
const capability = { [`room:${room}`]: ['join', 'send'] };

/** A line of the process with the sockets. */
type News = 'connected' | 'received';

if (url === undefined) await runCloud();
else await runSockets(url);

/** Connects, and reports when all users are in the room and when all have the message. */
async function runSockets(url: string): Promise<void> {
  const tell = (news: News) => process.send?.(news);
  const { endpoint } = JSON.parse(process.env['BENCH_FAN_OUT'] ?? '{}');
  const users = Array.from({ length: connections }, (_, index) => `u${index}`);
  const clients = await mapConcurrently(users, Number(values['at-once']), async (sub) => {
    const body = JSON.stringify({ sub, capability });
    const response = await fetch(`${endpoint}/_local/token`, { method: 'POST', body });
    const { token } = (await response.json()) as { token: string };
    const client = await connectWire(url, { headers: { Authorization: `Bearer ${token}` } });
    await client.ask({ action: 'register' });
    const joined = await client.ask({ action: 'join', room });
    if (joined['type'] !== 'joined') throw new Error(JSON.stringify(joined));
    return client;
  });
  tell('connected');
  await Promise.all(clients.map((client) => client.frame(({ type }) => type === 'messages')));
  tell('received');
  process.on('disconnect', () => process.exit());
}

async function runCloud(): Promise<void> {
  const directory = new URL('..', import.meta.url).pathname;
  const app = await synthesize({ directory, account: LOCAL_ACCOUNT, region: LOCAL_REGION });
  const cloud = await startLocalCloud({ app, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });
  const sockets = fork(import.meta.filename, [...process.argv.slice(2), '--url', cloud.websocketUrl], {
    env: { ...process.env, BENCH_FAN_OUT: JSON.stringify({ endpoint: cloud.endpointUrl }) },
  });
  try {
    await measure(cloud, sockets);
  } finally {
    sockets.kill();
    await cloud.close();
  }
}

async function measure(cloud: LocalCloud, sockets: ChildProcess): Promise<void> {
  const connecting = performance.now();
  await heard(sockets, 'connected');
  print(`connected      ${connections} connections in ${seconds(performance.now() - connecting)}`);
  const idleMiB = memoryMiB();

  const headers = { Authorization: `Bearer ${await cloud.token({ sub: 'alice', capability })}` };
  const sender = await connectWire(cloud.websocketUrl, { headers });
  await sender.ask({ action: 'register' });
  let mostMiB = idleMiB;
  const watch = setInterval(() => {
    mostMiB = Math.max(mostMiB, memoryMiB());
  }, 50);
  const startedAt = performance.now();
  const since = Date.now();
  const received = heard(sockets, 'received');
  const ack = await sender.ask({ action: 'sendMessage', to: { room }, data: { text: 'to everybody' } });
  const ackedAt = performance.now();
  await received;
  const receivedAt = performance.now();
  clearInterval(watch);
  // Wait for the last tasks to write their results.
  await sleep(1_000);

  const calls = cloud.calls().filter(({ at }) => Date.parse(at) >= since);
  const posts = calls.filter(({ operation }) => operation === 'PostToConnection');
  const tasks = cloud.log().filter(({ message }) => /"route":"tasks".*"reason":"deliver"/.test(message));
  print(`acknowledged   ${JSON.stringify((ack['results'] as unknown[])[0])} after ${seconds(ackedAt - startedAt)}`);
  print(`received       by all after ${seconds(receivedAt - startedAt)}`);
  print(`posts          ${posts.length}, at most ${mostAtOnce(posts)} at once`);
  print(`tasks          ${tasks.length}`);
  print(`memory         ${idleMiB} MiB before, at most ${mostMiB} MiB meanwhile`);
}

/** Returns the largest number of overlapping intervals. */
function mostAtOnce(calls: readonly { readonly at: string; readonly durationMs: number }[]): number {
  const changes = calls.flatMap(({ at, durationMs }) => [
    { atMs: Date.parse(at), by: 1 },
    { atMs: Date.parse(at) + durationMs, by: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { by } of changes.toSorted((a, b) => a.atMs - b.atMs || a.by - b.by)) {
    now += by;
    most = Math.max(most, now);
  }
  return most;
}

async function heard(sockets: ChildProcess, news: News): Promise<void> {
  const ended = once(sockets, 'exit').then(() => Promise.reject(new Error('the process with the sockets has ended')));
  const told = new Promise<void>((resolve) => {
    sockets.on('message', (message) => message === news && resolve());
  });
  await Promise.race([told, ended]);
}

function memoryMiB(): number {
  return Math.round(process.memoryUsage().rss / 2 ** 20);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
