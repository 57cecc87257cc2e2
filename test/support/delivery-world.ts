import { createHash } from 'node:crypto';
import { type Address, roomAddress } from '../../server/address.ts';
import type { Directory } from '../../server/connections/directory.ts';
import { createDeliveryRunner } from '../../server/edge/run-deliveries.ts';
import type { TaskEvent } from '../../server/edge/run-records.ts';
import type { LogLine } from '../../server/logger.ts';
import { ALL_CONNECTION_IDS } from '../../server/sending/fan-out.ts';
import { createPosting, type PostOutcome, type Target } from '../../server/sending/posting.ts';
import { serialFloor } from '../../server/serial.ts';
import { type DeliverTask, isDelivery, type Task } from '../../server/tasks.ts';
import { createMemoryAddressStates } from '../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../testing/memory/directory.ts';
import { createManualClock } from './manual-clock.ts';

const ROOM = roomAddress('everybody');
const TIMEOUT_MS = 10_000;
const VISIBILITY_MS = 60_000;
const MAX_RECEIVES = 5;

export interface DeliveryWorldOptions {
  readonly connections: number;
  /** How long a post takes, in milliseconds. @default 5 */
  readonly postMs?: number;
  /** Invocations at once. @default 5 */
  readonly atOnce?: number;
  /** Of one invocation. @default 1000 */
  readonly postsPerSecond?: number;
  /** What the API answers to the given number of an attempt. `undefined`: nothing, ever. @default 'sent' */
  readonly answer?: (connectionId: string, attempt: number, nowMs: number) => PostOutcome | undefined;
  /** Whether an invocation dies at a post, by the number of the attempt. @default never */
  readonly dies?: (attempt: number) => boolean;
}

/** An id as evenly spread as those of API Gateway, and the same each time. */
export const spreadId = (number: number) =>
  `${createHash('sha256').update(String(number)).digest('base64url').slice(0, 15)}=`;

/** The place of the first text that is not below another, by binary search. */
function firstAtLeast(texts: readonly string[], text: string): number {
  let low = 0;
  let high = texts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((texts[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A room, the queue of `deliver`, Lambda with its deadline, and a Management API, all in virtual time. */
export async function createDeliveryWorld(options: DeliveryWorldOptions) {
  const { connections, postMs = 5, atOnce = 5, postsPerSecond = 1000, answer = () => 'sent', dies } = options;
  const clock = createManualClock(1_800_000_000_000);
  const memory = createMemoryDirectory(clock.now);
  /** The ids in the room, sorted: the directory in memory looks through all items, which takes too long in a large room. */
  let sorted: readonly string[] | undefined;
  const directory: Directory = {
    ...memory,
    async find(address, { range = ALL_CONNECTION_IDS, limit }) {
      sorted ??= [...memory.items.values()].flatMap((item) => (item.removed ? [] : [item.connectionId])).sort();
      const from = firstAtLeast(sorted, range.first);
      const found = sorted.slice(from, limit === undefined ? undefined : from + limit);
      const callbackUrl = 'https://api.example/prod';
      return found
        .filter((connectionId) => connectionId <= range.last)
        .map((connectionId) => ({
          address,
          connectionId,
          userId: connectionId,
          callbackUrl,
          expiresAt: 2_000_000_000,
        }));
    },
    async remove(address, connectionId) {
      sorted = undefined;
      await memory.remove(address, connectionId);
    },
  };
  const ids = Array.from({ length: connections }, (_, number) => spreadId(number));
  for (const connectionId of ids) await join(ROOM, connectionId);

  const posted: string[] = [];
  const postedAt: number[] = [];
  const closed: string[] = [];
  const dead: Task[] = [];
  const lines: LogLine[] = [];
  const hops: number[] = [];
  const waiting: { task: Task; receives: number }[] = [];
  let attempts = 0;
  let lastAt = clock.now();
  let running = 0;

  async function join(address: Address, connectionId: string): Promise<void> {
    const until = { tokenExpiresAt: 2_000_000_000, expiresAt: 2_000_000_000, capability: {} };
    const common = { userId: connectionId, attempt: 0, registeredAt: 0, callbackUrl: 'https://api.example/prod' };
    sorted = undefined;
    await directory.put({ ...common, ...until, address, connectionId });
  }

  /** Runs one task, as Lambda does: a function that has died, or has not answered in time, changes nothing any more. */
  async function invoke(task: Task, receives: number): Promise<boolean> {
    let isAlive = true;
    let die = () => {};
    const ended = new Promise<undefined>((resolve) => {
      die = () => {
        isAlive = false;
        resolve(undefined);
      };
    });
    const stuck = new Promise<never>(() => {});
    const poster = {
      async post({ connectionId }: Target) {
        attempts += 1;
        if (dies?.(attempts)) die();
        const outcome = isAlive ? answer(connectionId, attempts, clock.now()) : undefined;
        if (outcome === undefined) return stuck;
        if (outcome === 'sent') {
          posted.push(connectionId);
          postedAt.push(clock.now());
          lastAt = clock.now();
        }
        await clock.sleep(postMs);
        return isAlive ? outcome : stuck;
      },
      close: async () => 'sent' as const,
    };
    const tasks = { add: async (added: readonly Task[]) => (isAlive ? add(added) : stuck) };
    const run = createDeliveryRunner({
      ...{ directory, tasks, postsPerSecond },
      posting: createPosting({ poster, directory, tasks }),
      states: createMemoryAddressStates(clock.now),
      log: (line) => lines.push(line),
      clock: { now: clock.now, sleep: (ms) => clock.sleep(ms), random: () => 0.5 },
    });
    const attributes = { ApproximateReceiveCount: String(receives) };
    const event: TaskEvent = { Records: [{ messageId: 't', body: JSON.stringify(task), attributes }] };
    const deadline = clock.now() + TIMEOUT_MS;
    const cancel = clock.after(TIMEOUT_MS, die);
    const response = await Promise.race([
      run(event, { getRemainingTimeInMillis: () => deadline - clock.now() }),
      ended,
    ]);
    cancel();
    return response?.batchItemFailures.length === 0;
  }

  function poll(): void {
    while (running < atOnce && waiting.length > 0) {
      const next = waiting.shift();
      if (!next) return;
      const { task, receives } = next;
      running += 1;
      void invoke(task, receives).then((isDone) => {
        running -= 1;
        if (!isDone && receives === MAX_RECEIVES) dead.push(task);
        else if (!isDone) clock.after(VISIBILITY_MS, () => waiting.push({ task, receives: receives + 1 }));
      });
    }
  }

  async function add(added: readonly Task[]): Promise<void> {
    for (const task of added) {
      if (task.kind === 'close') {
        closed.push(task.connectionId);
        lastAt = clock.now();
      }
      if (!isDelivery(task)) continue;
      hops.push(task.hop ?? 0);
      clock.after((task.delaySeconds ?? 0) * 1000, () => waiting.push({ task, receives: 1 }));
    }
  }

  const message = {
    ...{ id: 'm1', serial: serialFloor(clock.now()), from: { service: 'news' }, to: { room: 'everybody' } },
    ...{ data: 0, sentAt: clock.now() },
  };
  const startedAt = clock.now();

  return {
    ids,
    directory,
    posted,
    closed,
    dead,
    lines,
    join: (connectionId: string) => join(ROOM, connectionId),
    /** The longest chain of tasks. */
    mostHops: () => Math.max(...hops),
    /** The most posts of one second. */
    mostPerSecond: () =>
      Math.max(...postedAt.map((at) => postedAt.filter((each) => each >= at && each < at + 1000).length)),
    /** When the last connection got the message, or was cut off, in milliseconds from the start. */
    elapsedMs: () => lastAt - startedAt,
    task: (range: DeliverTask['range']): DeliverTask => ({
      kind: 'deliver',
      address: ROOM,
      messages: [message],
      range,
    }),
    /** Runs tasks until the queue is empty. */
    async run(...tasks: DeliverTask[]): Promise<void> {
      await add(tasks);
      do {
        poll();
        await new Promise((resolve) => setImmediate(resolve));
      } while (clock.step(Number.POSITIVE_INFINITY) || waiting.length > 0);
    },
  };
}
