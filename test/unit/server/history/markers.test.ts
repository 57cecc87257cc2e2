import { beforeEach, describe, expect, test } from 'vitest';
import type { Mark, Push } from '../../../../protocol/index.ts';
import { roomAddress, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createPermit } from '../../../../server/gate/gate.ts';
import { createMark } from '../../../../server/history/markers.ts';
import { createPosting, type PostOutcome } from '../../../../server/sending/posting.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemoryDirectory } from '../../../../testing/memory/directory.ts';
import { createMemoryInboxes } from '../../../../testing/memory/inboxes.ts';
import { createMemoryMarkers } from '../../../../testing/memory/markers.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';

const NOW = 1_800_000_000_000;
const at = (ms: number) => serialFloor(NOW - 1000 + ms);
const ALICE = { user: 'alice' };
const bobs = { userId: 'bob', peer: userAddress('alice') };

let directory: ReturnType<typeof createMemoryDirectory>;
let markers: ReturnType<typeof createMemoryMarkers>;
let inboxes: ReturnType<typeof createMemoryInboxes>;
let log: ReturnType<typeof createMemoryMessageLog>;
let capability: Capability;
let outcome: PostOutcome;
let tasks: Task[];
let pushed: { connectionId: string; frame: Push }[];

beforeEach(async () => {
  directory = createMemoryDirectory(() => NOW);
  markers = createMemoryMarkers();
  inboxes = createMemoryInboxes(() => NOW, 3600);
  log = createMemoryMessageLog(() => NOW);
  for (const ms of [1, 2, 3]) await write('alice', 'bob', at(ms));
  capability = { 'user:*': ['history'], 'room:lobby': ['history'] };
  outcome = 'sent';
  pushed = [];
  tasks = [];
  for (const connectionId of ['a1', 'a2']) {
    await directory.put({
      address: userAddress('alice'),
      userId: 'alice',
      connectionId,
      callbackUrl: 'https://api.example/prod',
      attempt: 0,
      registeredAt: 0,
      expiresAt: NOW,
      tokenExpiresAt: NOW,
      capability: {},
    });
  }
});

/** Puts a message into a log. */
function write(user: string, to: string, serial: string, expiresAt = NOW): Promise<void> {
  const message = { id: serial, serial, from: { user }, to: { user: to }, data: 0, sentAt: NOW };
  return log.append(userAddress(to), message, expiresAt);
}

function mark(userId: string, ...marks: Mark[]) {
  const claims = { tokenExpiresAt: NOW, capability };
  const poster = {
    async post({ connectionId }: { connectionId: string }, frame: Push) {
      pushed.push({ connectionId, frame });
      return outcome;
    },
    close: async () => outcome,
  };
  const add = async (added: readonly Task[]) => {
    tasks.push(...added);
  };
  const posting = createPosting({ poster, directory, tasks: { add } });
  const permit = createPermit(async () => ({ ok: true, value: claims }));
  const markAll = createMark({ permit, markers, log, inboxes, directory, posting, now: () => NOW });
  return markAll({ connectionId: 'b1', userId, ...claims }, { marks });
}

test('moves the markers, and sends a receipt to every device of the messages’ author', async () => {
  expect(await mark('bob', { conversation: ALICE, received: at(2) })).toEqual({ ok: true, value: { type: 'marked' } });
  expect(await mark('bob', { conversation: ALICE, read: at(1) })).toMatchObject({ ok: true });
  expect(await markers.read([bobs])).toEqual([{ received: at(2), read: at(1) }]);
  const first = { type: 'receipt', from: { user: 'bob' }, received: at(2) };
  const second = { ...first, read: at(1) };
  expect(pushed).toEqual([
    { connectionId: 'a1', frame: first },
    { connectionId: 'a2', frame: first },
    { connectionId: 'a1', frame: second },
    { connectionId: 'a2', frame: second },
  ]);
});

describe('the user’s other connections', () => {
  const register = (userId: string, connectionId: string) =>
    directory.put({
      address: userAddress(userId),
      userId,
      connectionId,
      callbackUrl: 'https://api.example/prod',
      attempt: 0,
      registeredAt: 0,
      expiresAt: NOW,
      tokenExpiresAt: NOW,
      // They need no capability.
      capability: {},
    });
  const markersPushed = () => pushed.filter(({ frame }) => frame.type === 'marker');

  beforeEach(async () => {
    for (const connectionId of ['b1', 'b2', 'b3']) await register('bob', connectionId);
    await register('eve', 'e1');
  });

  test.each<Mark['conversation']>([ALICE, { user: 'bob' }, { room: 'lobby' }, { service: 'billing' }])(
    'get a push for what was read in %j, and the one that marks gets none',
    async (conversation) => {
      capability = { 'user:*': ['history'], 'room:*': ['history'], 'service:*': ['history'] };
      await mark('bob', { conversation, received: at(2), read: at(1) });
      const frame = { type: 'marker', conversation, received: at(2), read: at(1) };
      expect(markersPushed()).toEqual([
        { connectionId: 'b2', frame },
        { connectionId: 'b3', frame },
      ]);
    },
  );

  test('get none if the read marker has not moved', async () => {
    await mark('bob', { conversation: ALICE, received: at(2) });
    expect(markersPushed()).toEqual([]);
    await mark('bob', { conversation: ALICE, read: at(2) });
    pushed = [];
    await mark('bob', { conversation: ALICE, read: at(2) });
    await mark('bob', { conversation: ALICE, read: at(1) });
    expect(pushed).toEqual([]);
  });

  test('are looked for once, however many conversations a frame marks', async () => {
    const finds: string[] = [];
    const { find } = directory;
    directory.find = (address, options) => {
      finds.push(address);
      return find(address, options);
    };
    const peers = ['lobby', 'board', 'attic'];
    capability = { 'room:*': ['history'] };
    await mark('bob', ...peers.map((room) => ({ conversation: { room }, read: at(1) })));
    expect(markersPushed()).toHaveLength(6);
    expect(finds).toEqual([userAddress('bob')]);
  });

  test('stay as they are if the push does not arrive, and are forgotten if they are gone', async () => {
    outcome = 'failed';
    expect(await mark('bob', { conversation: { room: 'lobby' }, read: at(1) })).toMatchObject({ ok: true });
    expect(await directory.find(userAddress('bob'), { consistent: true })).toHaveLength(3);
    outcome = 'gone';
    expect(await mark('bob', { conversation: { room: 'lobby' }, read: at(2) })).toMatchObject({ ok: true });
    expect(await directory.find(userAddress('bob'), { consistent: true })).toMatchObject([{ connectionId: 'b1' }]);
  });
});

test('both markers of one mark make one receipt', async () => {
  await mark('bob', { conversation: ALICE, received: at(2), read: at(1) });
  expect(pushed.map(({ frame }) => frame)).toMatchObject([
    { received: at(2), read: at(1) },
    { received: at(2), read: at(1) },
  ]);
});

test('moves nothing back, and then sends no receipt', async () => {
  await mark('bob', { conversation: ALICE, read: at(2) });
  pushed = [];
  expect(await mark('bob', { conversation: ALICE, read: at(1) })).toMatchObject({ ok: true });
  expect(await mark('bob', { conversation: ALICE, read: at(2) })).toMatchObject({ ok: true });
  expect(await markers.read([bobs])).toEqual([{ read: at(2) }]);
  expect(pushed).toEqual([]);
});

test('marks many conversations with one frame, and sends no receipts for rooms and for oneself', async () => {
  await mark(
    'bob',
    { conversation: { room: 'lobby' }, read: at(1) },
    { conversation: { user: 'bob' }, read: at(2) },
    { conversation: ALICE, read: at(3) },
  );
  const peers = [roomAddress('lobby'), userAddress('bob'), userAddress('alice')];
  expect(await markers.read(peers.map((peer) => ({ userId: 'bob', peer })))).toEqual([
    { read: at(1) },
    { read: at(2) },
    { read: at(3) },
  ]);
  expect(pushed.map(({ connectionId }) => connectionId)).toEqual(['a1', 'a2']);
});

describe('a user who has not written gets no receipt', () => {
  test.each<[string, string, Mark]>([
    ['a serial at which there is nothing', 'bob', { conversation: ALICE, received: at(7), read: at(8) }],
    ['that of a message from somebody else', 'bob', { conversation: ALICE, read: at(4) }],
    ['that of one’s own message', 'bob', { conversation: ALICE, read: at(5) }],
    ['that of a message to somebody else', 'eve', { conversation: ALICE, read: at(2) }],
    ['that of a message that is no longer kept', 'bob', { conversation: ALICE, read: at(6) }],
  ])('by %s', async (_, userId, wrong) => {
    await write('carol', 'bob', at(4));
    await write('bob', 'alice', at(5));
    await write('alice', 'bob', at(6), NOW / 1000);
    expect(await mark(userId, wrong)).toMatchObject({ ok: true });
    expect(pushed).toEqual([]);
    // It counts as read all the same: nothing of it is anybody else’s business.
    const { conversation: __, ...moved } = wrong;
    expect(await markers.read([{ userId, peer: userAddress('alice') }])).toEqual([moved]);
  });

  test('one of two serials is enough', async () => {
    await mark('bob', { conversation: ALICE, received: at(9), read: at(1) });
    expect(pushed).toHaveLength(2);
  });
});

test('a user who has blocked the reader gets no receipt', async () => {
  await inboxes.block({ recipient: 'alice', sender: 'bob' });
  expect(await mark('bob', { conversation: ALICE, read: at(1) })).toMatchObject({ ok: true });
  expect(pushed).toEqual([]);
  await inboxes.unblock({ recipient: 'alice', sender: 'bob' });
  await mark('bob', { conversation: ALICE, read: at(2) });
  expect(pushed).toHaveLength(2);
});

describe('a receipt that does not arrive', () => {
  test('is lost, and leaves the connection as it is', async () => {
    outcome = 'failed';
    expect(await mark('bob', { conversation: ALICE, read: at(1) })).toMatchObject({ ok: true });
    expect(await directory.find(userAddress('alice'), { consistent: true })).toHaveLength(2);
  });

  test('forgets the connection if it is gone', async () => {
    outcome = 'gone';
    await mark('bob', { conversation: ALICE, read: at(1) });
    expect(await directory.find(userAddress('alice'), { consistent: true })).toEqual([]);
    const checks = { kind: 'presence', address: userAddress('alice'), userId: 'alice', delaySeconds: 15 };
    expect(tasks.filter(({ kind }) => kind === 'presence')).toEqual([checks, checks]);
    expect(tasks.filter(({ kind }) => kind === 'close')).toHaveLength(2);
  });
});

describe('refused as a whole, so that nothing has been marked', () => {
  const fine: Mark = { conversation: ALICE, read: at(1) };

  test.each<[string, Mark, object]>([
    [
      'where it says nothing',
      { conversation: ALICE },
      { code: 'invalid_frame', message: '"marks.1" must have "received" or "read"' },
    ],
    [
      'from the future',
      { conversation: ALICE, read: serialFloor(NOW + 600_000) },
      { code: 'invalid_cursor', message: '"marks.1" is in the future: send the serial of a message' },
    ],
    ['in a room that may not be read', { conversation: { room: 'board' }, read: at(1) }, { code: 'forbidden' }],
  ])('%s', async (_, wrong, problem) => {
    expect(await mark('bob', fine, wrong)).toMatchObject({ ok: false, problem });
    expect(await markers.read([bobs])).toEqual([{}]);
    expect(pushed).toEqual([]);
  });
});

test('the marker towards a service is kept, and nobody gets a receipt', async () => {
  capability = { 'service:*': ['history'] };
  expect(await mark('bob', { conversation: { service: 'alice' }, received: at(2) })).toMatchObject({ ok: true });
  expect(await markers.read([{ userId: 'bob', peer: 'service#alice' }, bobs])).toEqual([{ received: at(2) }, {}]);
  expect(pushed).toEqual([]);
});
