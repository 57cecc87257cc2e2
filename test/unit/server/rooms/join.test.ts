import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_SIZE_LIMITS } from '../../../../protocol/index.ts';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createResume } from '../../../../server/connections/resume.ts';
import { createGate, createPermit, enterAdmitted } from '../../../../server/gate/gate.ts';
import type { RateLimit } from '../../../../server/gate/rate-limit.ts';
import { createArrive } from '../../../../server/presence/presence.ts';
import { createJoin, type Join } from '../../../../server/rooms/join.ts';
import { createLeave, type Leave } from '../../../../server/rooms/leave.ts';
import { createSubscribe } from '../../../../server/rooms/subscribe.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemoryPresenceStates } from '../../../../testing/memory/presence-states.ts';
import { createMemoryUserBudgets } from '../../../../testing/memory/user-budgets.ts';

const NOW = 1_800_000_000_000;
const NOW_SECONDS = NOW / 1000;
const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const connection = {
  connectionId: 'b1',
  userId: 'bob',
  tokenExpiresAt: NOW_SECONDS + 9000,
  capability: { 'room:lobby': ['join'], 'room:r*': ['join'], 'room:hall': ['send', 'history', 'presence'] } as const,
};

let directory: ReturnType<typeof createMemoryDirectory>;
let log: ReturnType<typeof createMemoryMessageLog>;
let tasks: Task[];
let join: Join;
let leave: Leave;
let leaveAt: (rateLimit: RateLimit) => Leave;

beforeEach(() => {
  const now = () => NOW;
  directory = createMemoryDirectory(now);
  log = createMemoryMessageLog(now);
  const states = createMemoryAddressStates(now);
  tasks = [];
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };
  const userRateLimit = { perSecond: 1000, burst: 1000 };
  const userBudgets = createMemoryUserBudgets(now);
  const admitAt = (rateLimit: RateLimit) => createGate({ directory, userBudgets, rateLimit, userRateLimit, now }).admit;
  const admit = admitAt(userRateLimit);
  const arrive = createArrive({ presenceStates: createMemoryPresenceStates(), tasks: { add } });
  const resume = createResume({
    enter: enterAdmitted(directory),
    log,
    states,
    arrive,
    callbackUrl: 'https://api',
    retentionSeconds: 3600,
    now,
  });
  const subscribe = createSubscribe({ directory, limits: DEFAULT_SIZE_LIMITS });
  join = createJoin({ permit: createPermit(admit), subscribe, resume, now });
  leave = createLeave({ admit, directory, tasks: { add } });
  leaveAt = (rateLimit) => createLeave({ admit: admitAt(rateLimit), directory, tasks: { add } });
});

async function register(capability: Capability = connection.capability): Promise<void> {
  const registration = { ...connection, capability, address: BOB, callbackUrl: 'https://api', registeredAt: 0 };
  await directory.put({ ...registration, attempt: 0, expiresAt: NOW_SECONDS + 660 });
}

const inRoom = (room: string) => directory.find(roomAddress(room), { consistent: true });
const roomsNoted = async () => (await directory.subscriptions(BOB, 'b1')).rooms;

async function said(room: string, secondsAgo: number): Promise<void> {
  const from = { user: 'alice' };
  const serial = serialFloor(NOW - secondsAgo * 1000);
  const message = { id: `${secondsAgo}`, serial, from, to: { room }, data: 0, sentAt: 0 };
  await log.append(roomAddress(room), message, NOW_SECONDS + 3600);
}

describe('a join', () => {
  beforeEach(() => register());

  test('subscribes for as long as a connection can live, and returns a cursor', async () => {
    await said('lobby', 1);
    expect(await join(connection, { room: 'lobby' })).toEqual({
      ok: true,
      value: {
        type: 'joined',
        room: 'lobby',
        recovered: true,
        messages: [],
        more: false,
        cursor: serialFloor(NOW),
        serverTime: NOW,
      },
    });
    expect(await inRoom('lobby')).toMatchObject([{ userId: 'bob', expiresAt: NOW_SECONDS + 7200 }]);
    expect(await roomsNoted()).toEqual([LOBBY]);
  });

  test('with a cursor returns the messages since', async () => {
    await said('lobby', 300);
    await said('lobby', 100);
    const joined = await join(connection, { room: 'lobby', cursor: serialFloor(NOW - 150_000) });
    expect(joined).toMatchObject({ value: { messages: [{ id: '100' }] } });
  });

  test('reaches as far back as messages are kept, also where the token does not allow "history"', async () => {
    await said('lobby', 3000);
    const joined = await join(connection, { room: 'lobby', cursor: '0'.repeat(26) });
    expect(joined).toMatchObject({ value: { recovered: false, messages: [{ id: '3000' }] } });
  });

  test('for the next page subscribes to nothing, but needs the capability', async () => {
    await said('lobby', 100);
    await said('hall', 100);
    const after = serialFloor(NOW - 150_000);
    expect(await join(connection, { room: 'lobby', after })).toMatchObject({ value: { messages: [{ id: '100' }] } });
    expect(await inRoom('lobby')).toEqual([]);
    expect(await roomsNoted()).toEqual([]);
    expect(await join(connection, { room: 'hall', after })).toMatchObject({ problem: { code: 'forbidden' } });
  });

  test('without the capability is refused, and writes nothing', async () => {
    for (const room of ['hall', 'attic', 'lobby ', 'Lobby', 'lobby#', '*']) {
      expect(await join(connection, { room }), room).toMatchObject({ problem: { code: 'forbidden' } });
      expect(await inRoom(room)).toEqual([]);
    }
    expect(await roomsNoted()).toEqual([]);
  });

  test('of one room too many is refused, until the user leaves one', async () => {
    for (let index = 0; index < 50; index += 1) await join(connection, { room: `r${index}` });
    expect(await join(connection, { room: 'lobby' })).toMatchObject({ problem: { code: 'too_many_rooms' } });
    expect(await inRoom('lobby')).toEqual([]);
    expect(await join(connection, { room: 'r7', attempt: 1 })).toMatchObject({ ok: true });
    await leave(connection, { room: 'r7' });
    expect(await join(connection, { room: 'lobby' })).toMatchObject({ ok: true });
  });

  test('ends with the newest token, which the directory knows', async () => {
    await directory.put({
      ...connection,
      tokenExpiresAt: NOW_SECONDS + 60,
      address: BOB,
      callbackUrl: '',
      registeredAt: 0,
      attempt: 1,
      expiresAt: NOW_SECONDS + 660,
    });
    await join(connection, { room: 'lobby' });
    expect(await inRoom('lobby')).toMatchObject([{ expiresAt: NOW_SECONDS + 60 }]);
  });

  test('of a connection that has missed a message in the room is refused: it must connect again', async () => {
    await directory.remove(LOBBY, 'b1');
    expect(await join(connection, { room: 'lobby' })).toMatchObject({ problem: { code: 'connection_removed' } });
  });
});

test('a connection that is not registered joins and leaves nothing', async () => {
  expect(await join(connection, { room: 'lobby' })).toMatchObject({ problem: { code: 'not_registered' } });
  expect(await leave(connection, { room: 'lobby' })).toMatchObject({ problem: { code: 'not_registered' } });
  expect(directory.items.size).toBe(0);
});

describe('a user who leaves', () => {
  beforeEach(async () => {
    await register();
    await join(connection, { room: 'lobby' });
    await join(connection, { room: 'r1' });
  });

  test('is out of that room, and of no other', async () => {
    expect(await leave(connection, { room: 'lobby' })).toEqual({ ok: true, value: { type: 'left', room: 'lobby' } });
    expect(await inRoom('lobby')).toEqual([]);
    expect(await inRoom('r1')).toHaveLength(1);
    expect(await roomsNoted()).toEqual([roomAddress('r1')]);
  });

  test('has their presence checked at once', async () => {
    tasks.length = 0;
    await leave(connection, { room: 'lobby' });
    expect(tasks).toEqual([{ kind: 'presence', address: LOBBY, userId: 'bob' }]);
  });

  test('a room that they are not in, or may not join, has left it', async () => {
    expect(await leave(connection, { room: 'attic' })).toMatchObject({ ok: true });
    expect(await leave(connection, { room: 'attic' })).toMatchObject({ ok: true });
    expect(await roomsNoted()).toEqual([LOBBY, roomAddress('r1')]);
  });

  test('and comes back is not removed by a late frame of the first time', async () => {
    expect(await leave(connection, { room: 'lobby', attempt: 1 })).toMatchObject({ ok: true });
    await join(connection, { room: 'lobby', attempt: 2 });
    const late = await leave(connection, { room: 'lobby', attempt: 1 });
    expect(late).toMatchObject({ problem: { code: 'superseded' } });
    expect(await inRoom('lobby')).toHaveLength(1);
    expect(await roomsNoted()).toContain(LOBBY);
    expect(await leave(connection, { room: 'lobby' })).toMatchObject({ ok: true });
    expect(await inRoom('lobby')).toEqual([]);
  });

  test('is not removed by a late frame either if it uses up their rate', async () => {
    await join(connection, { room: 'lobby', attempt: 2 });
    const late = await leaveAt({ perSecond: 1, burst: 2 })(connection, { room: 'lobby', attempt: 1 });
    expect(late).toMatchObject({ problem: { code: 'superseded' } });
    expect(await roomsNoted()).toContain(LOBBY);
  });

  test('may come back, with a cursor from before', async () => {
    await leave(connection, { room: 'lobby' });
    await said('lobby', 10);
    const joined = await join(connection, { room: 'lobby', cursor: serialFloor(NOW - 20_000) });
    expect(joined).toMatchObject({ value: { messages: [{ id: '10' }] } });
  });
});
