import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../protocol/index.ts';
import { pairOf, roomAddress, type Transcript, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { Transcripts } from '../../server/history/transcripts.ts';
import type { EntryNotes, MessageLog } from '../../server/sending/message-log.ts';
import { serialFloor } from '../../server/serial.ts';

const START_MS = 1_800_000_000_000;
const LATER = START_MS / 1000 + 3600;
const LOBBY = roomAddress('lobby');
const PAIR = pairOf('bob', 'alice');

interface Opened {
  readonly log: MessageLog;
  readonly transcripts: Transcripts;
}

/** The contract of all transcripts. `open` creates them over an empty table, with the given clock. */
export function transcriptsContract(name: string, open: (now: Now) => Promise<Opened>): void {
  describe(`transcripts on ${name}`, () => {
    let nowMs = START_MS;
    let log: MessageLog;
    let transcripts: Transcripts;

    beforeEach(async () => {
      nowMs = START_MS;
      ({ log, transcripts } = await open(() => nowMs));
    });

    const say = (from: string, to: string, number: number, notes: EntryNotes = {}, expiresAt = LATER) =>
      log.append(userAddress(to), message(from, number), expiresAt, { pair: pairOf(from, to), ...notes });

    const sayInLobby = (from: string, number: number, expiresAt = LATER) =>
      log.append(LOBBY, { ...message(from, number), to: { room: 'lobby' } }, expiresAt);

    /** Returns all entries in one direction, in as many reads as needed. */
    async function readAll(transcript: Transcript, direction: 'before' | 'after', limit: number): Promise<string[]> {
      const ids: string[] = [];
      let from: { before?: string } | { after: string } = direction === 'after' ? { after: serialFloor(0) } : {};
      for (let more = true; more; ) {
        const { entries, next } = await transcripts.read(transcript, from, limit);
        expect(entries.length).toBeLessThanOrEqual(limit);
        ids.push(...entries.map(({ message }) => message.id));
        from = direction === 'after' ? { after: next ?? '' } : { before: next ?? '' };
        more = next !== undefined;
      }
      return ids;
    }

    test('a pair is the same for both users, and shows the messages of both, in both directions of reading', async () => {
      await say('alice', 'bob', 1);
      await say('bob', 'alice', 2);
      await say('alice', 'bob', 3);
      await say('alice', 'eve', 4);
      await log.append(userAddress('bob'), message('alice', 5), LATER);
      expect(pairOf('alice', 'bob')).toBe(PAIR);
      for (const limit of [1, 2, 10]) {
        expect(await readAll(PAIR, 'after', limit)).toEqual(['m1', 'm2', 'm3']);
        expect(await readAll(PAIR, 'before', limit)).toEqual(['m3', 'm2', 'm1']);
      }
      const { entries } = await transcripts.read(PAIR, { before: message('x', 3).serial }, 1);
      expect(entries).toEqual([{ message: message('bob', 2), retried: false }]);
    });

    test('names that look like a pair do not make another pair', async () => {
      await say('a', 'b","c', 1);
      expect(await readAll(pairOf('a', 'b","c'), 'after', 5)).toEqual(['m1']);
      expect(await readAll(pairOf('a","b', 'c'), 'after', 5)).toEqual([]);
    });

    test('a room shows its log', async () => {
      for (const number of [3, 1, 2]) await sayInLobby('alice', number);
      await log.append(roomAddress('other'), message('alice', 4), LATER);
      expect(await readAll(LOBBY, 'after', 2)).toEqual(['m1', 'm2', 'm3']);
      expect(await readAll(LOBBY, 'before', 2)).toEqual(['m3', 'm2', 'm1']);
    });

    test('nothing shows an expired entry although its item is still there', async () => {
      await say('alice', 'bob', 1, {}, START_MS / 1000 + 60);
      await sayInLobby('alice', 1, START_MS / 1000 + 60);
      nowMs += 60_000;
      const range = { first: serialFloor(0), last: serialFloor(START_MS + 10) };
      for (const transcript of [PAIR, LOBBY]) {
        expect(await readAll(transcript, 'before', 5)).toEqual([]);
        expect(await transcripts.find(transcript, ['m1'], range)).toEqual([]);
        expect(await count(transcript, 'eve')).toEqual({ count: 0, more: false });
      }
    });

    test('marks retries, and finds the entries with an id within a range', async () => {
      await say('alice', 'bob', 1);
      await say('alice', 'bob', 2, { retried: true });
      await log.append(userAddress('bob'), message('alice', 3, 'm1'), LATER, { pair: PAIR, retried: true });
      await say('bob', 'alice', 4);
      const { entries } = await transcripts.read(PAIR, {}, 10);
      expect(entries.map(({ retried }) => retried)).toEqual([false, true, true, false]);
      const find = async (first: number, last: number) =>
        (
          await transcripts.find(PAIR, ['m1', 'm4', 'm1'], {
            first: serialFloor(START_MS + first),
            last: serialFloor(START_MS + last),
          })
        )
          .toSorted((a, b) => (a.serial < b.serial ? -1 : 1))
          .map(({ id, from, serial }) => [id, from, serial === serialFloor(START_MS + 3)]);
      const alice = { user: 'alice' };
      expect(await find(1, 3)).toEqual([
        ['m1', alice, false],
        ['m1', alice, true],
      ]);
      expect(await find(2, 4)).toEqual([
        ['m1', alice, true],
        ['m4', { user: 'bob' }, false],
      ]);
    });

    /** Returns the first three counted entries. How far a store counts beyond them is its own choice. */
    async function count(transcript: Transcript, user: string, after = serialFloor(0)) {
      const { count, retried, more } = await transcripts.count(transcript, { after, except: { user }, limit: 3 });
      expect(retried).toEqual([]);
      return { count: Math.min(count, 3), more: more || count > 3 };
    }

    test('counts the messages of others above a serial, up to a limit', async () => {
      for (const number of [1, 2, 4]) await sayInLobby('alice', number);
      await sayInLobby('bob', 3);
      expect(await count(LOBBY, 'bob')).toEqual({ count: 3, more: false });
      expect(await count(LOBBY, 'eve')).toEqual({ count: 3, more: true });
      expect(await count(LOBBY, 'alice')).toEqual({ count: 1, more: false });
      expect(await count(LOBBY, 'bob', message('x', 2).serial)).toEqual({ count: 1, more: false });
      expect(await count(PAIR, 'bob')).toEqual({ count: 0, more: false });
    });

    test('names the retries among the entries it has counted, however many there are', async () => {
      const isRetried = (number: number) => number % 5 === 0;
      for (let number = 1; number <= 230; number += 1) {
        await say(number % 2 ? 'alice' : 'bob', number % 2 ? 'bob' : 'alice', number, {
          ...(isRetried(number) && { retried: true }),
        });
      }
      const after = message('x', 100).serial;
      const counted = await transcripts.count(PAIR, { after, except: { user: 'alice' }, limit: 100 });
      const bobs = Array.from({ length: 65 }, (_, index) => 102 + 2 * index);
      expect(counted).toEqual({
        count: bobs.length,
        retried: bobs.filter(isRetried).map((number) => {
          const { id, from, serial } = message('bob', number);
          return { id, from, serial };
        }),
        more: false,
      });
    });

    test('counts until more than the limit are certainly not copies', async () => {
      for (let number = 1; number <= 450; number += 1) {
        await say('alice', 'bob', number, number <= 400 ? { retried: true } : {});
      }
      const counted = await transcripts.count(PAIR, { after: serialFloor(0), except: { user: 'bob' }, limit: 20 });
      expect(counted.retried).toHaveLength(400);
      expect(counted.count - counted.retried.length).toBeGreaterThan(20);
    });
  });
}

function message(from: string, number: number, id = `m${number}`): Message {
  return {
    id,
    serial: serialFloor(START_MS + number),
    from: { user: from },
    to: { user: 'somebody' },
    data: { number },
    sentAt: START_MS + number,
  };
}
