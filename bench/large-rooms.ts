/**
 * Measures the delivery to large rooms, in two ways:
 *
 * - in virtual time, with simulated connections, SQS and Management API: parts, the longest chain, the time to the last connection;
 * - in real time, one process that posts with the SDK to a server in another process: posts per second, CPU for each post, memory.
 *   The real SQS poller, DynamoDB, TLS and the account's quota are not in it.
 *
 *     npx tsx bench/large-rooms.ts [--rooms 1000,10000,100000] [--posts 20000]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { createManagementApiPoster } from '../server/aws/management-api-poster.ts';
import { MAX_SOCKETS, mapConcurrently } from '../server/concurrency.ts';
import { ALL_CONNECTION_IDS } from '../server/sending/fan-out.ts';
import { createDeliveryWorld, spreadId } from '../test/support/delivery-world.ts';

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '1000,10000,100000' },
    posts: { type: 'string', default: '20000' },
    /** Set for the process with the server. */
    server: { type: 'boolean', default: false },
  },
});

if (values.server) serve();
else {
  for (const connections of values.rooms.split(',').map(Number)) await simulate(connections);
  await measurePosts(Number(values.posts));
}

async function simulate(connections: number): Promise<void> {
  const world = await createDeliveryWorld({ connections, postMs: 10 });
  await world.run(world.task(ALL_CONNECTION_IDS));
  const repeated = world.posted.length - new Set(world.posted).size;
  const parts = world.lines.filter(({ reason }) => reason === 'deliver').length;
  print(
    `room of ${connections}: last connection after ${(world.elapsedMs() / 1000).toFixed(1)} s, ${parts} parts, ` +
      `${world.lines.length} tasks, ${world.mostHops()} hops, ${connections - world.posted.length + repeated} missed, ${repeated} repeated`,
  );
}

/** Answers every post, as the Management API does. */
function serve(): void {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
}

async function measurePosts(posts: number): Promise<void> {
  const server = fork(import.meta.filename, ['--server']);
  const [port] = await once(server, 'message');
  const poster = createManagementApiPoster({
    onFailure: (error) => {
      throw error;
    },
    client: { region: 'us-east-1', credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' } },
  });
  const serial = '0'.repeat(26);
  const message = {
    id: 'm1',
    serial,
    from: { user: 'alice' },
    to: { room: 'everybody' },
    data: 'x'.repeat(200),
    sentAt: 0,
  };
  const post = (number: number) =>
    poster.post(
      { connectionId: spreadId(number), callbackUrl: `http://127.0.0.1:${port}/prod` },
      { type: 'messages', messages: [message] },
    );
  const numbers = Array.from({ length: posts }, (_, number) => number);
  await mapConcurrently(numbers.slice(0, 2_000), MAX_SOCKETS, post);
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await mapConcurrently(numbers, MAX_SOCKETS, post);
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startedAt;
  const cpuMs = (user + system) / 1000;
  print(
    `SDK client: ${Math.round((1000 * posts) / wallMs)} posts/s, ${(cpuMs / posts).toFixed(2)} ms of CPU each ` +
      `(${Math.round((1000 * posts) / cpuMs)} posts/s of one vCPU), ${Math.round(process.memoryUsage().rss / 2 ** 20)} MiB`,
  );
  server.kill();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
