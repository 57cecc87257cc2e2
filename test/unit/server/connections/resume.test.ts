import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../../../protocol/index.ts';
import { type Address, roomAddress, userAddress } from '../../../../server/address.ts';
import type { AddressStates } from '../../../../server/connections/address-state.ts';
import { createResume, type Resume } from '../../../../server/connections/resume.ts';
import { enterAdmitted } from '../../../../server/gate/gate.ts';
import { createArrive } from '../../../../server/presence/presence.ts';
import type { PresenceStates } from '../../../../server/presence/presence-state.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemoryPresenceStates } from '../../../../testing/memory/presence-states.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const connection = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW / 1000 + 3600, capability: {} };

let nowMs: number;
let directory: ReturnType<typeof createMemoryDirectory>;
let log: ReturnType<typeof createMemoryMessageLog>;
let states: AddressStates;
let presenceStates: PresenceStates;
let tasks: Task[];
let resume: Resume;

beforeEach(() => {
  nowMs = NOW;
  const now = () => nowMs;
  directory = createMemoryDirectory(now);
  log = createMemoryMessageLog(now);
  states = createMemoryAddressStates(now);
  presenceStates = createMemoryPresenceStates();
  tasks = [];
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };
  const arrive = createArrive({ presenceStates, tasks: { add } });
  resume = createResume({
    enter: enterAdmitted(directory),
    log,
    states,
    arrive,
    callbackUrl: 'https://api',
    retentionSeconds: 3600,
    now,
  });
});

const at = (secondsAgo: number) => serialFloor(NOW - secondsAgo * 1000);

async function sent(address: Address, ...secondsAgo: number[]): Promise<void> {
  for (const seconds of secondsAgo) {
    const serial = at(seconds);
    const message: Message = { id: `${seconds}`, serial, from: { user: 'a' }, to: { user: 'bob' }, data: 0, sentAt: 0 };
    await log.append(address, message, NOW / 1000 + 3600);
  }
}

async function resumed(address: Address, frame: Parameters<Resume>[1] = {}) {
  const result = await resume({ connection, address, expiresAt: NOW / 1000 + 60 }, frame);
  if (!result.ok) throw new Error(result.problem.code);
  const { messages, ...rest } = result.value;
  return { ...rest, missed: messages.map(({ id }) => Number(id)) };
}

describe('without a cursor', () => {
  test('gives a new device the messages that wait for its user', async () => {
    await sent(BOB, 3599, 10);
    expect(await resumed(BOB)).toMatchObject({ recovered: true, missed: [3599, 10], more: false, cursor: at(0) });
  });

  test('begins at the acknowledged cursor', async () => {
    await sent(BOB, 1000, 500, 10);
    await states.acknowledge(BOB, at(600));
    expect((await resumed(BOB)).missed).toEqual([500, 10]);
  });

  test('tells what other devices have shown, by sender and id, and still returns all messages', async () => {
    await sent(BOB, 700, 500);
    const shown = [{ from: { user: 'a' }, ids: ['700'] }];
    await states.acknowledge(BOB, at(600));
    await states.keepShown(BOB, at(600), shown);
    expect(await resumed(BOB)).toMatchObject({ shown, missed: [700, 500] });
    expect(await resumed(BOB, { cursor: at(600), attempt: 1 })).not.toHaveProperty('shown');
    expect(await resumed(BOB, { after: at(600) })).not.toHaveProperty('shown');
    expect(await resumed(LOBBY)).not.toHaveProperty('shown');
  });

  test('returns no earlier message of a room, not even one from a moment before, or a late one', async () => {
    await sent(LOBBY, 3599, 100, 1);
    await states.markLate(LOBBY, at(2000));
    expect(await resumed(LOBBY)).toMatchObject({ recovered: true, missed: [], more: false, cursor: at(0) });
  });
});

describe.each([BOB, LOBBY])('at %s', (address) => {
  test('subscribes the connection, for as long as it is told', async () => {
    await resumed(address);
    expect(await directory.find(address, { consistent: true })).toEqual([
      { address, connectionId: 'b1', userId: 'bob', callbackUrl: 'https://api', expiresAt: NOW / 1000 + 60 },
    ]);
  });

  test('from a cursor returns the messages since, with an overlap of two minutes', async () => {
    await sent(address, 900, 700, 500);
    expect((await resumed(address, { cursor: at(600) })).missed).toEqual([700, 500]);
  });

  test('of several pages goes on behind the last message, and subscribes to nothing again', async () => {
    await sent(address, ...Array.from({ length: 150 }, (_, index) => 300 - index));
    const first = await resumed(address, { cursor: at(300) });
    expect([first.missed.length, first.more]).toEqual([100, true]);
    await directory.unsubscribe('b1', [address]);
    const second = await resumed(address, { after: at(first.missed.at(-1) ?? 0) });
    expect([second.missed.length, second.more]).toEqual([50, false]);
    expect(directory.items.size).toBe(0);
  });

  test('reads the log after the mapping is there: what is sent meanwhile is posted or found', async () => {
    const { put } = directory;
    directory.put = async (registration) => {
      const outcome = await put(registration);
      await sent(address, -1);
      return outcome;
    };
    expect((await resumed(address)).missed).toEqual([-1]);
  });

  test('from before the retention says that it is not complete, and returns what is left', async () => {
    await sent(address, 3500);
    expect(await resumed(address, { cursor: at(3700) })).toMatchObject({ recovered: false, missed: [3500] });
    expect(await resumed(address, { cursor: at(3599), attempt: 1 })).toMatchObject({ recovered: true });
  });

  test('reaches back to a message that was delivered late, for a cursor from before that', async () => {
    await sent(address, 2000);
    nowMs = NOW - 100_000;
    await states.markLate(address, at(2000));
    nowMs = NOW;
    expect((await resumed(address, { cursor: at(200) })).missed).toEqual([2000]);
    expect((await resumed(address, { cursor: at(50), attempt: 1 })).missed).toEqual([]);
  });

  test('reads after the mapping is there what was delivered late: a late delivery finds the mapping, or has left its mark', async () => {
    await sent(address, 2000);
    const { put } = directory;
    directory.put = async (registration) => {
      await states.markLate(address, at(2000));
      return put(registration);
    };
    expect((await resumed(address, { cursor: at(200) })).missed).toEqual([2000]);
  });

  test('from before the retention reads nothing from before it, though it may be there still', async () => {
    await sent(address, 3700, 3500);
    expect((await resumed(address, { cursor: at(3650) })).missed).toEqual([3500]);
  });

  test('from a cursor begins there, whatever another device has acknowledged', async () => {
    await sent(address, 500);
    await states.acknowledge(BOB, at(100));
    expect((await resumed(address, { cursor: at(600) })).missed).toEqual([500]);
  });

  test('gives the moment before the log was read as the next cursor: what is sent meanwhile is behind it', async () => {
    const { read } = log;
    log.read = async (...asked) => {
      nowMs += 1_000;
      return read(...asked);
    };
    expect(await resumed(address)).toMatchObject({ cursor: at(0), serverTime: NOW });
  });

  test('refuses a cursor from the future', async () => {
    const subscription = { connection, address, expiresAt: NOW / 1000 + 60 };
    expect(await resume(subscription, { cursor: at(-121) })).toMatchObject({ problem: { code: 'invalid_cursor' } });
    expect(directory.items.size).toBe(0);
    expect(await resume(subscription, { cursor: at(-119) })).toMatchObject({ ok: true });
  });

  test('refuses a connection that has missed a message there', async () => {
    await directory.remove(address, 'b1');
    const refused = await resume({ connection, address, expiresAt: NOW }, { attempt: 9 });
    expect(refused).toMatchObject({ problem: { code: 'connection_removed' } });
  });

  test('refuses an attempt that comes after a later one', async () => {
    await resumed(address, { attempt: 2 });
    const refused = await resume({ connection, address, expiresAt: NOW }, { attempt: 1 });
    expect(refused).toMatchObject({ problem: { code: 'superseded' } });
  });
});

describe('presence', () => {
  const check = (address: Address) => ({ kind: 'presence', address, userId: 'bob' });

  test('is checked if the user does not count as present', async () => {
    await resumed(BOB);
    await resumed(LOBBY);
    expect(tasks).toEqual([check(BOB), check(LOBBY)]);
    await presenceStates.announce(BOB, { userId: 'bob', online: false, sinceMs: 1 }, undefined);
    await resumed(BOB, { attempt: 1 });
    expect(tasks).toHaveLength(3);
  });

  test('is not checked if the user counts as present, nor for the next page, nor for a refused connection', async () => {
    await presenceStates.announce(BOB, { userId: 'bob', online: true, sinceMs: 1 }, undefined);
    await resumed(BOB);
    await resumed(LOBBY, { after: at(10) });
    await directory.remove(LOBBY, 'b1');
    await resume({ connection, address: LOBBY, expiresAt: NOW / 1000 + 60 }, {});
    expect(tasks).toEqual([]);
  });

  test('is read after the mapping exists: a check that finds an absence meanwhile sees it', async () => {
    const { read } = presenceStates;
    presenceStates.read = async (...values) => {
      expect(await directory.find(BOB, { consistent: true })).toHaveLength(1);
      return read(...values);
    };
    await resumed(BOB);
    expect.assertions(1);
  });
});
