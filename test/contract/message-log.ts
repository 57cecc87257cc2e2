import { beforeEach, describe, expect, test } from 'vitest';
import type { Message } from '../../protocol/index.ts';
import { roomAddress, userAddress } from '../../server/address.ts';
import type { Now } from '../../server/clock.ts';
import { MAX_FIND_ENTRIES, type MessageLog } from '../../server/sending/message-log.ts';
import { serialFloor } from '../../server/serial.ts';

const BOB = userAddress('bob');
const START_MS = 1_800_000_000_000;
const LATER = START_MS / 1000 + 3600;

/** The contract of every message log. `open` creates one over an empty table, with the given clock. */
export function messageLogContract(name: string, open: (now: Now) => Promise<MessageLog>): void {
  describe(`message log on ${name}`, () => {
    let nowMs = START_MS;
    let log: MessageLog;

    beforeEach(async () => {
      nowMs = START_MS;
      log = await open(() => nowMs);
    });

    test('returns messages unchanged, in the order of their serials, above a serial', async () => {
      const odd = message(2, { data: JSON.parse('{"__proto__":{"a":1},"n":0.1,"e":"","s":"\\u0000🎈","l":[]}') });
      const encoded = message(3, { data: 'aGk=', encoding: 'base64' });
      await log.append(BOB, encoded, LATER);
      await log.append(BOB, message(1), LATER);
      await log.append(BOB, odd, LATER);
      await log.append(userAddress('eve'), message(2), LATER);

      const page = await log.read(BOB, message(1).serial);

      expect(page).toEqual({ messages: [odd, encoded], more: false });
      expect(JSON.stringify(page.messages.map(({ data }) => data))).toBe(JSON.stringify([odd.data, encoded.data]));
    });

    test('appending the same message again changes nothing', async () => {
      await log.append(BOB, message(1), LATER);
      await log.append(BOB, message(1), LATER);
      expect((await log.read(BOB, serialFloor(0))).messages).toHaveLength(1);
    });

    test('an expired message is not read although its item is still there', async () => {
      await log.append(BOB, message(1), START_MS / 1000 + 60);
      nowMs = START_MS + 60_000;
      expect(await log.read(BOB, serialFloor(0))).toEqual({ messages: [], more: false });
      expect((await log.find(BOB, { user: 'alice' }, ['m1'], serialFloor(0))).size).toBe(0);
      expect(await log.senderOf(BOB, message(1).serial)).toBeUndefined();
    });

    test('returns the sender of a message by its serial, for each address alone', async () => {
      await log.append(BOB, message(1), LATER);
      await log.append(BOB, message(2, { from: { service: 'billing' } }), LATER);
      await log.append(roomAddress('bob'), message(3), LATER);
      expect(await log.senderOf(BOB, message(1).serial)).toEqual({ user: 'alice' });
      expect(await log.senderOf(BOB, message(2).serial)).toEqual({ service: 'billing' });
      expect(await log.senderOf(roomAddress('bob'), message(3).serial)).toEqual({ user: 'alice' });
      for (const nothing of [message(3), message(4)]) expect(await log.senderOf(BOB, nothing.serial)).toBeUndefined();
      expect(await log.senderOf(userAddress('eve'), message(1).serial)).toBeUndefined();
    });

    test('is read in pages, each starting where the previous one ended', async () => {
      const all = Array.from({ length: 250 }, (_, index) => message(index + 1));
      await Promise.all(all.map((each) => log.append(BOB, each, LATER)));
      const read: string[] = [];
      let after = serialFloor(0);
      for (let more = true; more; ) {
        const page = await log.read(BOB, after);
        expect(page.messages.length).toBeLessThanOrEqual(100);
        read.push(...page.messages.map(({ id }) => id));
        after = page.messages.at(-1)?.serial ?? after;
        more = page.more;
      }
      expect(read).toEqual(all.map(({ id }) => id));
    });

    test('is read past any number of expired messages', async () => {
      const gone = Array.from({ length: 150 }, (_, index) => message(index + 1));
      await Promise.all(gone.map((each) => log.append(BOB, each, START_MS / 1000 + 60)));
      await log.append(BOB, message(151), LATER);
      nowMs = START_MS + 60_000;
      expect(await log.read(BOB, serialFloor(0))).toMatchObject({ messages: [{ id: 'm151' }], more: false });
    });

    test('looks for the first attempt among the newest entries only', async () => {
      const all = Array.from({ length: MAX_FIND_ENTRIES + 1 }, (_, index) => message(index + 1));
      await Promise.all(all.map((each) => log.append(BOB, each, LATER)));
      const found = await log.find(BOB, { user: 'alice' }, ['m1', 'm2', 'm251'], serialFloor(0));
      expect([...found.keys()].toSorted()).toEqual(['m2', 'm251']);
    });

    test('finds the last message after any other messages', async () => {
      const large = (index: number) => ({ ...message(index), data: 'x'.repeat(250_000) });
      for (let index = 1; index <= 6; index += 1) await log.append(BOB, large(index), LATER);
      await log.append(BOB, message(7), LATER);
      expect([...(await log.find(BOB, { user: 'alice' }, ['m7'], serialFloor(0))).keys()]).toEqual(['m7']);
    });

    test('finds the messages of one sender under an id, and no other sender’s', async () => {
      await log.append(BOB, message(1), LATER);
      const find = async (from: Message['from'], id: string, after = serialFloor(0)) =>
        (await log.find(BOB, from, [id], after)).get(id);
      expect(await find({ user: 'alice' }, 'm1')).toEqual(message(1));
      expect(await find({ user: 'eve' }, 'm1')).toBeUndefined();
      expect(await find({ service: 'alice' }, 'm1')).toBeUndefined();
      expect(await find({ user: 'alice' }, 'm2')).toBeUndefined();
      expect(await find({ user: 'alice' }, 'm1', message(1).serial)).toBeUndefined();
    });

    test('finds several ids at once, and the first message of each', async () => {
      const all = [message(1), message(2), message(3), message(4, { id: 'm1' })];
      for (const each of all) await log.append(BOB, each, LATER);
      const found = await log.find(BOB, { user: 'alice' }, ['m1', 'm3', 'm5', 'm3'], serialFloor(0));
      expect([...found.values()].toSorted((a, b) => a.serial.localeCompare(b.serial))).toEqual([
        message(1),
        message(3),
      ]);
    });
  });
}

function message(number: number, values: Partial<Message> = {}): Message {
  return {
    id: `m${number}`,
    serial: serialFloor(START_MS + number),
    from: { user: 'alice' },
    to: { user: 'bob' },
    data: { number },
    sentAt: START_MS + number,
    ...values,
  };
}
