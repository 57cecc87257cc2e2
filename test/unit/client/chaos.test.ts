import { expect, it } from 'vitest';
import { SessionClient } from '../../../client/client.ts';
import { DEFAULT_LIMITS } from '../../../protocol/index.ts';
import {
  ClientWorld,
  type FakeSocket,
  type Frame,
  seededRandom,
  sentResult,
  settle,
  testOptions,
} from '../../support/client-world.ts';

const MESSAGES = 60;

/** A server that does to each frame whatever comes to its mind, and notes which messages it took. */
class UnreliableServer {
  readonly taken: string[] = [];
  readonly #random: () => number;
  readonly #answered = new WeakMap<FakeSocket, number>();
  readonly #ended = new WeakSet<FakeSocket>();
  healthy = false;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Deals with everything that has come in over the sockets since the last time. */
  serve(sockets: readonly FakeSocket[]): void {
    for (const socket of sockets) {
      if (socket.closedWith !== undefined || this.#ended.has(socket)) continue;
      if (!this.#answered.has(socket)) this.#accept(socket);
      else this.#answerNext(socket);
    }
  }

  #accept(socket: FakeSocket): void {
    this.#answered.set(socket, 0);
    if (!this.healthy && this.#random() < 0.3) this.#end(socket);
    else socket.open();
  }

  #answerNext(socket: FakeSocket): void {
    const answered = this.#answered.get(socket) ?? 0;
    const frame = socket.sent[answered];
    if (!frame) {
      if (!this.healthy && this.#random() < 0.02) this.#end(socket);
      return;
    }
    this.#answered.set(socket, answered + 1);
    const dice = this.healthy ? 1 : this.#random();
    if (dice < 0.06) this.#end(socket);
    else if (dice < 0.12) socket.receive({ message: 'Internal server error', connectionId: 'c', requestId: 'r' });
    else if (dice < 0.18) this.#fail(socket, frame, 'internal');
    else if (dice < 0.24 && frame.action !== 'register') this.#fail(socket, frame, 'not_registered');
    else this.#work(socket, frame, dice);
  }

  #work(socket: FakeSocket, frame: Frame, dice: number): void {
    const { id, action } = frame;
    const ids = ((frame['messages'] ?? []) as { id: string }[]).map((message) => message.id);
    this.taken.push(...ids);
    if (dice < 0.34) this.#end(socket);
    else if (dice < 0.44) return;
    else if (dice < 0.5) this.#fail(socket, frame, 'internal');
    else if (action === 'register') socket.register(DEFAULT_LIMITS);
    else if (action === 'ping') socket.receive({ type: 'pong', id, serverTime: 0, messages: [], more: false });
    else socket.receive({ type: 'ack', id, results: ids.map(sentResult) });
  }

  #fail(socket: FakeSocket, { id }: Frame, code: string): void {
    socket.receive({ type: 'error', id, code, message: code, retryable: true });
  }

  #end(socket: FakeSocket): void {
    this.#ended.add(socket);
    socket.end(this.#random() < 0.5 ? 1001 : 1006);
  }
}

/** Sends numbered messages through the server, then lets it recover. */
async function run(seed: number) {
  const random = seededRandom(seed);
  const world = new ClientWorld();
  world.nextRandom = random;
  const server = new UnreliableServer(random);
  const client = new SessionClient<number, number>(testOptions({ messageExpiryMs: 2 ** 31 - 1 }), world.loaders, world);
  const settled: Promise<unknown>[] = [];
  const step = async () => {
    await world.advance(random() * 3_000);
    server.serve(world.sockets);
    if (random() < 0.02) world.wake();
  };
  for (let index = 0; index < MESSAGES; index += 1) {
    settled.push(client.sendToUser('bob', index, { id: String(index), echo: false }));
    while (random() < 0.7) await step();
  }
  server.healthy = true;
  const done = Promise.all(settled);
  let pending = true;
  void done.then(() => {
    pending = false;
  });
  for (let steps = 0; pending && steps < 2_000; steps += 1) await step();
  client.close();
  await settle();
  return { results: await done, taken: server.taken, timers: world.timers };
}

it('gets every message through an unreliable server, in order, and knows it', async () => {
  const expected = Array.from({ length: MESSAGES }, (_, index) => String(index));
  let resent = 0;
  for (let seed = 1; seed <= 100; seed += 1) {
    const { results, taken, timers } = await run(seed);
    expect(results, `seed ${seed}`).toEqual(expected.map(sentResult));
    expect([...new Set(taken)], `seed ${seed}`).toEqual(expected);
    expect(timers, `seed ${seed}`).toBe(0);
    resent += taken.length - MESSAGES;
  }
  // Otherwise the server was not unreliable enough to prove anything.
  expect(resent).toBeGreaterThan(500);
});
