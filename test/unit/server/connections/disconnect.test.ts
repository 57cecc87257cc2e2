import { beforeEach, expect, test } from 'vitest';
import { problem } from '../../../../protocol/index.ts';
import { presenceAddress, roomAddress, userAddress } from '../../../../server/address.ts';
import { createDisconnect } from '../../../../server/connections/disconnect.ts';
import type { PostOutcome } from '../../../../server/sending/posting.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

const NOW = 1_800_000_000_000;
const BOB = userAddress('bob');
const LOBBY = roomAddress('lobby');
const leaving = { connectionId: 'b1', userId: 'bob', callbackUrl: 'https://api.example/prod' };
const bye = { ...problem('disconnected'), reconnect: false };

let directory: ReturnType<typeof createMemoryDirectory>;
let posting: PostOutcome;
let closing: PostOutcome;
let happened: unknown[];
let disconnect: ReturnType<typeof createDisconnect>;

beforeEach(async () => {
  posting = closing = 'sent';
  happened = [];
  directory = createMemoryDirectory(() => NOW);
  const common = { ...leaving, capability: {}, attempt: 0, registeredAt: 0, tokenExpiresAt: NOW, expiresAt: NOW };
  for (const address of [BOB, LOBBY, presenceAddress(userAddress('eve'))]) await directory.put({ ...common, address });
  await directory.addSubscriptions(BOB, 'b1', { kind: 'rooms', addresses: [LOBBY] }, 50);
  await directory.addSubscriptions(BOB, 'b1', { kind: 'watches', addresses: [userAddress('eve')] }, 50);
  const poster = {
    post: async (_: unknown, frame: unknown) => {
      happened.push(frame, `${(await live()).length} live`);
      return posting;
    },
    close: async () => {
      happened.push('close');
      return closing;
    },
  };
  disconnect = createDisconnect({ directory, poster });
});

const live = async () =>
  (
    await Promise.all(
      [BOB, LOBBY, presenceAddress(userAddress('eve'))].map((topic) => directory.find(topic, { consistent: true })),
    )
  ).flat();

test('a connection gets no messages, then is told why, then is closed', async () => {
  await disconnect(leaving, bye);
  const { code, message } = problem('disconnected');
  expect(happened).toEqual([{ type: 'bye', code, message, reconnect: false }, '0 live', 'close']);
});

test('cannot come back on the same connection', async () => {
  await disconnect(leaving, bye);
  const again = { ...leaving, capability: {}, attempt: 9, registeredAt: 0, tokenExpiresAt: NOW, expiresAt: NOW };
  expect(await directory.put({ ...again, address: BOB })).toBe('removed');
});

test('is closed also if it could not be told', async () => {
  posting = 'failed';
  await disconnect(leaving, bye);
  expect(happened.at(-1)).toBe('close');
});

test('that could not be unsubscribed is unsubscribed by the next attempt, and forgotten with its rooms when it has closed', async () => {
  const { unsubscribe } = directory;
  directory.unsubscribe = () => Promise.reject(new Error('throttled'));
  await expect(disconnect(leaving, bye)).rejects.toThrow('throttled');
  directory.unsubscribe = unsubscribe;
  await disconnect(leaving, bye);
  expect(await live()).toEqual([]);
  expect(await directory.forget({ ...leaving, address: BOB })).toMatchObject({ rooms: [LOBBY] });
});

test('that could not be closed is a failure, so that it is tried again', async () => {
  closing = 'failed';
  await expect(disconnect(leaving, bye)).rejects.toThrow('could not be closed');
  closing = 'gone';
  await disconnect(leaving, bye);
});
