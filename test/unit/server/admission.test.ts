import { beforeEach, describe, expect, test } from 'vitest';
import { roomAddress, userAddress } from '../../../server/address.ts';
import { createAdmit, createPermit, type Permit } from '../../../server/admission.ts';
import type { Capability } from '../../../server/capability.ts';
import { createMemoryDirectory } from '../../support/memory-directory.ts';

const NOW = 1_800_000_000_000;
const LOBBY = roomAddress('lobby');
const ATTIC = roomAddress('attic');

let directory: ReturnType<typeof createMemoryDirectory>;
let touches: number;
let permit: Permit;

beforeEach(() => {
  directory = createMemoryDirectory(() => NOW);
  touches = 0;
  const { touch } = directory;
  directory.touch = (...values) => {
    touches += 1;
    return touch(...values);
  };
  permit = createPermit(createAdmit({ directory, now: () => NOW }));
});

/** A connection that was opened with one capability, and registered since with another. */
async function connection(opened: Capability, registered: Capability = opened) {
  const bob = { connectionId: 'b1', userId: 'bob', tokenExpiresAt: NOW, capability: registered };
  const address = userAddress('bob');
  await directory.put({ ...bob, address, callbackUrl: '', expiresAt: NOW, attempt: 0, registeredAt: 0 });
  return { ...bob, capability: opened };
}

const rooms = async () =>
  (await directory.forget({ address: userAddress('bob'), connectionId: 'b1', userId: 'bob' })).rooms;

const ALL: Capability = { 'room:*': ['join', 'history'] };
const NONE: Capability = { 'room:*': ['send'] };
const FORBIDDEN = { ok: false, problem: { code: 'forbidden' } };

test('what is allowed at every address goes on, with the claims that hold now, and one write', async () => {
  expect(await permit(await connection(ALL), 'history', [LOBBY, ATTIC])).toEqual({
    ok: true,
    value: { tokenExpiresAt: NOW, capability: ALL },
  });
  expect(touches).toBe(1);
});

test('what is forbidden at one of the addresses is refused, and says where', async () => {
  const some = await connection({ 'room:lobby': ['history'] });
  expect(await permit(some, 'history', [LOBBY, ATTIC])).toMatchObject({
    problem: { code: 'forbidden', message: 'the token\'s capability does not allow "history" at "room:attic"' },
  });
});

test('whoever is not registered is told so, whatever they may do', async () => {
  const nobody = { connectionId: 'x', userId: 'eve', tokenExpiresAt: NOW, capability: NONE };
  expect(await permit(nobody, 'join', [LOBBY], 'rooms')).toMatchObject({ problem: { code: 'not_registered' } });
  expect(await permit(nobody, 'history', [LOBBY])).toMatchObject({ problem: { code: 'not_registered' } });
});

describe('a subscription', () => {
  test('is noted with the gate’s one write', async () => {
    expect(await permit(await connection(ALL), 'join', [LOBBY], 'rooms')).toMatchObject({ ok: true });
    expect(touches).toBe(1);
    expect(await rooms()).toEqual([LOBBY]);
  });

  test('that is not allowed is never noted', async () => {
    const bob = await connection(NONE);
    const { touch } = directory;
    directory.touch = (address, connectionId, expiresAt, change) => {
      expect(change).toBeUndefined();
      return touch(address, connectionId, expiresAt);
    };
    expect(await permit(bob, 'join', [LOBBY], 'rooms')).toMatchObject(FORBIDDEN);
  });

  test('follows what the newest token says, to the better and to the worse', async () => {
    expect(await permit(await connection(NONE, ALL), 'join', [LOBBY], 'rooms')).toMatchObject({ ok: true });
    expect(await rooms()).toEqual([LOBBY]);
    expect(await permit(await connection(ALL, NONE), 'join', [LOBBY], 'rooms')).toMatchObject(FORBIDDEN);
    expect(await rooms()).toEqual([]);
  });

  test('too many are refused, and the others stay', async () => {
    const bob = await connection(ALL);
    const fifty = Array.from({ length: 50 }, (_, index) => roomAddress(`r${index}`));
    await permit(bob, 'join', fifty, 'rooms');
    expect(await permit(bob, 'join', [LOBBY], 'rooms')).toMatchObject({ problem: { code: 'too_many_rooms' } });
    expect(await rooms()).toEqual(fifty);
  });
});
