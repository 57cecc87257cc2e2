import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import type { LocalCloud } from '../../local/index.ts';
import { type Action, CLIENT_FRAMES, ERROR_CODES, isObject, MAX_FRAME_BYTES, parseJson } from '../../protocol/index.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';
import { CORPUS } from './corpus.ts';
import { mutated, validFrames } from './frames.ts';

export interface HostileOptions {
  readonly cloud: LocalCloud;
  readonly seed: number;
  /** The number of frames. */
  readonly frames: number;
}

/** The results of a hostile run. */
export interface HostileReport {
  readonly sent: number;
  /** The frames without an answer when the server closed their connection. Each was sent again, and answered. */
  readonly cutOff: number;
  /** The number of replies of each type, and of errors of each code. */
  readonly replies: Readonly<Record<string, number>>;
  /** Wrong replies, frames without a reply, and connections that closed in an undesigned way. */
  readonly failures: readonly string[];
  /** The connections that the server closed after too many refused frames. */
  readonly closed: number;
  /** The messages between two well-behaved users, which all arrived, and their latencies in milliseconds. */
  readonly others: { readonly before: Ways; readonly meanwhile: Ways };
  /** The process's memory in MB: the medians during the second and the last fifth of the frames. */
  readonly memoryMb: { readonly early: number; readonly late: number };
}

interface Ways {
  readonly messages: number;
  readonly medianMs: number;
  readonly p95Ms: number;
}

const ATTACKERS = 4;
/** The unanswered frames of one attacker. */
const IN_FLIGHT = 8;
const OTHERS_EVERY_MS = 40;
const CHUNK = 500;
const MAX_ANSWER_MS = 60_000;
/** With fewer refused frames, the server closes no connection. */
const MAX_MISTAKES = 50;
const PUSHES = ['messages', 'receipt', 'marker', 'bye'];

/** Valid, nearly valid and nonsense frames, the same for the same seed. */
export function hostileFrames(seed: number, count: number): readonly string[] {
  const actions = Object.keys(CLIENT_FRAMES) as Action[];
  const text = (frames: fc.Arbitrary<unknown>) => frames.map((frame) => JSON.stringify(frame) ?? '');
  const frame = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...actions).chain((action) => text(mutated(validFrames[action]))) },
    { weight: 2, arbitrary: fc.constantFrom(...actions).chain((action) => text(validFrames[action])) },
    { weight: 1, arbitrary: fc.oneof(fc.json(), fc.string({ unit: 'binary' }), text(fc.jsonValue())) },
    { weight: 1, arbitrary: fc.constantFrom(...CORPUS) },
  );
  // The gateway closes the connection for larger frames.
  const frames = fc.sample(frame, { seed, numRuns: count }).map(numbered);
  return frames.filter((each) => Buffer.byteLength(each) <= MAX_FRAME_BYTES);
}

/** Adds an id to presence frames: without one, the reply looks like a push. */
function numbered(frame: string): string {
  const json = parseJson(frame);
  const isUnnumbered = json.ok && isObject(json.value) && json.value['action'] === 'presence' && !('id' in json.value);
  return isUnnumbered ? JSON.stringify({ ...json.value, id: 'p' }) : frame;
}

function isPush({ type, id }: Record<string, unknown>): boolean {
  return PUSHES.includes(String(type)) || (type === 'presence' && id === undefined);
}

/** Sends hostile frames over real sockets while two other users talk, and counts the replies. */
export async function runHostile({ cloud, seed, frames }: HostileOptions): Promise<HostileReport> {
  const talk = await openTalk(cloud);
  const before = await talk.during(sleep(30 * OTHERS_EVERY_MS));
  const tally = createTally();
  const memory: number[] = [];
  const attackers = await Promise.all(
    Array.from({ length: ATTACKERS }, (_, index) => openAttacker(cloud, `mallory${index}`, tally)),
  );
  const attack = async () => {
    for (let start = 0; start < frames; start += CHUNK) {
      const chunk = hostileFrames(seed + start, Math.min(CHUNK, frames - start));
      const ofAttacker = (attacker: number) => chunk.filter((_, index) => index % ATTACKERS === attacker);
      await Promise.all(attackers.map((attacker, index) => attacker.send(ofAttacker(index))));
      memory.push(memoryMb());
    }
  };
  const meanwhile = await talk.during(attack());
  talk.close();
  await Promise.all(attackers.map((attacker) => attacker.close()));
  return {
    ...tally.result(),
    others: { before, meanwhile },
    memoryMb: { early: median(fifth(memory, 1)), late: median(fifth(memory, 4)) },
  };
}

type Tally = ReturnType<typeof createTally>;

function createTally() {
  const replies: Record<string, number> = {};
  const failures: string[] = [];
  let sent = 0;
  let cutOff = 0;
  let closed = 0;
  return {
    onSent: () => {
      sent += 1;
    },
    onCutOff: (count: number) => {
      cutOff += count;
    },
    onClosed: ({ frames }: WireClient) => {
      closed += 1;
      if (!isDesignedEnd(frames)) failures.push(`closed after ${JSON.stringify(frames.slice(-3)).slice(0, 1000)}`);
    },
    onReply: (reply: Record<string, unknown>) => {
      const { type, code } = reply;
      const name = type === 'error' ? String(code) : String(type);
      replies[name] = (replies[name] ?? 0) + 1;
      const isDesigned =
        type !== undefined && (type !== 'error' || (String(code) in ERROR_CODES && code !== 'internal'));
      if (!isDesigned || hasInternalResult(reply)) failures.push(JSON.stringify(reply).slice(0, 300));
    },
    onSilence: (frames: readonly string[]) => {
      failures.push(`unanswered: ${frames.map((frame) => frame.slice(0, 300)).join(' ')}`);
    },
    result: () => ({ sent, cutOff, closed, replies, failures }),
  };
}

/** Whether the connection got enough errors for a close, then `bye` with a reason and a time to return. */
function isDesignedEnd(frames: WireClient['frames']): boolean {
  const codes = frames.filter(({ type }) => type === 'error').map(({ code }) => code);
  const byes = frames.filter(({ type }) => type === 'bye');
  const [bye] = byes;
  const isTold = byes.length === 1 && bye?.['reconnect'] === true && bye['retryAfterMs'] === 60_000;
  return isTold && codes.includes(bye['code']) && codes.length >= MAX_MISTAKES;
}

function hasInternalResult({ results }: Record<string, unknown>): boolean {
  return Array.isArray(results) && results.some((result) => result?.error?.code === 'internal');
}

/** Sends over a connection. If the server closes it, sends the unanswered frames and the rest over another one. */
async function openAttacker(cloud: LocalCloud, sub: string, tally: Tally) {
  let client = await connect(cloud, sub);
  return {
    async send(frames: readonly string[]): Promise<void> {
      const queue = frames.values();
      for (let batch = take(queue); batch.length > 0; ) {
        if (await sendAndAwait(client, batch, tally)) batch = take(queue);
        if (client.socket.readyState === client.socket.OPEN) continue;
        await client.closed;
        tally.onClosed(client);
        client = await connect(cloud, sub);
      }
    },
    async close(): Promise<void> {
      client.socket.close();
      await client.closed;
    },
  };
}

function take(queue: IterableIterator<string>): readonly string[] {
  return Array.from({ length: IN_FLIGHT }, () => queue.next()).flatMap(({ value, done }) => (done ? [] : [value]));
}

/**
 * Sends frames, and waits until each has exactly one answer.
 * @returns false if the server closed the connection before
 */
async function sendAndAwait(client: WireClient, batch: readonly string[], tally: Tally): Promise<boolean> {
  const seen = client.frames.length;
  for (const frame of batch) {
    client.send(frame);
    tally.onSent();
  }
  const replies = () => client.frames.slice(seen).filter((frame) => !isPush(frame));
  const silence = new AbortController();
  const silent = sleep(MAX_ANSWER_MS, 'silent' as const, { signal: silence.signal }).catch(() => undefined);
  const outcome = await Promise.race([client.frame(() => replies().length >= batch.length), client.closed, silent]);
  silence.abort();
  if (outcome === 'silent') {
    tally.onSilence(batch);
    client.socket.terminate();
  }
  const answered = replies();
  for (const reply of answered) tally.onReply(reply);
  if (outcome === 'silent' || answered.length >= batch.length) return true;
  tally.onCutOff(batch.length - answered.length);
  return false;
}

/** The attackers' capability. It allows some operations, so the server does more than refuse. */
const CAPABILITY = {
  'user:*': ['send', 'presence', 'history'],
  'service:*': ['history'],
  'room:a*': ['join', 'send', 'presence', 'history'],
  'room:c*': ['join'],
};

/** Connects as soon as the handshake limit allows: closed attackers return more often than once per second. */
async function connect(cloud: LocalCloud, sub: string): Promise<WireClient> {
  const token = await cloud.token({ sub, capability: CAPABILITY });
  const headers = { Authorization: `Bearer ${token}` };
  for (;;) {
    const client = await connectWire(cloud.websocketUrl, { headers }).catch((error: Error) => error);
    if (!(client instanceof Error)) {
      await client.ask({ action: 'register' });
      return client;
    }
    if (!client.message.endsWith(' 429')) throw client;
    await sleep(1000);
  }
}

/** Two well-behaved users who talk to each other. */
async function openTalk(cloud: LocalCloud) {
  const open = async (sub: string) => {
    const token = await cloud.token({ sub });
    const client = await connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}` } });
    await client.ask({ action: 'register' });
    return client;
  };
  const [alice, bob] = await Promise.all([open('good-alice'), open('good-bob')]);
  let count = 0;
  const exchange = async (): Promise<number> => {
    count += 1;
    const id = `good-${count}`;
    const startedAt = performance.now();
    await alice.ask({ action: 'sendMessage', messages: [{ to: { user: 'good-bob' }, data: 1, id }] });
    await bob.frame((frame) => JSON.stringify(frame).includes(`"${id}"`));
    return performance.now() - startedAt;
  };
  return {
    /** Lets them talk until the other work ends. */
    during: async (other: Promise<unknown>): Promise<Ways> => {
      let isOver = false;
      const over = other.finally(() => {
        isOver = true;
      });
      const durations: number[] = [];
      while (!isOver) {
        durations.push(await exchange());
        await Promise.race([sleep(OTHERS_EVERY_MS), over]);
      }
      await over;
      return { messages: durations.length, medianMs: median(durations), p95Ms: quantile(durations, 0.95) };
    },
    close: () => {
      for (const { socket } of [alice, bob]) socket.close();
    },
  };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length * part)] ?? 0);
}

/** Returns one of the five parts of the values; `part` counts from 0. */
function fifth(values: readonly number[], part: number): readonly number[] {
  return values.slice(Math.floor((values.length * part) / 5), Math.ceil((values.length * (part + 1)) / 5));
}

function memoryMb(): number {
  return Math.round(process.memoryUsage().rss / 1024 / 1024);
}
