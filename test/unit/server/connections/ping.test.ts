import { beforeEach, expect, test } from 'vitest';
import { type Problem, problem } from '../../../../protocol/index.ts';
import { userAddress } from '../../../../server/address.ts';
import type { AddressStates } from '../../../../server/connections/address-state.ts';
import { createPing, type Ping } from '../../../../server/connections/ping.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createMemoryAddressStates } from '../../../../testing/memory/address-states.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';

const NOW = 1_800_000_000_000;
const CLAIMS = { tokenExpiresAt: NOW / 1000 + 3600, capability: {} };
const connection = { connectionId: 'b1', userId: 'bob', ...CLAIMS };
const at = (secondsAgo: number) => serialFloor(NOW - secondsAgo * 1000);

let log: ReturnType<typeof createMemoryMessageLog>;
let states: AddressStates;
let refusal: Problem | undefined;
let ping: Ping;

beforeEach(() => {
  refusal = undefined;
  log = createMemoryMessageLog(() => NOW);
  states = createMemoryAddressStates(() => NOW);
  ping = createPing({
    admit: async () => (refusal ? { ok: false, problem: refusal } : { ok: true, value: CLAIMS }),
    log,
    states,
    now: () => NOW,
  });
});

test('without a cursor keeps the connection alive, and does not read the log', async () => {
  log.read = () => Promise.reject(new Error('read'));
  expect(await ping(connection, {})).toEqual({
    ok: true,
    value: { type: 'pong', serverTime: NOW, messages: [], more: false },
  });
});

test('with a cursor acknowledges it, and returns the messages since, with an overlap', async () => {
  for (const seconds of [900, 700, 500]) {
    const message = {
      id: `${seconds}`,
      serial: at(seconds),
      from: { user: 'a' },
      to: { user: 'bob' },
      data: 0,
      sentAt: 0,
    };
    await log.append(userAddress('bob'), message, NOW / 1000 + 60);
  }
  const pong = await ping(connection, { cursor: at(600) });
  expect(pong).toMatchObject({ ok: true, value: { messages: [{ id: '700' }, { id: '500' }], more: false } });
  expect(await states.read(userAddress('bob'))).toEqual({ cursor: at(600) });
});

test('acknowledges nothing for a connection that is not registered, or with a cursor from the future', async () => {
  expect(await ping(connection, { cursor: at(-500) })).toMatchObject({ problem: { code: 'invalid_cursor' } });
  refusal = problem('not_registered');
  expect(await ping(connection, { cursor: at(10) })).toMatchObject({ problem: { code: 'not_registered' } });
  expect(await states.read(userAddress('bob'))).toEqual({});
});

test('keeps what was shown, only with a cursor, and only for a connection that is registered', async () => {
  const shown = [{ from: { user: 'alice' }, ids: ['1'] }];
  expect(await ping(connection, { shown })).toMatchObject({ problem: { code: 'invalid_frame' } });
  refusal = problem('not_registered');
  expect(await ping(connection, { cursor: at(10), shown })).toMatchObject({ problem: { code: 'not_registered' } });
  expect(await states.readShown(userAddress('bob'))).toEqual([]);
  refusal = undefined;
  expect(await ping(connection, { cursor: at(10), shown })).toMatchObject({ ok: true });
  expect(await ping(connection, { cursor: at(5) })).toMatchObject({ ok: true });
  expect(await states.readShown(userAddress('bob'))).toEqual(shown);
});
