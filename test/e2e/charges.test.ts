import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Beckon } from '../../lib/beckon.ts';
import { LOCAL_ACCOUNT, LOCAL_REGION, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { mapConcurrently } from '../../server/concurrency.ts';
import { isBye, sendUntilClosed } from '../support/flood.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

// Clients that try to get more than they pay for meet the limit, over real sockets.

type Frame = Record<string, unknown>;

interface Limits {
  readonly burst: number;
  readonly perSecond: number;
}

const start = (app: string) => startLocalCloud({ app, port: 0, parameters: { Issuer: '{endpointUrl}/_local' } });

const CAPABILITY = { 'user:*': ['send', 'history', 'presence'], 'room:*': ['join', 'send'] };

async function connect(cloud: LocalCloud, userId: string): Promise<WireClient> {
  const headers = { Authorization: `Bearer ${await cloud.token({ sub: userId, capability: CAPABILITY })}` };
  return connectWire(cloud.websocketUrl, { headers });
}

async function device(cloud: LocalCloud, userId: string): Promise<WireClient> {
  const client = await connect(cloud, userId);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered' });
  return client;
}

const HUNDRED = Array.from({ length: 100 }, (_, index) => `user-${index}`);

interface Outcome {
  /** The number of accepted frames. */
  readonly passed: number;
  /** How often a busy machine failed a frame, which may have been charged. */
  readonly failed: number;
  /** The most units by then: the burst, plus the rate times the elapsed time. */
  readonly allowance: number;
}

/** Frames under way at once. Each needs an execution environment of its own, which takes time to start. A watch of 100 users works a
 * while: more of them at once time out on a busy machine. */
const IN_FLIGHT = 4;

/** Sends frames over several connections at once, until each has an answer. */
async function flood(
  clients: readonly WireClient[],
  limits: Limits,
  count: number,
  frameOf: (index: number) => Frame,
): Promise<Outcome> {
  const startedAt = Date.now();
  const indexes = Array.from({ length: count }, (_, index) => index);
  let failed = 0;
  const replies = await mapConcurrently(indexes, IN_FLIGHT, async (index) => {
    for (;;) {
      const reply = await clients[index % clients.length]?.ask(frameOf(index));
      if (reply?.['code'] !== 'internal') return reply;
      // A call of the handler took longer than its two seconds. As every client does, it asks again.
      failed += 1;
      expect(failed).toBeLessThanOrEqual(count);
    }
  });
  const refused = replies.filter((reply) => reply?.['code'] === 'rate_limited');
  for (const reply of refused) expect(reply).toMatchObject({ retryable: true, retryAfterMs: expect.any(Number) });
  const others = replies.filter((reply) => reply?.['type'] === 'error' && reply['code'] !== 'rate_limited');
  expect(others).toEqual([]);
  const seconds = (Date.now() - startedAt) / 1000;
  return { passed: count - refused.length, failed, allowance: limits.burst + limits.perSecond * seconds };
}

describe('with lower limits', () => {
  const LIMITS = { burst: 60, perSecond: 2 };
  let directory: string;
  let cloud: LocalCloud;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'beckon-charges-'));
    const app = new App({ outdir: directory });
    const stack = new Stack(app, 'Mine', { env: { account: LOCAL_ACCOUNT, region: LOCAL_REGION } });
    const issuer = new CfnParameter(stack, 'Issuer').valueAsString;
    const rateLimit = { messagesPerSecond: LIMITS.perSecond, burst: LIMITS.burst };
    new Beckon(stack, 'Beckon', { issuer, audience: 'beckon', rateLimit });
    app.synth();
    cloud = await start(directory);
  });

  afterAll(async () => {
    await cloud?.close();
    rmSync(directory, { recursive: true });
  });

  const TEN = HUNDRED.slice(0, 10);
  const alone = { action: 'sendMessage', echo: false };
  const CONVERSATIONS = HUNDRED.slice(0, 20).map((user) => ({ user }));

  test.each<[string, number, number, Frame]>([
    ['a message to ten users is ten units', 12, 10, { ...alone, to: { users: TEN }, data: 0 }],
    ['a message of 30 KB is ten', 12, 10, { ...alone, to: { user: 'bob' }, data: 'x'.repeat(30_000) }],
    [
      'a mark is one for each conversation, however often it comes',
      6,
      20,
      { action: 'mark', marks: CONVERSATIONS.map((conversation) => ({ conversation, read: '0'.repeat(26) })) },
    ],
    ['so is a count of what is unread', 6, 20, { action: 'unread', conversations: CONVERSATIONS }],
    [
      'to watch 100 users is ten, and again for the same ones',
      12,
      10,
      { action: 'presence', users: HUNDRED, watch: true },
    ],
    ['a page of a registration is one', 90, 1, { action: 'register', after: '0'.repeat(26) }],
    ['a registration is one', 90, 1, { action: 'register', attempt: 1 }],
  ])('%s', async (what, count, units, frame) => {
    const client = await device(cloud, what);
    const { passed, failed, allowance } = await flood([client], LIMITS, count, () => frame);
    expect(passed).toBeLessThan(count);
    expect(passed * units).toBeLessThanOrEqual(allowance);
    expect((passed + failed + 1) * units).toBeGreaterThan(LIMITS.burst / 2);
  });

  test('of 12 messages to 100 users only the first, after a pause, is sent', async () => {
    const message = (data: number) => ({
      action: 'sendMessage',
      to: { users: HUNDRED },
      data,
      ephemeral: true,
      echo: false,
    });
    const { passed } = await flood([await device(cloud, 'herald')], LIMITS, 12, message);
    expect(passed).toBeLessThanOrEqual(1);
  });

  test('of 600 registrations the server accepts what the rate allows, then closes the connection', async () => {
    const client = await device(cloud, 'registrar');
    const startedAt = Date.now();
    const sent = await sendUntilClosed(client, { action: 'register', attempt: 1 }, 600);
    expect(sent).toBeLessThan(600);
    const made = client.frames.filter(({ type }) => type === 'registered').length;
    expect(made).toBeLessThanOrEqual(LIMITS.burst + (LIMITS.perSecond * (Date.now() - startedAt)) / 1000 + 1);
    expect(client.frames.find(isBye)).toMatchObject({ code: 'rate_limited', reconnect: true, retryAfterMs: 60_000 });
  });

  test('several connections of one user together send no more than one connection', async () => {
    const clients = await Promise.all(Array.from({ length: 5 }, () => device(cloud, 'octopus')));
    const message = (data: number) => ({ action: 'sendMessage', to: { users: TEN }, data });
    const { passed, allowance } = await flood(clients, LIMITS, 20, message);
    // A connection may exceed its user budget by a tenth of the burst and one frame.
    expect(passed * 10).toBeLessThanOrEqual(allowance + clients.length * (LIMITS.burst / 10 + 10));
  });

  test('only a registered connection gets further pages', async () => {
    const stranger = await connect(cloud, 'stranger');
    expect(await stranger.ask({ action: 'register', after: '0'.repeat(26) })).toMatchObject({ code: 'not_registered' });
  });
});
