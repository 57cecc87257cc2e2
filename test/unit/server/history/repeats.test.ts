import { beforeEach, describe, expect, test } from 'vitest';
import { createDedupe } from '../../../../client/receiving/dedupe.ts';
import type { Message, Peer } from '../../../../protocol/index.ts';
import { type Address, peerAddress, roomAddress, transcriptOf, userAddress } from '../../../../server/address.ts';
import { createPermit } from '../../../../server/gate/gate.ts';
import { createHistory } from '../../../../server/history/history.ts';
import type { Transcripts } from '../../../../server/history/transcripts.ts';
import { createUnread } from '../../../../server/history/unread.ts';
import { createIndexMessages } from '../../../../server/search/indexing.ts';
import { createSearch } from '../../../../server/search/search.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createMemoryMarkers } from '../../../../testing/memory/markers.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemorySearchIndex } from '../../../../testing/memory/search-index.ts';
import { createMemoryTranscripts } from '../../../../testing/memory/transcripts.ts';

const NOW = 1_800_000_000_000;
const RETENTION_SECONDS = 7 * 24 * 3600;
const HOUR_MS = 3_600_000;
/** Seconds after the beginning of the conversation, an hour ago. */
const at = (seconds: number) => serialFloor(NOW - HOUR_MS + seconds * 1000);

interface Copy {
  readonly id?: string;
  readonly from?: string;
  readonly retried?: boolean;
  readonly expired?: boolean;
}

describe.each<[string, Exclude<Peer, { readonly service: string }>]>([
  ['with a user', { user: 'bob' }],
  ['of a room', { room: 'lobby' }],
])('in a conversation %s, what is one message is the same for all who ask', (_, conversation) => {
  const transcript = transcriptOf('alice', conversation);
  const logOf = (from: string): Address =>
    'room' in conversation
      ? roomAddress(conversation.room)
      : userAddress(from === 'alice' ? conversation.user : 'alice');
  const claims = { tokenExpiresAt: NOW, capability: { '*': ['history'] } } as const;
  const alice = { connectionId: 'a1', userId: 'alice', ...claims };
  const permit = createPermit(async () => ({ ok: true, value: claims }));
  const now = () => NOW;
  let log: ReturnType<typeof createMemoryMessageLog>;
  let markers: ReturnType<typeof createMemoryMarkers>;
  let index: ReturnType<typeof createMemorySearchIndex>;
  let transcripts: Transcripts;
  let finds: { first: string; last: string }[];

  beforeEach(() => {
    log = createMemoryMessageLog(now);
    markers = createMemoryMarkers();
    index = createMemorySearchIndex(log, now);
    finds = [];
    const memory = createMemoryTranscripts(log, now);
    transcripts = {
      ...memory,
      find: (of, ids, range) => {
        finds.push(range);
        return memory.find(of, ids, range);
      },
    };
  });

  async function say(
    seconds: number,
    { id = `m${seconds}`, from = 'bob', retried = false, expired = false }: Copy = {},
  ) {
    const to = 'room' in conversation ? conversation : { user: from === 'alice' ? conversation.user : 'alice' };
    const message: Message = { id, serial: at(seconds), from: { user: from }, to, data: 'hello', sentAt: 0 };
    const expiresAt = NOW / 1000 + (expired ? -1 : 3600);
    const pair = 'room' in conversation ? {} : { pair: transcript as `[${string}]` };
    await log.append(logOf(from), message, expiresAt, { ...pair, ...(retried && { retried: true }) });
    await createIndexMessages(index, {})([{ transcript, address: logOf(from), message, expiresAt }]);
  }

  async function history(limit: number, direction: 'before' | 'after' = 'before'): Promise<string[]> {
    const ask = createHistory({ permit, transcripts, markers });
    const serials: string[] = [];
    let from: string | undefined = direction === 'before' ? at(3600) : at(-3600);
    while (from !== undefined) {
      const reply = await ask(alice, { conversation, limit, [direction]: from });
      if (!reply.ok) throw new Error(reply.problem.code);
      serials.push(...reply.value.messages.map(({ serial }) => serial));
      from = reply.value.next;
    }
    return serials.toSorted();
  }

  async function search(limit: number): Promise<string[]> {
    const ask = createSearch({ permit, index, transcripts });
    const serials: string[] = [];
    for (let before: string | undefined, more = true; more; more = before !== undefined) {
      const reply = await ask(alice, { conversation, text: 'hello', limit, ...(before !== undefined && { before }) });
      if (!reply.ok) throw new Error(reply.problem.code);
      serials.push(...reply.value.messages.map(({ serial }) => serial));
      before = reply.value.next;
    }
    return serials.toSorted();
  }

  async function unread(): Promise<{ count: number; more: boolean }> {
    const ask = createUnread({ permit, transcripts, markers, retentionSeconds: RETENTION_SECONDS, now });
    const reply = await ask(alice, { conversations: [conversation] });
    if (!reply.ok) throw new Error(reply.problem.code);
    const [{ count, more } = { count: -1, more: false }] = reply.value.conversations;
    return { count, more };
  }

  /** What a client hands on that was away all the time, in the order of the log. */
  async function resume(): Promise<string[]> {
    const dedupe = createDedupe({ now, aheadMs: 0 }, { horizonMs: 0 }, 10);
    const logs = [...new Set([logOf('alice'), logOf('bob')])];
    const pages = await Promise.all(logs.map((address) => log.read(address, serialFloor(0))));
    return pages
      .flatMap(({ messages }) => messages.filter((message) => dedupe.isNew(message)).map(({ serial }) => serial))
      .toSorted();
  }

  async function markRead(seconds: number) {
    await markers.move({ userId: 'alice', peer: peerAddress(conversation) }, 'read', at(seconds));
  }

  /** All of them see these messages, however large a page is, and count so many of them as unread. */
  async function expectAll(seconds: readonly number[], count: number, { exceptResume = false } = {}) {
    const serials = seconds.map(at);
    for (const limit of [1, 2, 3, 100]) {
      expect(await history(limit), `history by ${limit}`).toEqual(serials);
      expect(await history(limit, 'after'), `history by ${limit}, forwards`).toEqual(serials);
      expect(await search(limit), `search by ${limit}`).toEqual(serials);
    }
    if (!exceptResume) expect(await resume(), 'resume').toEqual(serials);
    expect(await unread()).toEqual({ count, more: false });
  }

  test('a retry after a minute counts where it was first, and reading it clears the count', async () => {
    await say(0, { id: 'twice' });
    await say(150, { id: 'twice', retried: true });
    await expectAll([0], 1);
    await markRead(0);
    await expectAll([0], 0);
  });

  test('with others between the copies, and between the copies and the marker', async () => {
    await say(0);
    await say(10, { id: 'twice' });
    await say(20);
    await say(160, { id: 'twice', retried: true });
    await say(170);
    await say(310, { id: 'twice', retried: true });
    await expectAll([0, 10, 20, 170], 4);
    const counts: [number, number][] = [
      [0, 3],
      [10, 2],
      [20, 1],
      [160, 1],
      [170, 0],
      [310, 0],
    ];
    for (const [seconds, count] of counts) {
      await markRead(seconds);
      await expectAll([0, 10, 20, 170], count);
    }
  });

  test('when the first copy has expired, the next one counts', async () => {
    await say(0, { id: 'twice', expired: true });
    await say(150, { id: 'twice', retried: true });
    await say(300, { id: 'twice', retried: true });
    await expectAll([150], 1);
    await markRead(150);
    await expectAll([150], 0);
  });

  test('a user’s own message counts as read, however often it was sent', async () => {
    await say(0, { id: 'twice', from: 'alice' });
    await say(150, { id: 'twice', from: 'alice', retried: true });
    await expectAll([0], 0);
  });

  test('one that was sent again and is there once counts, and so do two of the same id by two senders', async () => {
    await say(0, { id: 'same', retried: true });
    await say(1, { id: 'same', from: 'alice', retried: true });
    await expectAll([0, 1], 1);
  });

  test('copies that are further apart than ten minutes are two messages, whatever else was sent again between', async () => {
    await say(0, { id: 'late' });
    await say(300, { retried: true });
    await say(601, { id: 'late', retried: true });
    // The client remembers it for longer.
    await expectAll([0, 300, 601], 3, { exceptResume: true });
    await markRead(0);
    await expectAll([0, 300, 601], 2, { exceptResume: true });
  });

  test('but each copy counts from the one before it', async () => {
    for (const seconds of [0, 500, 1000, 1500]) await say(seconds, { id: 'often', retried: seconds > 0 });
    await expectAll([0], 1);
    await markRead(0);
    await expectAll([0], 0);
  });

  test('a hundred messages that were all sent again are a hundred', async () => {
    for (let number = 0; number < 100; number += 1) await say(number, { id: `m${number}` });
    for (let number = 0; number < 100; number += 1) await say(150 + number, { id: `m${number}`, retried: true });
    expect(await unread()).toEqual({ count: 100, more: false });
    await say(400);
    expect(await unread()).toEqual({ count: 100, more: true });
    await markRead(0);
    expect(await unread()).toEqual({ count: 100, more: false });
    await markRead(50);
    expect(await unread()).toEqual({ count: 50, more: false });
  });

  test('reads only the ten minutes before a retry, and nothing without one', async () => {
    await say(0);
    await say(5);
    await expectAll([0, 5], 2);
    expect(finds).toEqual([]);
    await say(100, { retried: true });
    await say(3000, { retried: true });
    await expectAll([0, 5, 100, 3000], 4);
    const lengths = finds.map(({ first, last }) => serialTimes(first, last));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(600_000);
  });
});

function serialTimes(first: string, last: string): number {
  const timeOf = (serial: string) =>
    [...serial.slice(0, 10)].reduce((ms, digit) => ms * 32 + '0123456789ABCDEFGHJKMNPQRSTVWXYZ'.indexOf(digit), 0);
  return timeOf(last) - timeOf(first);
}
