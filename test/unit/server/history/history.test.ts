import { beforeEach, describe, expect, test } from 'vitest';
import { type HistoryFrame, jsonByteLength, MAX_PUSH_BYTES, type Message } from '../../../../protocol/index.ts';
import { type Pair, pairOf, peerAddress, roomAddress, transcriptOf, userAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createPermit } from '../../../../server/gate/gate.ts';
import { createHistory } from '../../../../server/history/history.ts';
import type { Transcripts } from '../../../../server/history/transcripts.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createMemoryMarkers } from '../../../../testing/memory/markers.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemoryTranscripts } from '../../../../testing/memory/transcripts.ts';

const NOW = 1_800_000_000_000;
const LATER = NOW / 1000 + 3600;
const at = (ms: number) => serialFloor(NOW - 3_600_000 + ms);
const WITH_BOB = { user: 'bob' };

let log: ReturnType<typeof createMemoryMessageLog>;
let transcripts: Transcripts;
let markers: ReturnType<typeof createMemoryMarkers>;
let capability: Capability;
let finds: number;

beforeEach(() => {
  log = createMemoryMessageLog(() => NOW);
  const memory = createMemoryTranscripts(log, () => NOW);
  finds = 0;
  transcripts = {
    ...memory,
    find: (...args) => {
      finds += 1;
      return memory.find(...args);
    },
  };
  markers = createMemoryMarkers();
  capability = { 'user:*': ['history'], 'room:lobby': ['history'] };
});

function ask(userId: string, frame: Pick<HistoryFrame, 'conversation' | 'before' | 'after' | 'limit'>) {
  const claims = { tokenExpiresAt: LATER, capability };
  const history = createHistory({
    permit: createPermit(async () => ({ ok: true, value: claims })),
    transcripts,
    markers,
  });
  return history({ connectionId: 'c1', userId, ...claims }, frame);
}

async function page(userId: string, frame: Parameters<typeof ask>[1]) {
  const reply = await ask(userId, frame);
  if (!reply.ok) throw new Error(reply.problem.code);
  return { ids: reply.value.messages.map(({ id }) => id), next: reply.value.next, reply: reply.value };
}

function say(
  from: string,
  to: string,
  ms: number,
  { id = `m${ms}`, data = 0 as Message['data'], retried = false } = {},
) {
  const message = { id, serial: at(ms), from: { user: from }, to: { user: to }, data, sentAt: ms };
  return log.append(userAddress(to), message, LATER, {
    pair: pairOf(from, to),
    ...(retried && { retried: true }),
  });
}

describe('with a user', () => {
  test('is both directions merged, the newest page first, in the order of the serials', async () => {
    await say('alice', 'bob', 1);
    await say('bob', 'alice', 2);
    await say('alice', 'bob', 3);
    await say('eve', 'alice', 4);
    for (const [me, peer] of [
      ['alice', 'bob'],
      ['bob', 'alice'],
    ] as const) {
      const newest = await page(me, { conversation: { user: peer }, limit: 2 });
      expect(newest).toMatchObject({ ids: ['m2', 'm3'], next: at(2) });
      const older = await page(me, { conversation: { user: peer }, limit: 2, before: at(2) });
      expect(older).toMatchObject({ ids: ['m1'], next: undefined });
    }
  });

  test('goes on above a serial, too', async () => {
    for (const ms of [1, 2, 3]) await say('alice', 'bob', ms);
    const first = await page('bob', { conversation: { user: 'alice' }, after: at(0), limit: 2 });
    expect(first).toMatchObject({ ids: ['m1', 'm2'], next: at(2) });
    expect(await page('bob', { conversation: { user: 'alice' }, after: at(2), limit: 2 })).toMatchObject({
      ids: ['m3'],
      next: undefined,
    });
  });

  test('returns the markers of both sides', async () => {
    const bobs = { userId: 'bob', peer: userAddress('alice') };
    expect((await page('alice', { conversation: WITH_BOB })).reply).toEqual({
      type: 'history',
      conversation: WITH_BOB,
      messages: [],
      peer: {},
    });
    await markers.move({ userId: 'alice', peer: userAddress('bob') }, 'read', at(1));
    await markers.move(bobs, 'received', at(3));
    await markers.move(bobs, 'read', at(2));
    expect((await page('alice', { conversation: WITH_BOB })).reply).toMatchObject({
      read: at(1),
      peer: { received: at(3), read: at(2) },
    });
  });
});

test('of a room is its log, with the user’s own marker only', async () => {
  const message = { id: 'm1', serial: at(1), from: { user: 'eve' }, to: { room: 'lobby' }, data: 0, sentAt: 1 };
  await log.append(roomAddress('lobby'), message, LATER);
  await markers.move({ userId: 'alice', peer: roomAddress('lobby') }, 'read', at(1));
  expect((await page('alice', { conversation: { room: 'lobby' } })).reply).toEqual({
    type: 'history',
    conversation: { room: 'lobby' },
    messages: [message],
    read: at(1),
  });
});

describe('a page', () => {
  test('has 50 messages by default, and 100 at most', async () => {
    for (let ms = 1; ms <= 120; ms += 1) await say('alice', 'bob', ms);
    const sizes = [];
    for (const more of [{}, { limit: 100 }]) {
      sizes.push((await page('alice', { conversation: WITH_BOB, ...more })).ids.length);
    }
    expect(sizes).toEqual([50, 100]);
  });

  test('fits into one frame, and the next one goes on where it ended', async () => {
    for (let ms = 1; ms <= 10; ms += 1) await say('alice', 'bob', ms, { data: 'x'.repeat(32 * 1024 - 2) });
    const newest = await page('alice', { conversation: WITH_BOB });
    expect(newest.ids).toEqual(['m8', 'm9', 'm10']);
    expect(jsonByteLength(newest.reply)).toBeLessThan(MAX_PUSH_BYTES);
    expect((await page('alice', { conversation: WITH_BOB, before: newest.next ?? '' })).ids).toEqual([
      'm5',
      'm6',
      'm7',
    ]);
  });

  test('without retries looks for no first attempts', async () => {
    await say('alice', 'bob', 1);
    await page('alice', { conversation: WITH_BOB });
    expect(finds).toBe(0);
  });
});

describe('a message that was sent again and is in the log twice', () => {
  /** Everything, page by page. */
  async function all(direction: 'before' | 'after', limit: number): Promise<string[]> {
    const seen: string[] = [];
    let from: string | undefined = direction === 'after' ? at(0) : at(1_000_000);
    while (from !== undefined) {
      const { reply, next } = await page('alice', { conversation: WITH_BOB, [direction]: from, limit });
      seen.push(...reply.messages.map(({ serial }) => serial));
      from = next;
    }
    return seen.toSorted();
  }

  test.each([1, 2, 3, 10])('appears where it was first, also when pages of %i separate the two', async (limit) => {
    await say('alice', 'bob', 10, { id: 'twice' });
    await say('bob', 'alice', 20);
    await say('alice', 'bob', 30, { id: 'twice', retried: true });
    await say('alice', 'bob', 40, { id: 'twice', retried: true });
    await say('alice', 'bob', 50);
    for (const direction of ['before', 'after'] as const)
      expect(await all(direction, limit)).toEqual([at(10), at(20), at(50)]);
  });

  test('appears if it is there only once, and so do two of the same id by two senders', async () => {
    await say('alice', 'bob', 10, { id: 'same', retried: true });
    await say('bob', 'alice', 20, { id: 'same', retried: true });
    expect(await all('before', 10)).toEqual([at(10), at(20)]);
  });

  test('a conversation of nothing but retries is read in bounded steps', async () => {
    for (let ms = 1; ms <= 40; ms += 1) await say('alice', 'bob', ms, { id: 'spam', retried: ms > 1 });
    const first = await page('alice', { conversation: WITH_BOB, limit: 1 });
    expect(first).toMatchObject({ ids: [], next: at(21) });
    expect(await all('before', 1)).toEqual([at(1)]);
  });
});

describe('is refused', () => {
  test('where the capability does not allow it', async () => {
    capability = { 'user:*': ['send'], 'room:*': ['join', 'send', 'presence'] };
    for (const conversation of [WITH_BOB, { room: 'lobby' }]) {
      expect(await ask('alice', { conversation })).toMatchObject({ ok: false, problem: { code: 'forbidden' } });
    }
  });

  test('with both ends', async () => {
    expect(await ask('alice', { conversation: WITH_BOB, before: at(2), after: at(1) })).toMatchObject({
      problem: { code: 'invalid_frame', message: '"before" and "after" exclude each other: send one of them' },
    });
  });
});

test('a cursor of another log is a position like any other', async () => {
  await say('alice', 'bob', 1);
  await say('eve', 'alice', 2);
  expect((await page('alice', { conversation: WITH_BOB, before: at(2) })).ids).toEqual(['m1']);
  expect((await page('alice', { conversation: WITH_BOB, after: at(2) })).ids).toEqual([]);
});

test('a service is a correspondent, who is not the user of the same name', async () => {
  capability = { 'user:*': ['history'], 'service:*': ['history'] };
  await say('billing', 'alice', 1);
  const bill: Message = {
    id: 'bill',
    serial: at(2),
    from: { service: 'billing' },
    to: { user: 'alice' },
    data: 0,
    sentAt: 2,
  };
  const pair = transcriptOf('alice', { service: 'billing' }) as Pair;
  await log.append(userAddress('alice'), bill, LATER, { pair });
  await markers.move({ userId: 'alice', peer: peerAddress({ service: 'billing' }) }, 'read', at(2));
  const { ids, reply } = await page('alice', { conversation: { service: 'billing' } });
  expect(ids).toEqual(['bill']);
  expect(reply).toMatchObject({ conversation: { service: 'billing' }, read: at(2) });
  expect(reply).not.toHaveProperty('peer');
  expect((await page('alice', { conversation: { user: 'billing' } })).ids).toEqual(['m1']);
  // Neither another user nor a user whose id is written like a service's pair reads it.
  for (const userId of ['bob', 'billing', '{"service":"billing"}', 'service#billing']) {
    expect((await page(userId, { conversation: { service: 'billing' } })).ids).toEqual([]);
    expect((await page(userId, { conversation: { user: 'alice' } })).ids).not.toContain('bill');
  }
  capability = { 'user:*': ['history'] };
  expect(await ask('alice', { conversation: { service: 'billing' } })).toMatchObject({
    ok: false,
    problem: { code: 'forbidden' },
  });
});
