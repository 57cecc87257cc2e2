import { expect, it } from 'vitest';
import { type Message, OVERLAP_MS } from '../../../protocol/index.ts';
import { serialFloor, serialTime } from '../../../server/serial.ts';
import { type FakeSocket, messageAt, seededRandom, sentResult, settle } from '../../support/client-world.ts';
import { FakeBrowser, type Page } from '../../support/pages.ts';

const STEPS = 150;
const SEEDS = Number(process.env['SEEDS'] ?? 30);

/** A server that answers everything, keeps what was sent to alice, and posts to the sockets that it has registered. */
class Server {
  readonly log: Message[] = [];
  /** The data of the messages of alice, by id, in the order in which they were first taken. */
  readonly taken = new Map<string, unknown>();
  readonly #answered = new Map<FakeSocket, number>();
  #nowMs = 1_000_000;

  post(): void {
    this.#nowMs += 1;
    const message = messageAt(this.#nowMs);
    this.log.push(message);
    for (const socket of this.#answered.keys()) if (socket.count('register') > 0) socket.push(message);
  }

  serve(sockets: readonly FakeSocket[]): void {
    for (const socket of sockets) {
      if (socket.closedWith !== undefined) continue;
      const answered = this.#answered.get(socket);
      if (answered === undefined) socket.open();
      const frames = socket.sent.slice(answered ?? 0);
      this.#answered.set(socket, (answered ?? 0) + frames.length);
      for (const frame of frames) this.#answer(socket, frame);
    }
  }

  forget(sockets: readonly FakeSocket[]): void {
    for (const socket of sockets) this.#answered.delete(socket);
  }

  #answer(socket: FakeSocket, { action, id, cursor, messages: sent }: FakeSocket['sent'][number]): void {
    if (action === 'register') {
      const fromMs = (typeof cursor === 'string' ? serialTime(cursor) : this.#nowMs) - OVERLAP_MS;
      const messages = this.log.filter(({ sentAt }) => sentAt > fromMs);
      socket.page(messages, { cursor: serialFloor(this.#nowMs), serverTime: this.#nowMs });
    } else if (action === 'sendMessage') {
      const batch = sent as { id: string; data: unknown }[];
      for (const message of batch) if (!this.taken.has(message.id)) this.taken.set(message.id, message.data);
      socket.receive({ type: 'ack', id, results: batch.map((message) => sentResult(message.id)) });
    } else socket.receive({ type: 'pong', id, serverTime: this.#nowMs, messages: [], more: false });
  }
}

interface Tab {
  readonly page: Page;
  /** The data of what it sent. */
  readonly sent: number[];
  readonly outcomes: Promise<unknown>[];
  /** How much had been posted when it was connected for the first time. */
  connectedAt: number;
  /** Whether it was told that messages are missing: it hung while those were replaced that had them. */
  isGapTold: boolean;
}

/** Opens, closes, reloads and crashes tabs, and lets some hang for a while, as messages come and go. */
async function run(seed: number) {
  const random = seededRandom(seed);
  const browser = new FakeBrowser({ random });
  const server = new Server();
  const tabs: Tab[] = [];
  const everTabs: Tab[] = [];
  /** Lets those go on that hang. */
  const hanging: (() => Promise<void>)[] = [];
  let sockets = 0;
  let count = 0;
  // Without a storage, a tab that is opened knows nothing of those before it.
  const options = seed % 2 === 0 ? {} : ({ storage: 'memory' } as const);
  const open = () => {
    const page = browser.open({ shareAcrossTabs: true, ...options });
    const tab: Tab = { page, sent: [], outcomes: [], connectedAt: Number.POSITIVE_INFINITY, isGapTold: false };
    page.client.on('state', ({ status }) => {
      const open = tabs.flatMap(({ page: { world } }) =>
        world.sockets.filter((socket) => socket.closedWith === undefined),
      );
      sockets = Math.max(sockets, open.length);
      if (status === 'connected') tab.connectedAt = Math.min(tab.connectedAt, server.log.length);
    });
    page.client.on('gap', () => {
      tab.isGapTold = true;
    });
    tabs.push(tab);
    everTabs.push(tab);
  };
  const serve = async () => {
    for (let turn = 0; turn < 3; turn += 1) {
      await settle();
      for (const { page } of tabs) server.serve(page.world.sockets);
    }
    await settle();
  };
  const end = async (tab: Tab) => {
    tabs.splice(tabs.indexOf(tab), 1);
    if (random() < 0.3) tab.page.client.close();
    else await (random() < 0.5 ? tab.page.leave() : tab.page.crash());
    server.forget(tab.page.world.sockets);
    check(tab, server, seed);
  };
  /** So long that the others notice, if it is the one that leads. */
  const hang = async (tab: Tab) => {
    tabs.splice(tabs.indexOf(tab), 1);
    const { goOn } = tab.page.hang();
    server.forget(tab.page.world.sockets);
    hanging.push(async () => {
      // What the browser has received meanwhile is gone with the connection.
      for (const socket of tab.page.world.sockets) socket.end();
      await goOn();
      tabs.push(tab);
    });
    for (let turn = 0; turn < 4; turn += 1) {
      await Promise.all(tabs.map(({ page }) => page.world.advance(5_000)));
      await serve();
    }
  };
  open();
  await serve();
  for (let step = 0; step < STEPS; step += 1) {
    const dice = random();
    const tab = tabs[Math.floor(random() * tabs.length)];
    if (dice < 0.4) server.post();
    else if (dice < 0.7 && tab) {
      tab.sent.push(count);
      const outcome = tab.page.client.sendToUser('bob', count);
      outcome.catch(() => {});
      tab.outcomes.push(outcome);
      count += 1;
    } else if (dice < 0.8 && tabs.length < 4) open();
    else if (dice < 0.87 && tab && tabs.length > 1) await end(tab);
    else if (dice < 0.92 && tab && tabs.length > 1) await hang(tab);
    else if (dice < 0.97) await hanging.shift()?.();
    if (random() < 0.5) await serve();
  }
  for (const goOn of hanging) await goOn();
  for (let turn = 0; turn < 10; turn += 1) await serve();
  const taken = [...server.taken.values()];
  for (const tab of tabs) {
    await Promise.all(tab.outcomes);
    check(tab, server, seed);
    expect(taken, `seed ${seed}`).toEqual(expect.arrayContaining(tab.sent));
    if (tab.isGapTold) continue;
    expect(tab.page.ids, `seed ${seed}`).toEqual(
      server.log.slice(server.log.length - tab.page.ids.length).map(({ id }) => id),
    );
    expect(tab.page.ids.length, `seed ${seed}`).toBeGreaterThanOrEqual(server.log.length - tab.connectedAt);
  }
  for (const { sent } of everTabs) {
    const order = taken.filter((data) => sent.includes(data as number)) as number[];
    expect(order, `seed ${seed}`).toEqual([...order].sort((one, other) => one - other));
  }
  return {
    sockets,
    handedOver: everTabs.flatMap(({ page }) => page.ids).length,
    gaps: tabs.filter(({ isGapTold }) => isGapTold).length,
  };
}

/** Once each, and in order. */
function check({ page }: Tab, { log }: Server, seed: number): void {
  const order = new Map(log.map(({ id }, index) => [id, index]));
  const places = page.ids.map((id) => order.get(id) ?? -1);
  expect(places, `seed ${seed}`).toEqual([...new Set(places)].sort((a, b) => a - b));
}

it('hands each message over once and in order in each tab, and loses none of theirs, whoever comes and goes', async () => {
  let handedOver = 0;
  let gaps = 0;
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const result = await run(seed);
    handedOver += result.handedOver;
    gaps += result.gaps;
    expect(result.sockets, `seed ${seed}`).toBe(1);
  }
  // Otherwise there was nothing to lose.
  expect(handedOver).toBeGreaterThan(30 * SEEDS);
  expect(gaps).toBeLessThan(SEEDS);
}, 60_000);
