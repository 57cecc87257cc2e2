import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Client } from '../../../../client/index.ts';
import { type Conversation, openConversation, type Peer } from '../../../../client/stores/conversation.ts';
import { createTestServer, type TestServer } from '../../../../testing/index.ts';
import { seededRandom } from '../../../support/client-world.ts';

const SEEDS = Number(process.env['SEEDS'] ?? 25);
const FIRST = Number(process.env['FIRST_SEED'] ?? 1);
const STEPS = 40;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Device {
  readonly user: string;
  readonly client: Client<string>;
  views: Conversation<string>[];
}

const texts = ({ state }: Conversation<string>) => state.entries.flatMap(({ serial, data }) => (serial ? [data] : []));

/** Devices of two users against the server's own code: networks that go and come, late frames, refusals, views that open and close. */
async function run(seed: number): Promise<number> {
  const random = seededRandom(seed);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  const server: TestServer = createTestServer({ latencyMs: () => Math.floor(random() * 30) });
  const open = (user: string): Device => ({ user, client: server.client<string>(user), views: [] });
  const devices = ['alice', 'alice', 'bob'].map(open);
  let sent = 0;
  const step = async () => {
    const device = pick(devices);
    const view = device.views.length > 0 ? pick(device.views) : undefined;
    const other = device.user === 'alice' ? 'bob' : 'alice';
    const dice = random();
    sent += 1;
    if (dice < 0.35) view?.send(`message ${sent}`);
    else if (dice < 0.42) void device.client.sendToUser(other, `message ${sent}`, { echo: true }).catch(() => {});
    else if (dice < 0.6 && device.views.length < 3) {
      const peer = pick<Peer>([{ user: other }, { user: other }, { room: 'lobby' }]);
      device.views.push(openConversation(device.client, peer, { pageSize: 1 + Math.floor(random() * 5) }));
    } else if (dice < 0.66 && view) {
      view.close();
      device.views = device.views.filter((each) => each !== view);
    } else if (dice < 0.72) server.disconnect(pick(['alice', 'bob']));
    else if (dice < 0.85) server.reconnect();
    else if (dice < 0.9) view?.setTyping(random() < 0.6);
    else if (dice < 0.95) server.refuseNext(pick(['sendMessage', 'history', 'join', 'mark'] as const), 'internal');
    else void view?.loadEarlier(2).catch(() => {});
    await vi.advanceTimersByTimeAsync(random() * (random() < 0.8 ? 60 : 3_000));
  };
  for (let steps = 0; steps < STEPS; steps += 1) await step();
  server.reconnect();
  await vi.advanceTimersByTimeAsync(60_000);
  let checked = 0;
  for (const { user, client, views } of devices) {
    for (const view of views) {
      const where = `seed ${seed}: ${user} in ${JSON.stringify(view.peer)}`;
      expect(view.state.status, where).toBe('ready');
      for (let pages = 0; view.state.hasEarlier && pages < 50; pages += 1) {
        const loading = view.loadEarlier();
        await vi.advanceTimersByTimeAsync(1_000);
        await loading;
      }
      const reading = client.history(view.peer as { user: string }, { limit: 100 });
      await vi.advanceTimersByTimeAsync(1_000);
      const { messages, peer } = await reading;
      expect(texts(view), where).toEqual(messages.map(({ data }) => data));
      expect(
        view.state.entries.filter(({ serial }) => !serial),
        where,
      ).toEqual([]);
      expect(view.state, where).toMatchObject({ typing: [] });
      for (const { isOwn, serial = '', status } of view.state.entries) {
        const expected = serial <= (peer?.read ?? '') ? 'read' : serial <= (peer?.received ?? '') ? 'received' : 'sent';
        if (isOwn) expect(status, where).toBe(expected);
      }
      checked += messages.length;
    }
  }
  server.close();
  await vi.advanceTimersByTimeAsync(1_000);
  return checked;
}

it('the entries are what the server’s own code has in its history, whatever goes wrong', async () => {
  let checked = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) checked += await run(seed);
  expect(checked).toBeGreaterThan(SEEDS * 5);
}, 0);
