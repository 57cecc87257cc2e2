import { beforeEach, describe, expect, test } from 'vitest';
import { checkFrame, DEFAULT_SIZE_LIMITS } from '../../../../protocol/index.ts';
import { type Address, presenceAddress, roomAddress, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createGate, createPermit } from '../../../../server/gate/gate.ts';
import { type AskPresence, createAskPresence } from '../../../../server/presence/ask-presence.ts';
import type { PresenceStates } from '../../../../server/presence/presence-state.ts';
import { createSubscribe } from '../../../../server/rooms/subscribe.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryPresenceStates } from '../../../../testing/memory/presence-states.ts';
import { createMemoryUserBudgets } from '../../../../testing/memory/user-budgets.ts';

const NOW = 1_800_000_000_000;
const LOBBY = roomAddress('lobby');
const EVERYTHING: Capability = { 'user:*': ['presence'], 'room:*': ['presence'] };

let directory: ReturnType<typeof createMemoryDirectory>;
let presenceStates: PresenceStates;
let tasks: Task[];
let askPresence: AskPresence;

beforeEach(async () => {
  const now = () => NOW;
  directory = createMemoryDirectory(now);
  presenceStates = createMemoryPresenceStates();
  tasks = [];
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };
  const limit = { perSecond: 1000, burst: 1000 };
  const limits = { rateLimit: limit, userRateLimit: limit };
  const admit = createGate({ directory, userBudgets: createMemoryUserBudgets(now), ...limits, now }).admit;
  const permit = createPermit(admit);
  const subscribe = createSubscribe({ directory, limits: DEFAULT_SIZE_LIMITS });
  const ports = { directory, presenceStates, tasks: { add } };
  askPresence = createAskPresence({ ...ports, permit, subscribe, callbackUrl: 'https://api', now });
  await register('alice', 'a1');
});

async function register(userId: string, connectionId: string, capability = EVERYTHING, rooms: string[] = []) {
  const address = userAddress(userId);
  const expiresAt = NOW / 1000 + 660;
  const common = {
    userId,
    connectionId,
    capability,
    tokenExpiresAt: NOW,
    callbackUrl: '',
    attempt: 1,
    registeredAt: 0,
  };
  await directory.put({ ...common, address, expiresAt });
  for (const room of rooms.map(roomAddress)) {
    await directory.addSubscriptions(address, connectionId, { kind: 'rooms', addresses: [room] }, 50);
    await directory.put({ ...common, address: room, expiresAt });
  }
}

const announce = (address: Address, userId: string, online: boolean, sinceMs: number) =>
  presenceStates.announce(address, { userId, online, sinceMs }, undefined);

type Asked = { users: string[] } | { room: string };
function ask(asked: Asked, watch?: boolean, capability = EVERYTHING) {
  const connection = { connectionId: 'a1', userId: 'alice', tokenExpiresAt: NOW, capability };
  return askPresence(connection, { action: 'presence', ...asked, ...(watch !== undefined && { watch }) });
}

const watchers = async (address: Address) =>
  (await directory.find(presenceAddress(address), { consistent: true })).map(({ connectionId }) => connectionId);

describe('of users', () => {
  test('tells who is online and since when, each user once, in the order of the frame', async () => {
    await register('bob', 'b1');
    await announce(userAddress('bob'), 'bob', true, 10);
    await announce(userAddress('eve'), 'eve', false, 20);
    expect(await ask({ users: ['nobody', 'eve', 'bob', 'eve'] })).toEqual({
      ok: true,
      value: {
        type: 'presence',
        users: [
          { user: 'nobody', online: false },
          { user: 'eve', online: false, sinceMs: 20 },
          { user: 'bob', online: true, sinceMs: 10 },
        ],
      },
    });
  });

  test('tells that a user is offline whose connection died without a trace', async () => {
    await announce(userAddress('bob'), 'bob', true, 10);
    expect(await ask({ users: ['bob'] })).toMatchObject({ value: { users: [{ user: 'bob', online: false }] } });
    expect(tasks).toEqual([]);
  });

  test('takes two steps: the presence states, then all users at once', async () => {
    const users = Array.from({ length: 100 }, (_, index) => `u${index}`);
    for (const user of users) await announce(userAddress(user), user, true, 10);
    let steps = 0;
    let underWay = 0;
    const counting = <A extends unknown[], R>(call: (...values: A) => Promise<R>) => {
      return async (...values: A) => {
        if (underWay === 0) steps += 1;
        underWay += 1;
        await new Promise(setImmediate);
        underWay -= 1;
        return call(...values);
      };
    };
    directory.touch = counting(directory.touch);
    directory.find = counting(directory.find);
    presenceStates.readUsers = counting(presenceStates.readUsers);
    expect(await ask({ users })).toMatchObject({ ok: true });
    expect(steps).toBe(2);
  });
});

describe('of a room', () => {
  beforeEach(async () => {
    await register('bob', 'b1', EVERYTHING, ['lobby']);
    await register('bob', 'b2', EVERYTHING, ['lobby']);
    await register('eve', 'e1', EVERYTHING, ['lobby', 'attic']);
    await announce(LOBBY, 'bob', true, 10);
    await announce(LOBBY, 'gone', true, 20);
    await announce(LOBBY, 'left', false, 30);
  });

  test('tells who is in it, the number of users and of connections', async () => {
    expect(await ask({ room: 'lobby' })).toEqual({
      ok: true,
      value: {
        type: 'presence',
        room: 'lobby',
        users: [
          { user: 'bob', online: true, sinceMs: 10 },
          { user: 'eve', online: true },
        ],
        occupancy: { users: 2, connections: 3 },
      },
    });
  });

  test('with watch tells the presence states: changes are pushed after it', async () => {
    expect(await ask({ room: 'lobby' }, true)).toMatchObject({
      value: {
        users: [
          { user: 'bob', online: true, sinceMs: 10 },
          { user: 'gone', online: true, sinceMs: 20 },
        ],
        occupancy: { users: 2, connections: 3 },
      },
    });
    expect(tasks).toEqual([{ kind: 'sweep', address: LOBBY, due: NOW }]);
  });

  test('names at most 100 of many, and counts all', async () => {
    for (let index = 0; index < 150; index += 1) {
      await register(`u${String(index).padStart(3, '0')}`, `c${index}`, EVERYTHING, ['hall']);
    }
    const asked = await ask({ room: 'hall' });
    if (!asked.ok) throw new Error(asked.problem.code);
    expect(asked.value.users).toHaveLength(100);
    expect(asked.value.users[99]).toEqual({ user: 'u099', online: true });
    expect(asked.value.occupancy).toEqual({ users: 150, connections: 150 });
  });

  test('without users is empty', async () => {
    expect(await ask({ room: 'cellar' })).toMatchObject({
      value: { users: [], occupancy: { users: 0, connections: 0 } },
    });
  });
});

describe('a watcher', () => {
  test('is subscribed before the states are read, and starts the sweep of present users', async () => {
    await announce(userAddress('bob'), 'bob', true, 10);
    const { readUsers } = presenceStates;
    presenceStates.readUsers = async (users) => {
      expect(await watchers(userAddress('bob'))).toEqual(['a1']);
      return readUsers(users);
    };
    expect(await ask({ users: ['bob', 'eve'] }, true)).toMatchObject({
      value: {
        users: [
          { user: 'bob', online: true, sinceMs: 10 },
          { user: 'eve', online: false },
        ],
      },
    });
    expect(await watchers(userAddress('eve'))).toEqual(['a1']);
    expect(tasks).toEqual([{ kind: 'sweep', address: userAddress('bob'), due: NOW }]);
    await presenceStates.setSweep(userAddress('bob'), NOW + 1, NOW);
    await ask({ users: ['bob'] }, true);
    expect(tasks).toHaveLength(1);
    expect.assertions(6);
  });

  test('may watch themselves, and can stop', async () => {
    expect(await ask({ users: ['alice'] }, true)).toMatchObject({ ok: true });
    expect(await watchers(userAddress('alice'))).toEqual(['a1']);
    expect(await ask({ users: ['alice'] }, false)).toMatchObject({ value: { users: [{ user: 'alice' }] } });
    expect(await watchers(userAddress('alice'))).toEqual([]);
    expect(
      await directory.forget({ address: userAddress('alice'), userId: 'alice', connectionId: 'a1' }),
    ).toMatchObject({
      watches: [],
    });
  });

  test('has at most 200 watches; existing ones do not count again', async () => {
    const users = (from: number) => Array.from({ length: 100 }, (_, index) => `u${from + index}`);
    expect(await ask({ users: users(0) }, true)).toMatchObject({ ok: true });
    expect(await ask({ users: users(100) }, true)).toMatchObject({ ok: true });
    expect(await ask({ users: users(100) }, true)).toMatchObject({ ok: true });
    expect(await ask({ room: 'lobby' }, true)).toMatchObject({ problem: { code: 'too_many_watches' } });
    expect(await watchers(LOBBY)).toEqual([]);
    await ask({ users: ['u7'] }, false);
    expect(await ask({ room: 'lobby' }, true)).toMatchObject({ ok: true });
  });

  test('that missed a change is told to connect again', async () => {
    await directory.remove(presenceAddress(userAddress('bob')), 'a1');
    expect(await ask({ users: ['bob'] }, true)).toMatchObject({ problem: { code: 'connection_removed' } });
  });
});

describe('refused', () => {
  test.each([true, false, undefined])('without the capability, wherever it lacks (watch: %s)', async (watch) => {
    const some: Capability = {
      'user:bob': ['presence'],
      'user:*': ['send', 'history'],
      'room:lobby': ['join', 'send'],
    };
    await register('alice', 'a1', some);
    await announce(userAddress('bob'), 'bob', true, 10);
    for (const asked of [{ users: ['bob', 'eve'] }, { users: ['eve'] }, { room: 'lobby' }, { room: 'bob' }]) {
      expect(await ask(asked, watch, some)).toMatchObject({ problem: { code: 'forbidden' } });
    }
    expect(await ask({ users: ['bob'] }, watch, some)).toMatchObject({ ok: true });
    for (const address of [userAddress('eve'), LOBBY]) expect(await watchers(address)).toEqual([]);
  });

  test('whoever is not registered', async () => {
    await directory.forget({ address: userAddress('alice'), userId: 'alice', connectionId: 'a1' });
    for (const watch of [true, false, undefined]) {
      expect(await ask({ users: ['bob'] }, watch)).toMatchObject({ problem: { code: 'not_registered' } });
    }
    expect(directory.items.size).toBe(0);
  });

  test('10,000 users in one frame, nobody, and users together with a room', () => {
    const check = (fields: object) => checkFrame('presence', { action: 'presence', ...fields });
    const users = Array.from({ length: 10_000 }, (_, index) => `u${index}`);
    expect(check({ users, watch: true })).toMatchObject({
      problem: { code: 'invalid_frame', message: '"users" must name at most 100 users' },
    });
    expect(check({ users: [] })).toMatchObject({ problem: { message: '"users" must name at least one user' } });
    expect(check({ users: ['bob'], room: 'lobby' })).toMatchObject({ ok: false });
    expect(check({})).toMatchObject({ ok: false });
  });
});
