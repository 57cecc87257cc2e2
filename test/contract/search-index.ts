import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../protocol/index.ts';
import { pairOf, roomAddress, type Transcript, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import type { Hit, Hits, SearchIndex } from '../../server/search/search-index.ts';
import type { MessageLog } from '../../server/sending/message-log.ts';
import { serialFloor } from '../../server/serial.ts';

const START_MS = 1_800_000_000_000;
const LATER = START_MS / 1000 + 3600;
const LOBBY = roomAddress('lobby');
const at = (number: number) => serialFloor(START_MS + number);
const hit = (number: number, address: Hit['address'] = LOBBY): Hit => ({ serial: at(number), address });

interface Opened {
  readonly log: MessageLog;
  readonly index: SearchIndex;
}

/** The contract of every search index. `open` creates one over an empty table, with the given clock. */
export function searchIndexContract(name: string, open: (now: Now) => Promise<Opened>): void {
  describe(`search index on ${name}`, () => {
    let nowMs = START_MS;
    let log: MessageLog;
    let index: SearchIndex;

    beforeEach(async () => {
      nowMs = START_MS;
      ({ log, index } = await open(() => nowMs));
    });

    const add = (number: number, words: string[], transcript: Transcript = LOBBY, expiresAt = LATER) =>
      index.add(transcript, hit(number), words, expiresAt);

    test('finds a word, the newest message first, below a serial, and nowhere else', async () => {
      await add(1, ['apple', 'pie']);
      await add(3, ['apple']);
      await add(2, ['apple', 'apples']);
      await add(4, ['apple'], pairOf('alice', 'bob'));
      await add(5, ['appl']);
      expect(await index.find(LOBBY, 'apple')).toEqual({ hits: [hit(3), hit(2), hit(1)] });
      expect(await index.find(LOBBY, 'apple', at(3))).toEqual({ hits: [hit(2), hit(1)] });
      expect(await index.find(roomAddress('lob'), 'apple')).toEqual({ hits: [] });
    });

    test('finds the words that begin with a prefix', async () => {
      await add(1, ['apple', 'application']);
      await add(2, ['ape']);
      await add(3, ['pineapple']);
      const found = async (prefix: string) =>
        (await index.findPrefix(LOBBY, prefix)).hits.map(({ serial }) => serial).toSorted();
      expect(await found('app')).toEqual([at(1), at(1)]);
      expect(await found('ap')).toEqual([at(1), at(1), at(2)]);
      expect(await found('x')).toEqual([]);
    });

    test('adding a message again changes nothing, and an expired one is not found', async () => {
      await add(1, ['once'], LOBBY, START_MS / 1000 + 60);
      await add(1, ['once'], LOBBY, START_MS / 1000 + 60);
      expect(await index.find(LOBBY, 'once')).toEqual({ hits: [hit(1)] });
      nowMs += 60_000;
      expect(await index.find(LOBBY, 'once')).toEqual({ hits: [] });
      expect(await index.findPrefix(LOBBY, 'once')).toEqual({ hits: [] });
    });

    /** Returns all serials, in as many steps as needed. */
    async function all(read: (from: string | undefined) => Promise<Hits>): Promise<string[]> {
      const serials: string[] = [];
      for (let from: string | undefined, more = true; more; more = from !== undefined) {
        const { hits, next } = await read(from);
        serials.push(...hits.map(({ serial }) => serial));
        from = next;
      }
      return serials;
    }

    test('gives all messages of a word, in steps', async () => {
      const numbers = Array.from({ length: 300 }, (_, number) => number);
      await Promise.all(numbers.map((number) => add(number, ['word'])));
      expect(await all((from) => index.find(LOBBY, 'word', from))).toEqual(numbers.map(at).toReversed());
    });

    test('gives all messages of a prefix, in steps', async () => {
      // Long addresses make long rows, and few of them fit into one answer.
      const address = userAddress('漢'.repeat(256));
      const numbers = Array.from({ length: 13 }, (_, number) => number);
      const words = Array.from({ length: 100 }, (_, number) => `word${number}`);
      await Promise.all(numbers.map((number) => index.add(LOBBY, hit(number, address), words, LATER)));
      expect((await all((from) => index.findPrefix(LOBBY, 'wo', from))).toSorted()).toEqual(
        numbers.flatMap((number) => words.map(() => at(number))),
      );
    });

    test('adds all words of a message', async () => {
      const words = Array.from({ length: 100 }, (_, number) => `word${number}`);
      await add(1, words);
      for (const word of [words[0], words[99]]) expect((await index.find(LOBBY, word ?? '')).hits).toHaveLength(1);
      expect((await index.findPrefix(LOBBY, 'word')).hits).toHaveLength(100);
      await add(2, []);
    });

    test('fetches the entries at its hits, in their order, without those that no longer exist', async () => {
      const message = (number: number): Message => ({
        id: `m${number}`,
        serial: at(number),
        from: { user: 'alice' },
        to: { user: 'bob' },
        data: { number },
        sentAt: number,
      });
      await log.append(LOBBY, message(1), LATER);
      await log.append(userAddress('bob'), message(2), LATER, { retried: true });
      await log.append(LOBBY, message(3), START_MS / 1000);
      const hits = [hit(9), hit(3), hit(2, userAddress('bob')), hit(1)];
      expect(await index.fetch(hits)).toEqual([
        { message: message(2), retried: true },
        { message: message(1), retried: false },
      ]);
      expect(await index.fetch([])).toEqual([]);
    });
  });
}
