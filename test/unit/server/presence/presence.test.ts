import { beforeEach, describe, expect, test } from 'vitest';
import type { Push } from '../../../../protocol/index.ts';
import { type Address, presenceAddress, roomAddress, type Topic, userAddress } from '../../../../server/address.ts';
import { createPresenceChecks, type PresenceChecks } from '../../../../server/presence/presence.ts';
import type { PresenceStates } from '../../../../server/presence/presence-state.ts';
import { createPosting, type PostOutcome } from '../../../../server/sending/posting.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryPresenceStates } from '../../../../testing/memory/presence-states.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');

let nowMs: number;
let directory: ReturnType<typeof createMemoryDirectory>;
let presenceStates: PresenceStates;
let presence: PresenceChecks;
let tasks: Task[];
let pushed: { connectionId: string; frame: Push }[];
let outcome: PostOutcome;

beforeEach(() => {
  nowMs = NOW;
  const now = () => nowMs;
  directory = createMemoryDirectory(now);
  presenceStates = createMemoryPresenceStates();
  tasks = [];
  pushed = [];
  outcome = 'sent';
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };
  const poster = {
    async post({ connectionId }: { connectionId: string }, frame: Push) {
      pushed.push({ connectionId, frame });
      return outcome;
    },
    close: async () => outcome,
  };
  const posting = createPosting({ poster, directory, tasks: { add } });
  presence = createPresenceChecks({ directory, presenceStates, posting, tasks: { add }, now });
});

async function subscribe(address: Topic, userId: string, connectionId: string, expiresAt = NOW / 1000 + 660) {
  const registration = { address, userId, connectionId, expiresAt, callbackUrl: '', attempt: 0, registeredAt: 0 };
  await directory.put({ ...registration, tokenExpiresAt: NOW, capability: {} });
}

async function enter(userId: string, connectionId: string, expiresAt?: number): Promise<void> {
  await subscribe(userAddress(userId), userId, connectionId, expiresAt);
  await subscribe(LOBBY, userId, connectionId);
}

const leave = (userId: string, connectionId: string) =>
  directory.forget({ address: userAddress(userId), userId, connectionId });
const watch = (address: Address, connectionId = 'w1') =>
  subscribe(presenceAddress(address), 'alice', connectionId, NOW / 1000 + 7200);
const check = (address: Address = BOB, isRetry = false) =>
  presence.check({ kind: 'presence', address, userId: 'bob' }, isRetry);
const announced = (address: Address = BOB) => presenceStates.read(address, 'bob');
const told = () => pushed.map(({ frame }) => frame);

describe('a check', () => {
  test('tells watchers who has come and who has gone, in a room as well', async () => {
    await watch(BOB);
    await watch(LOBBY, 'w2');
    await enter('bob', 'b1');
    await check();
    await check(LOBBY);
    await leave('bob', 'b1');
    nowMs += 1;
    await check();
    await check(LOBBY);
    const [came, went] = [
      { user: 'bob', online: true, sinceMs: NOW },
      { user: 'bob', online: false, sinceMs: NOW + 1 },
    ];
    expect(pushed).toEqual([
      { connectionId: 'w1', frame: { type: 'presence', users: [came] } },
      { connectionId: 'w2', frame: { type: 'presence', room: 'lobby', users: [came] } },
      { connectionId: 'w1', frame: { type: 'presence', users: [went] } },
      { connectionId: 'w2', frame: { type: 'presence', room: 'lobby', users: [went] } },
    ]);
  });

  test('tells nothing if nothing is new: another device, a device less, a reload', async () => {
    await watch(BOB);
    await check();
    await enter('bob', 'b1');
    await check();
    await enter('bob', 'b2');
    await check();
    await leave('bob', 'b1');
    await check();
    expect(told()).toHaveLength(1);
    expect(await announced()).toEqual({ userId: 'bob', online: true, sinceMs: NOW });
  });

  test('gives every change a later moment, whatever the clock says', async () => {
    await enter('bob', 'b1');
    await check();
    await leave('bob', 'b1');
    nowMs -= 5000;
    await check();
    expect(await announced()).toEqual({ userId: 'bob', online: false, sinceMs: NOW + 1 });
  });

  test('looks again after it has noted an absence', async () => {
    await enter('bob', 'b1');
    await check();
    await leave('bob', 'b1');
    const { announce } = presenceStates;
    presenceStates.announce = async (...values) => {
      await enter('bob', 'b2');
      return announce(...values);
    };
    await check();
    expect(await announced()).toEqual({ userId: 'bob', online: true, sinceMs: NOW + 2 });
  });

  test('that is a retry tells what it finds, because perhaps nobody was told', async () => {
    await watch(BOB);
    await enter('bob', 'b1');
    await presenceStates.announce(BOB, { userId: 'bob', online: true, sinceMs: 7 }, undefined);
    await check(BOB, true);
    expect(told()).toEqual([{ type: 'presence', users: [{ user: 'bob', online: true, sinceMs: 7 }] }]);
    await presence.check({ kind: 'presence', address: userAddress('eve'), userId: 'eve' }, true);
    expect(told()).toHaveLength(1);
  });

  test('cuts off a watcher that could not be told: its state would be wrong', async () => {
    await watch(BOB);
    await enter('bob', 'b1');
    outcome = 'failed';
    await check();
    expect(tasks).toContainEqual({ kind: 'close', connectionId: 'w1', callbackUrl: '' });
    expect(await directory.find(presenceAddress(BOB), { consistent: true })).toEqual([]);
  });

  test('leaves more than 200 watchers to others, each to one of them', async () => {
    for (let index = 0; index < 201; index += 1) await watch(BOB, `w${index}`);
    await enter('bob', 'b1');
    await check();
    expect(pushed).toEqual([]);
    const parts = tasks.filter((task) => task.kind === 'announce');
    const ids = await Promise.all(parts.map(({ topic, range }) => directory.find(topic, { consistent: true, range })));
    expect(ids.flat()).toHaveLength(201);
    expect(parts[0]?.frame).toEqual({ type: 'presence', users: [{ user: 'bob', online: true, sinceMs: NOW }] });
  });

  test('takes five calls if something is new, and two if not', async () => {
    const calls: string[] = [];
    const counted = <P extends object>(port: P): P =>
      new Proxy(port, {
        get: (target, name) => {
          calls.push(String(name));
          return Reflect.get(target, name);
        },
      });
    const never = () => Promise.reject(new Error('nobody watches'));
    const counting = createPresenceChecks({
      directory: counted(directory),
      presenceStates: counted(presenceStates),
      posting: { deliver: never, push: never, announce: async () => undefined, part: never, cutOff: never },
      tasks: { add: never },
      now: () => nowMs,
    });
    await enter('bob', 'b1');
    await counting.check({ kind: 'presence', address: BOB, userId: 'bob' }, false);
    expect(calls).toEqual(['read', 'find', 'announce', 'find', 'find']);
    calls.length = 0;
    await counting.check({ kind: 'presence', address: BOB, userId: 'bob' }, false);
    expect(calls).toEqual(['read', 'find']);
  });

  test('gives up, and runs again later, when others keep changing the state', async () => {
    await enter('bob', 'b1');
    presenceStates.announce = async () => false;
    await expect(check()).rejects.toThrow('faster than it can be announced');
  });
});

describe('a watched address', () => {
  const sweeps = () => tasks.filter((task) => task.kind === 'sweep');
  const sweep = async (address: Address = BOB) => {
    const task = sweeps().findLast((each) => each.address === address);
    if (!task) throw new Error('none is to come');
    nowMs = Math.max(nowMs, task.due);
    await presence.sweep(task);
  };

  test('is swept when somebody comes, and not when nobody watches', async () => {
    await enter('bob', 'b1');
    await check();
    expect(sweeps()).toEqual([]);
    await leave('bob', 'b1');
    await check();
    await watch(BOB);
    await enter('bob', 'b1');
    await check();
    expect(sweeps()).toEqual([{ kind: 'sweep', address: BOB, due: NOW }]);
  });

  test('is swept again when a present user would be gone, as long as somebody watches', async () => {
    await watch(BOB);
    await enter('bob', 'b1');
    await check();
    await sweep();
    expect(sweeps()[1]).toEqual({ kind: 'sweep', address: BOB, due: NOW + 661_000, delaySeconds: 661 });
    nowMs += 600_000;
    await directory.touch(BOB, 'b1', { expiresAt: NOW / 1000 + 1260 });
    await sweep();
    expect(sweeps()[2]).toMatchObject({ due: NOW + 1_261_000, delaySeconds: 600 });
    await directory.touch(BOB, 'b1', { expiresAt: NOW / 1000 + 9000 });
    await sweep();
    expect(sweeps()[3]).toMatchObject({ delaySeconds: 900 });
    await directory.unsubscribe('w1', [presenceAddress(BOB)]);
    await sweep();
    expect(sweeps()).toHaveLength(4);
    expect(await presenceStates.sweeps([BOB])).toEqual(new Map());
  });

  test('has users checked who are gone without a trace, but not before they could be back', async () => {
    await watch(LOBBY);
    await enter('bob', 'b1');
    await enter('eve', 'e1', NOW / 1000 + 9000);
    await check(LOBBY);
    await presence.check({ kind: 'presence', address: LOBBY, userId: 'eve' }, false);
    nowMs += 660_000;
    await sweep(LOBBY);
    expect(tasks).toContainEqual({ kind: 'presence', address: LOBBY, userId: 'bob', delaySeconds: 15 });
    expect(sweeps().at(-1)).toMatchObject({ delaySeconds: 30 });
    expect(told()).toHaveLength(2);
    await check(LOBBY);
    expect(told()[2]).toMatchObject({ room: 'lobby', users: [{ user: 'bob', online: false }] });
  });

  test('has one sweep due, however many run', async () => {
    await watch(BOB);
    await enter('bob', 'b1', NOW / 1000 + 9000);
    await check();
    const [first] = sweeps();
    if (!first) throw new Error('none is to come');
    await presence.sweep(first);
    await presence.sweep(first);
    await presence.sweep({ ...first, due: NOW + 1 });
    await check(BOB, true);
    expect(sweeps()).toHaveLength(2);
  });
});
