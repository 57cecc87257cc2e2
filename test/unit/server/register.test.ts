import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../../protocol/index.ts';
import { userAddress } from '../../../server/address.ts';
import type { AddressStates } from '../../../server/address-state.ts';
import { createRegister, type Register } from '../../../server/register.ts';
import { serialFloor } from '../../../server/serial.ts';
import { createMemoryAddressStates } from '../../support/memory-address-states.ts';
import { createMemoryDirectory } from '../../support/memory-directory.ts';
import { createMemoryMessageLog } from '../../support/memory-message-log.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const connection = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW / 1000 + 3600, capability: {} };

let nowMs: number;
let directory: ReturnType<typeof createMemoryDirectory>;
let log: ReturnType<typeof createMemoryMessageLog>;
let states: AddressStates;
let register: Register;

beforeEach(() => {
  nowMs = NOW;
  const now = () => nowMs;
  directory = createMemoryDirectory(now);
  log = createMemoryMessageLog(now);
  states = createMemoryAddressStates(now);
  const callbackUrl = 'https://api.example/prod';
  register = createRegister({
    directory,
    log,
    states,
    callbackUrl,
    retentionSeconds: 3600,
    expectedConnections: 0,
    now,
  });
});

const at = (secondsAgo: number) => serialFloor(NOW - secondsAgo * 1000);

async function sent(...secondsAgo: number[]): Promise<void> {
  for (const seconds of secondsAgo) {
    const serial = at(seconds);
    const message: Message = { id: `${seconds}`, serial, from: { user: 'a' }, to: { user: 'bob' }, data: 0, sentAt: 0 };
    await log.append(BOB, message, NOW / 1000 + 3600);
  }
}

async function registered(frame: Parameters<Register>[1] = {}) {
  const result = await register(connection, frame);
  if (!result.ok) throw new Error(result.problem.code);
  const { messages, ...rest } = result.value;
  return { ...rest, missed: messages.map(({ id }) => Number(id)) };
}

test('makes the connection one of its user’s, until the token expires or it is silent for 11 minutes', async () => {
  expect(await registered()).toMatchObject({ type: 'registered', userId: 'bob', connectionId: 'b1', serverTime: NOW });
  const [mapping] = await directory.find(BOB, { consistent: true });
  expect(mapping?.expiresAt).toBe(NOW / 1000 + 660);
  await register({ ...connection, tokenExpiresAt: NOW / 1000 + 60 }, { attempt: 1 });
  expect((await directory.find(BOB, { consistent: true }))[0]?.expiresAt).toBe(NOW / 1000 + 60);
});

describe('a resume', () => {
  test('without a cursor gives a device that has never been here what waits for its user', async () => {
    await sent(3599, 10);
    expect(await registered()).toMatchObject({ recovered: true, missed: [3599, 10], more: false, cursor: at(0) });
  });

  test('without a cursor begins where the user has acknowledged', async () => {
    await sent(1000, 500, 10);
    await states.acknowledge(BOB, at(600));
    expect((await registered()).missed).toEqual([500, 10]);
  });

  test('from a cursor gives what came since, and an overlap of two minutes before it', async () => {
    await sent(900, 700, 500);
    expect((await registered({ since: at(600) })).missed).toEqual([700, 500]);
  });

  test('of several pages goes on behind the last message, and registers nothing again', async () => {
    await sent(...Array.from({ length: 150 }, (_, index) => 300 - index));
    const first = await registered({ since: at(300) });
    expect([first.missed.length, first.more]).toEqual([100, true]);
    await directory.forget({ address: BOB, connectionId: 'b1', userId: 'bob' });
    const second = await registered({ after: at(first.missed.at(-1) ?? 0) });
    expect([second.missed.length, second.more]).toEqual([50, false]);
    expect(directory.items.size).toBe(0);
  });

  test('reads the log after the mapping is there: what is sent meanwhile is posted or found', async () => {
    const { put } = directory;
    directory.put = async (registration) => {
      const outcome = await put(registration);
      await sent(0);
      return outcome;
    };
    expect((await registered()).missed).toEqual([0]);
  });

  test('from before the retention says that it is not complete, and gives what is left', async () => {
    await sent(3500);
    expect(await registered({ since: at(3700) })).toMatchObject({ recovered: false, missed: [3500] });
    expect(await registered({ since: at(3599), attempt: 1 })).toMatchObject({ recovered: true });
  });

  test('reaches back to a message that was delivered late, for a cursor from before that', async () => {
    await sent(2000);
    nowMs = NOW - 100_000;
    await states.markLate(BOB, at(2000));
    nowMs = NOW;
    expect((await registered({ since: at(200) })).missed).toEqual([2000]);
    expect((await registered({ since: at(50), attempt: 1 })).missed).toEqual([]);
  });
});

describe('refused', () => {
  test('a token that has expired while the connection lived on', async () => {
    const expired = { ...connection, tokenExpiresAt: NOW / 1000 };
    expect(await register(expired, {})).toMatchObject({ problem: { code: 'token_expired' } });
    expect(directory.items.size).toBe(0);
  });

  test('a cursor from the future', async () => {
    expect(await register(connection, { since: at(-121) })).toMatchObject({ problem: { code: 'invalid_cursor' } });
    expect(await register(connection, { since: at(-119) })).toMatchObject({ ok: true });
  });

  test('a connection that has missed a message', async () => {
    await directory.remove(BOB, 'b1');
    expect(await register(connection, {})).toMatchObject({ problem: { code: 'connection_removed' } });
  });

  test('an attempt that comes after a later one', async () => {
    await registered({ attempt: 2 });
    expect(await register(connection, { attempt: 1 })).toMatchObject({ problem: { code: 'superseded' } });
  });
});

test('a fleet is told to spread its attempts to come back over one second for each 500, and at least 30', async () => {
  const told = async (expectedConnections: number) => {
    const now = () => nowMs;
    const register = createRegister({
      directory,
      log,
      states,
      callbackUrl: 'https://api.example/prod',
      retentionSeconds: 3600,
      expectedConnections,
      now,
    });
    const result = await register(connection, {});
    return result.ok && result.value.limits.maxBackoffSeconds;
  };
  expect([await told(0), await told(15_000), await told(15_001), await told(100_000)]).toEqual([30, 30, 31, 200]);
});
