import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { type LocalCloud, type LocalCloudOptions, startLocalCloud } from '../../local/index.ts';
import { MAX_WATCHES } from '../../protocol/index.ts';
import { connectWire, type WireClient } from '../support/wire-client.ts';

// Over real sockets, in a cloud whose clock runs fast: 15 seconds of absence take three.

const CAPABILITY = { 'user:*': ['send', 'presence'], 'room:*': ['join', 'presence'] };

let cloud: LocalCloud;
const clients: WireClient[] = [];
/** Creates names for one test. */
let bob: string;
let room: string;
let tests = 0;

async function start(options: Partial<LocalCloudOptions> = {}): Promise<void> {
  const parameters = { Issuer: '{endpointUrl}/_local' };
  cloud = await startLocalCloud({ app: inject('app'), port: 0, parameters, timeScale: 5, ...options });
}

beforeEach(() => {
  tests += 1;
  bob = `bob ${tests}`;
  room = `room ${tests}`;
});

afterEach(() => {
  for (const client of clients.splice(0)) client.socket.terminate();
});

async function device(userId: string, claims: object = {}): Promise<WireClient> {
  const token = await cloud.token({ sub: userId, capability: CAPABILITY, ...claims });
  const client = await connectWire(cloud.websocketUrl, { headers: { Authorization: `Bearer ${token}` } });
  clients.push(client);
  expect(await client.ask({ action: 'register' })).toMatchObject({ type: 'registered', userId });
  return client;
}

async function watcher(...asked: object[]) {
  const client = await device('alice');
  const replies: Record<string, unknown>[] = [];
  for (const each of asked) replies.push(await client.ask({ action: 'presence', watch: true, ...each }));
  const pushed = () => client.frames.filter(({ type, id }) => type === 'presence' && id === undefined);
  return { client, replies, pushed };
}

async function leave(client: WireClient): Promise<void> {
  client.socket.close();
  await client.closed;
}

/** The number of completed presence checks. */
const checks = () =>
  cloud.log().filter(({ message }) => /"route":"tasks"/.test(message) && /"reason":"presence"/.test(message)).length;

const SOON = { timeout: 20_000 };
const is = (online: boolean) => ({ user: bob, online, sinceMs: expect.any(Number) });

describe('a watcher of a user', () => {
  beforeAll(() => start());
  afterAll(() => cloud.close());

  test('is told when the user comes online, and when the user has been offline for a while', async () => {
    const { replies, pushed } = await watcher({ users: [bob] });
    expect(replies).toMatchObject([{ type: 'presence', users: [{ user: bob, online: false }] }]);
    const bobs = await device(bob);
    await expect.poll(pushed, SOON).toEqual([{ type: 'presence', users: [is(true)] }]);
    await leave(bobs);
    await expect.poll(pushed, SOON).toHaveLength(2);
    const [came, went] = pushed().map((frame) => (frame['users'] as { sinceMs: number }[])[0]);
    expect(went).toEqual(is(false));
    expect((went?.sinceMs ?? 0) - (came?.sinceMs ?? 0)).toBeGreaterThanOrEqual(15_000);
  });

  test('is not told of a reload', async () => {
    const first = await device(bob);
    const { client, pushed } = await watcher({ users: [bob] });
    await expect
      .poll(async () => (await client.ask({ action: 'presence', users: [bob] }))['users'])
      .toEqual([is(true)]);
    const heard = pushed().length;
    const done = checks();
    await leave(first);
    const again = await device(bob);
    await expect.poll(checks, SOON).toBeGreaterThan(done);
    expect(pushed()).toHaveLength(heard);
    expect(await client.ask({ action: 'presence', users: [bob] })).toMatchObject({ users: [is(true)] });
    await leave(again);
  });

  test('is told that the user is offline when the last device disconnects', async () => {
    const [phone, laptop] = [await device(bob), await device(bob)];
    const { pushed } = await watcher({ users: [bob] });
    const done = checks();
    await leave(phone);
    await expect.poll(checks, SOON).toBeGreaterThan(done);
    const online = pushed().filter((frame) => (frame['users'] as { online: boolean }[])[0]?.online === false);
    expect(online).toEqual([]);
    await leave(laptop);
    await expect.poll(pushed, SOON).toContainEqual({ type: 'presence', users: [is(false)] });
  });

  test('is told nothing after it stops watching', async () => {
    const { client, pushed } = await watcher({ users: [bob] });
    expect(await client.ask({ action: 'presence', users: [bob], watch: false })).toMatchObject({ type: 'presence' });
    const asking = await device('eve');
    await device(bob);
    await expect
      .poll(async () => (await asking.ask({ action: 'presence', users: [bob] }))['users'], SOON)
      .toEqual([is(true)]);
    expect(pushed()).toEqual([]);
  });

  test('may watch their own user on another device', async () => {
    const { client } = await watcher({ users: ['alice'] });
    await expect
      .poll(async () => (await client.ask({ action: 'presence', users: ['alice'] }))['users'], SOON)
      .toMatchObject([{ user: 'alice', online: true }]);
  });
});

describe('a watcher of a room', () => {
  beforeAll(() => start());
  afterAll(() => cloud.close());

  test('is told who joins and who leaves: at once for a leave, later for a closed page', async () => {
    const { client, replies, pushed } = await watcher({ room });
    expect(replies).toMatchObject([{ room, users: [], occupancy: { users: 0, connections: 0 } }]);
    const bobs = await device(bob);
    await bobs.ask({ action: 'join', room });
    await expect.poll(pushed, SOON).toEqual([{ type: 'presence', room, users: [is(true)] }]);
    expect(await client.ask({ action: 'presence', room })).toMatchObject({
      users: [is(true)],
      occupancy: { users: 1, connections: 1 },
    });
    await bobs.ask({ action: 'leave', room });
    await expect.poll(pushed, SOON).toHaveLength(2);
    await bobs.ask({ action: 'join', room, attempt: 1 });
    await expect.poll(pushed, SOON).toHaveLength(3);
    await leave(bobs);
    await expect.poll(pushed, SOON).toHaveLength(4);
    expect(pushed().map(({ users }) => users)).toEqual([[is(true)], [is(false)], [is(true)], [is(false)]]);
    expect(await client.ask({ action: 'presence', room })).toMatchObject({ users: [], occupancy: { users: 0 } });
  });
});

describe('a connection that dies without a trace', () => {
  afterEach(() => cloud.close());

  test('is noticed when it expires, and watchers are told', { timeout: 60_000 }, async () => {
    await start({ faults: { seed: 1, rules: [{ point: 'disconnect', kind: 'drop' }] } });
    const bobs = await device(bob, { exp: Math.floor(cloud.clock.now() / 1000) + 60 });
    await bobs.ask({ action: 'join', room });
    const asking = await device('eve');
    await expect
      .poll(async () => (await asking.ask({ action: 'presence', users: [bob] }))['users'], SOON)
      .toEqual([is(true)]);
    const { pushed } = await watcher({ users: [bob] }, { room });
    bobs.socket.terminate();
    const gone = [
      { type: 'presence', users: [is(false)] },
      { type: 'presence', room, users: [is(false)] },
    ];
    for (const push of gone) await expect.poll(pushed, { timeout: 40_000 }).toContainEqual(push);
    expect(await asking.ask({ action: 'presence', room })).toMatchObject({ users: [], occupancy: { users: 0 } });
  });

  // Each sweep queues the next one, and Lambda stops a function that one chain of requests invokes more than 16 times.
  test('is noticed after more sweeps than Lambda lets a loop run', { timeout: 90_000 }, async () => {
    await start({ timeScale: 30, faults: { seed: 1, rules: [{ point: 'disconnect', kind: 'drop' }] } });
    const { client, pushed } = await watcher({ room });
    const members = Array.from({ length: 18 }, (_, index) => `${bob}-${index}`);
    for (const [index, user] of members.entries()) {
      // Each lives long enough to join on a busy machine: eight seconds of this machine's time.
      const exp = Math.floor(cloud.clock.now() / 1000) + 240 + 30 * index;
      expect(await (await device(user, { exp })).ask({ action: 'join', room })).toMatchObject({ type: 'joined' });
      // Otherwise the watcher itself would expire.
      await client.ask({ action: 'ping' });
    }
    const offline = async () => {
      await client.ask({ action: 'ping' });
      return new Set(
        pushed().flatMap(({ users }) =>
          (users as { user: string; online: boolean }[]).filter((each) => !each.online).map((each) => each.user),
        ),
      );
    };
    await expect.poll(offline, { timeout: 60_000, interval: 500 }).toEqual(new Set(members));
    expect(cloud.log().filter(({ message }) => message.startsWith('RecursiveInvocationsDropped'))).toEqual([]);
  });
});

describe('a presence request', () => {
  beforeAll(() => start({ timeScale: 1 }));
  afterAll(() => cloud.close());

  test('for 100 users reads the presence states once, and the connections of each online user', async () => {
    const online = Array.from({ length: 5 }, (_, index) => `${bob} ${index}`);
    for (const user of online) await device(user);
    const client = await device('alice');
    const users = [...online, ...Array.from({ length: 95 }, (_, index) => `nobody ${index}`)];
    const ask = async () => {
      const before = cloud.calls().length;
      const reply = await client.ask({ action: 'presence', users });
      const calls = cloud
        .calls()
        .slice(before)
        .filter(({ principal }) => /presence/.test(principal));
      return { present: (reply['users'] as { online: boolean }[]).filter((each) => each.online).length, calls };
    };
    await expect.poll(async () => (await ask()).present, SOON).toBe(5);
    const { calls } = await ask();
    const endOf = (call: (typeof calls)[number]) => Date.parse(call.at) + Math.floor(call.durationMs);
    const operations = (of: typeof calls) => of.map(({ operation }) => operation).toSorted();
    const queries = calls.filter(({ operation }) => operation === 'Query');
    const first = calls.filter(({ operation }) => operation !== 'Query');
    // The gate charges ten units, and every fifth time also the user budget.
    const [read, ...writes] = operations(first);
    expect([read, ...new Set(writes)]).toEqual(['BatchGetItem', 'UpdateItem']);
    expect(queries).toHaveLength(5);
    const firstEnds = Math.max(...first.map(endOf));
    for (const query of queries) expect(Date.parse(query.at)).toBeGreaterThanOrEqual(firstEnds);
  });

  test('that ends a watch makes room for another watch, even if many arrive at once', async () => {
    const client = await device('alice');
    const watch = (users: readonly string[], isWatched = true) =>
      client.ask({ action: 'presence', users, watch: isWatched });
    const users = Array.from({ length: MAX_WATCHES }, (_, index) => `user ${index}`);
    await watch(users.slice(0, 100));
    await watch(users.slice(100));
    expect(await watch(['one more'])).toMatchObject({ code: 'too_many_watches' });
    await Promise.all(users.slice(0, 50).map((user) => watch([user], false)));
    const others = Array.from({ length: 50 }, (_, index) => `other ${index}`);
    expect(await watch(others)).toMatchObject({ type: 'presence' });
  });

  test('without the capability is refused, for users and rooms, with and without a watch', async () => {
    const capability = { [`user:${bob}`]: ['presence'], 'user:*': ['send', 'history'], 'room:*': ['join', 'send'] };
    const client = await device('eve', { capability });
    for (const asked of [{ users: ['alice'] }, { users: [bob, 'alice'] }, { room }]) {
      for (const watch of [undefined, true, false]) {
        const reply = await client.ask({ action: 'presence', ...asked, ...(watch !== undefined && { watch }) });
        expect(reply, JSON.stringify({ asked, watch })).toMatchObject({ type: 'error', code: 'forbidden' });
      }
    }
    expect(await client.ask({ action: 'presence', users: [bob], watch: true })).toMatchObject({ type: 'presence' });
  });

  test('for too much is refused, and the connection stays open', async () => {
    const client = await device('eve');
    const users = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `u${from + index}`);
    const ask = (asked: object) => client.ask({ action: 'presence', watch: true, ...asked });
    expect(await ask({ users: users(101) })).toMatchObject({ code: 'invalid_frame', retryable: false });
    expect(await ask({ users: users(100) })).toMatchObject({ type: 'presence' });
    expect(await ask({ users: users(100, 100) })).toMatchObject({ type: 'presence' });
    expect(await ask({ users: ['one more'] })).toMatchObject({ code: 'too_many_watches', retryable: false });
    expect(await ask({ room: 'a#b' })).toMatchObject({ code: 'too_many_watches' });
    expect(await client.ask({ action: 'ping' })).toMatchObject({ type: 'pong' });
  });
});
