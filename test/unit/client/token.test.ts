import { expect, it } from 'vitest';
import { tokenUser } from '../../../client/connection/token.ts';
import { tokenExpiresAtMs } from '../../../client/connection/upkeep.ts';

const token = (payload: string) => `e30.${Buffer.from(payload).toString('base64url')}.signature`;

it('reads from a JWT when it expires', () => {
  expect(tokenExpiresAtMs(token('{"sub":"Grüße??>>","exp":1700000000}'))).toBe(1_700_000_000_000);
  // As early as the server has it.
  expect(tokenExpiresAtMs(token('{"sub":"bob","exp":1700000000.9}'))).toBe(1_700_000_000_000);
});

it.each([
  ['without an expiry', token('{"sub":"bob"}')],
  ['with one that is no number', token('{"exp":"soon"}')],
  ['whose payload is no JSON', token('nonsense')],
  ['whose payload is null', token('null')],
  ['that is no base64', 'a.%%%.c'],
  ['without parts', 'opaque'],
])('knows nothing of a token %s', (_, given) => {
  expect(tokenExpiresAtMs(given)).toBeUndefined();
});

it('reads from a JWT whose it is', () => {
  expect(tokenUser(token('{"sub":"bob"}'))).toBe('bob');
  expect(tokenUser(token('{"sub":"Grüße"}'))).not.toBe(tokenUser(token('{"sub":"Gruße"}')));
  for (const unknown of [token('{}'), token('{"sub":7}'), 'opaque']) expect(tokenUser(unknown)).toBeUndefined();
});
