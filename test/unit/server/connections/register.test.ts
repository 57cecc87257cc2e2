import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_SIZE_LIMITS, INDEXED_TARIFF, problem } from '../../../../protocol/index.ts';
import { presenceAddress, roomAddress, userAddress } from '../../../../server/address.ts';
import type { Authentication } from '../../../../server/auth/authenticate.ts';
import { hashCapability } from '../../../../server/auth/capability.ts';
import { createRegister, type Register, type RegisterDependencies } from '../../../../server/connections/register.ts';
import type { Resume } from '../../../../server/connections/resume.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';

const NOW = 1_800_000_000_000;
const connection = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW / 1000 + 3600, capability: {} };
const resumption = { recovered: true, messages: [], more: false, cursor: serialFloor(NOW), serverTime: NOW };

let asked: Parameters<Resume>[];
let directory: ReturnType<typeof createMemoryDirectory>;
let tokens: Record<string, Authentication>;
let revokedUntil: number | undefined;
let tasks: Task[];
let surcharges: [userId: string, units: number][];
let dependencies: RegisterDependencies;
let register: Register;

const resume: Resume = async (...question) => {
  asked.push(question);
  const [{ connection: registering, address, expiresAt }, { attempt = 0 }] = question;
  const registration = { ...registering, address, expiresAt, attempt, registeredAt: 0, callbackUrl: 'https://api' };
  await directory.put(registration);
  return { ok: true, value: resumption };
};

beforeEach(() => {
  asked = [];
  tokens = {};
  tasks = [];
  surcharges = [];
  revokedUntil = undefined;
  directory = createMemoryDirectory(() => NOW);
  dependencies = {
    resume,
    admit: async () => ({ ok: true, value: connection }),
    directory,
    surcharge: async (userId, units) => {
      surcharges.push([userId, units]);
    },
    authenticate: async (token) => tokens[token] ?? { refused: 'malformed_token' },
    revocations: { revokedUntil: async () => revokedUntil },
    tasks: {
      add: async (added) => {
        tasks.push(...added);
      },
    },
    callbackUrl: 'https://api',
    expectedConnections: 0,
    rateLimit: { perSecond: 7, burst: 70 },
    sizeLimits: { ...DEFAULT_SIZE_LIMITS, maxRooms: 3 },
    tariff: INDEXED_TARIFF,
    now: () => NOW,
  };
  register = createRegister(dependencies);
});

test('registers the connection until its token expires or it is silent for 11 minutes', async () => {
  const frame = { cursor: serialFloor(NOW - 1000), attempt: 3 };
  const expiresAt = NOW / 1000 + 660;
  expect(await register(connection, frame)).toMatchObject({
    ok: true,
    value: { type: 'registered', userId: 'bob', connectionId: 'b1', ...resumption, expiresAt: expiresAt * 1000 },
  });
  await register({ ...connection, tokenExpiresAt: NOW / 1000 + 60 }, {});
  expect(asked).toMatchObject([
    [{ connection, address: userAddress('bob'), expiresAt }, frame],
    [{ address: userAddress('bob'), expiresAt: NOW / 1000 + 60 }, {}],
  ]);
});

test('a token that has expired while the connection lived on is refused', async () => {
  const expired = { ...connection, tokenExpiresAt: NOW / 1000 };
  expect(await register(expired, {})).toMatchObject({ problem: { code: 'token_expired' } });
  expect(asked).toEqual([]);
});

test('tells a fleet to spread its reconnects over one second for each 500, and at least 30', async () => {
  const told = async (expectedConnections: number) => {
    const result = await createRegister({ ...dependencies, expectedConnections })(connection, {});
    return result.ok && result.value.limits.maxBackoffSeconds;
  };
  expect([await told(0), await told(15_000), await told(15_001), await told(100_000)]).toEqual([30, 30, 31, 200]);
});

test('a further page is charged at the gate, which may refuse it, and registers nothing', async () => {
  const admitted: unknown[] = [];
  dependencies = {
    ...dependencies,
    admit: async (...question) => {
      admitted.push(question);
      return { ok: false, problem: problem('rate_limited') };
    },
  };
  const frame = { after: serialFloor(NOW) };
  expect(await createRegister(dependencies)(connection, frame)).toMatchObject({ problem: { code: 'rate_limited' } });
  expect(admitted).toEqual([[connection]]);
  expect(asked).toEqual([]);
});

test('tells how fast a connection may send', async () => {
  expect(await register(connection, {})).toMatchObject({
    value: { limits: { ratePerSecond: 7, rateBurst: 70, tariff: INDEXED_TARIFF, maxRooms: 3, maxWatches: 200 } },
  });
});

describe('a newer token', () => {
  const LOBBY = roomAddress('lobby');
  const ATTIC = roomAddress('attic');
  const EVE = userAddress('eve');
  const newer = { userId: 'bob', tokenExpiresAt: NOW / 1000 + 7200, capability: { 'room:lobby': ['join'] } } as const;

  const subscribe = async (tokenExpiresAt = connection.tokenExpiresAt) => {
    await register(connection, {});
    const common = { ...connection, tokenExpiresAt, callbackUrl: '', attempt: 0, registeredAt: 0, expiresAt: NOW };
    for (const address of [LOBBY, ATTIC, presenceAddress(EVE)]) await directory.put({ ...common, address });
    const changes = { rooms: [LOBBY, ATTIC], watches: [EVE] } as const;
    for (const kind of ['rooms', 'watches'] as const) {
      await directory.addSubscriptions(userAddress('bob'), 'b1', { kind, addresses: changes[kind] }, 50);
    }
  };
  const noted = () => directory.subscriptions(userAddress('bob'), 'b1');

  test('holds from now on, for the user’s mapping and for the rooms that it allows; the others are left', async () => {
    tokens['newer'] = newer;
    await subscribe();
    expect(await register(connection, { token: 'newer', attempt: 1 })).toMatchObject({
      value: { type: 'registered', rooms: ['lobby'] },
    });
    expect(asked.at(-1)?.[0].connection).toEqual({ connectionId: 'b1', ...newer });
    expect(await directory.find(LOBBY, { consistent: true })).toMatchObject([{ expiresAt: newer.tokenExpiresAt }]);
    expect(await directory.find(ATTIC, { consistent: true })).toEqual([]);
    expect(await directory.find(presenceAddress(EVE), { consistent: true })).toEqual([]);
    expect(await noted()).toEqual({ rooms: [LOBBY], watches: [] });
    expect(tasks).toEqual([{ kind: 'presence', address: ATTIC, userId: 'bob' }]);
  });

  test('is charged one unit more for each ten of those', async () => {
    tokens['newer'] = newer;
    await subscribe();
    const addresses = Array.from({ length: 30 }, (_, index) => userAddress(`user-${index}`));
    tokens['watching'] = { ...newer, capability: { 'user:*': ['presence'] } };
    await directory.addSubscriptions(userAddress('bob'), 'b1', { kind: 'watches', addresses }, 50);
    await register(connection, { token: 'newer', attempt: 1 });
    await directory.addSubscriptions(userAddress('bob'), 'b1', { kind: 'watches', addresses }, 50);
    await register(connection, { token: 'watching', attempt: 2 });
    expect(surcharges).toEqual([
      ['bob', 0],
      ['bob', 3],
    ]);
  });

  test('does not revive a room whose messages were missed while the older one had expired', async () => {
    tokens['newer'] = { ...newer, capability: { 'room:*': ['join'] } };
    await subscribe(NOW / 1000);
    expect(await register(connection, { token: 'newer', attempt: 1 })).toMatchObject({ value: { rooms: [] } });
    expect(await noted()).toMatchObject({ rooms: [] });
  });

  test('keeps its capability before the mapping refers to it, unless the connection was opened with the same', async () => {
    tokens['newer'] = newer;
    tokens['longer'] = { ...newer, capability: connection.capability };
    const { put } = directory;
    directory.put = async (registration) => {
      const hash = hashCapability(registration.capability);
      expect(await directory.capability(userAddress('bob'), 'b1', hash)).toEqual(newer.capability);
      return put(registration);
    };
    expect(await register(connection, { token: 'newer', attempt: 1 })).toMatchObject({ ok: true });
    directory.put = put;
    directory.subscriptionItems.clear();
    expect(await register(connection, { token: 'longer', attempt: 2 })).toMatchObject({ ok: true });
    expect(directory.subscriptionItems.size).toBe(0);
    expect.assertions(4);
  });

  test('keeps a connection alive whose first token has expired', async () => {
    tokens['newer'] = newer;
    const expired = { ...connection, tokenExpiresAt: NOW / 1000 - 1 };
    expect(await register(expired, { token: 'newer' })).toMatchObject({ value: { type: 'registered' } });
  });

  test('is refused if it is invalid or another user’s, and changes nothing', async () => {
    tokens['eve’s'] = { ...newer, userId: 'eve' };
    for (const token of ['eve’s', 'garbage']) {
      expect(await register(connection, { token })).toMatchObject({ problem: { code: 'invalid_token' } });
    }
    expect(asked).toEqual([]);
  });
});

test('is removed again, and closed with a reason, if it was revoked meanwhile', async () => {
  revokedUntil = NOW / 1000;
  expect(await register({ ...connection, tokenIssuedAt: NOW / 1000 }, {})).toMatchObject({
    problem: { code: 'revoked' },
  });
  expect(await directory.find(userAddress('bob'), { consistent: true })).toEqual([]);
  expect(tasks).toMatchObject([
    {
      kind: 'disconnect',
      connectionId: 'b1',
      userId: 'bob',
      bye: { code: 'revoked', reconnect: true, retryAfterMs: 6000 },
    },
  ]);
  const later = { ...connection, connectionId: 'b2', tokenIssuedAt: NOW / 1000 + 6 };
  expect(await register(later, {})).toMatchObject({ ok: true });
});
