import { beforeEach, expect, test } from 'vitest';
import { userAddress } from '../../../server/address.ts';
import { createRegister, type Register } from '../../../server/register.ts';
import type { Resume } from '../../../server/resume.ts';
import { serialFloor } from '../../../server/serial.ts';

const NOW = 1_800_000_000_000;
const connection = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW / 1000 + 3600, capability: {} };
const resumption = { recovered: true, messages: [], more: false, cursor: serialFloor(NOW), serverTime: NOW };

let asked: Parameters<Resume>[];
let register: Register;

const resume: Resume = async (...question) => {
  asked.push(question);
  return { ok: true, value: resumption };
};

beforeEach(() => {
  asked = [];
  register = createRegister({ resume, expectedConnections: 0, now: () => NOW });
});

test('makes the connection one of its user’s, until the token expires or it is silent for 11 minutes', async () => {
  const frame = { since: serialFloor(NOW - 1000), attempt: 3 };
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

test('a fleet is told to spread its attempts to come back over one second for each 500, and at least 30', async () => {
  const told = async (expectedConnections: number) => {
    const result = await createRegister({ resume, expectedConnections, now: () => NOW })(connection, {});
    return result.ok && result.value.limits.maxBackoffSeconds;
  };
  expect([await told(0), await told(15_000), await told(15_001), await told(100_000)]).toEqual([30, 30, 31, 200]);
});
