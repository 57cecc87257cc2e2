import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  INDEXED_TARIFF,
  type Json,
  jsonByteLength,
  MAX_DECODED_BYTES,
  type Message,
  messageCharge,
} from '../../../../protocol/index.ts';
import { type Address, pairOf, roomAddress, userAddress } from '../../../../server/address.ts';
import { createIndexMessages, createQueueForIndex, MAX_INDEXED_WORDS } from '../../../../server/search/indexing.ts';
import type { Delivery } from '../../../../server/sending/delivery.ts';
import { serialFloor } from '../../../../server/serial.ts';
import type { Task } from '../../../../server/tasks.ts';
import { createMemorySearchIndex } from '../../../../testing/memory/search-index.ts';
import { encodeData } from '../../../support/encoding.ts';

const NOW = 1_800_000_000_000;
const LOBBY = roomAddress('lobby');
const PAIR = pairOf('alice', 'bob');

function message(number: number, more: Partial<Message> = {}): Message {
  const serial = serialFloor(NOW + number);
  return { id: `m${number}`, serial, from: { user: 'alice' }, to: { user: 'bob' }, data: 'words', sentAt: 0, ...more };
}

describe('messages for indexing', () => {
  let tasks: Task[];
  let failures: unknown[];
  let refusal: Error | undefined;

  beforeEach(() => {
    tasks = [];
    failures = [];
    refusal = undefined;
  });

  function queue(address: Address, ...deliveries: (Partial<Delivery> & Pick<Delivery, 'message'>)[]) {
    const add = async (added: readonly Task[]) => {
      if (refusal) throw refusal;
      tasks.push(...added);
    };
    const queueForIndex = createQueueForIndex({ tasks: { add }, onFailure: (error) => failures.push(error) });
    const common = { retry: false, expiresAt: NOW / 1000 };
    return queueForIndex(
      address,
      deliveries.map((delivery) => ({ ...common, ...delivery })),
    );
  }

  test('are those between two users and to rooms, if they are kept', async () => {
    await queue(userAddress('bob'), { message: message(1), pair: PAIR, expiresAt: 7 });
    const inLobby = message(2, { to: { room: 'lobby' } });
    await queue(LOBBY, { message: inLobby });
    expect(tasks).toEqual([
      {
        kind: 'index',
        messages: [{ transcript: PAIR, address: userAddress('bob'), message: message(1), expiresAt: 7 }],
      },
      { kind: 'index', messages: [{ transcript: LOBBY, address: LOBBY, message: inLobby, expiresAt: NOW / 1000 }] },
    ]);
  });

  test('are none that are not kept, copies, from services, or encoded', async () => {
    const { expiresAt: _, ...ephemeral }: Partial<Delivery> = { pair: PAIR, expiresAt: 1 };
    const add = async (added: readonly Task[]) => void tasks.push(...added);
    await createQueueForIndex({ tasks: { add }, onFailure: () => undefined })(userAddress('bob'), [
      { message: message(1), retry: false, ...ephemeral },
    ]);
    await queue(userAddress('bob'), { message: message(2) });
    await queue(userAddress('bob'), { message: message(3, { encoding: 'gzip/base64', data: 'H4sI' }), pair: PAIR });
    expect(tasks).toEqual([]);
  });

  test('include those that the client has compressed', async () => {
    const to = { room: 'lobby' };
    const compressed = message(1, { to, encoding: 'json/gzip/base64', data: 'H4sI' });
    await queue(LOBBY, { message: compressed });
    expect(tasks).toEqual([
      { kind: 'index', messages: [{ transcript: LOBBY, address: LOBBY, message: compressed, expiresAt: NOW / 1000 }] },
    ]);
  });

  test('go in parts that can be done in time', async () => {
    await queue(LOBBY, ...Array.from({ length: 25 }, (_, number) => ({ message: message(number), pair: PAIR })));
    expect(tasks.map((task) => task.kind === 'index' && task.messages.length)).toEqual([10, 10, 5]);
  });

  test('do not hold up sending if the queue fails, and the operator is told', async () => {
    refusal = new Error('no queue');
    await queue(LOBBY, { message: message(1), pair: PAIR });
    expect(failures).toEqual([refusal]);
  });
});

describe('the indexed words of a message', () => {
  async function wordsFor(data: Json, fields?: readonly string[], encoding?: string): Promise<string[]> {
    const index = createMemorySearchIndex({ entries: [] }, () => NOW);
    const indexable = {
      transcript: LOBBY,
      address: LOBBY,
      message: message(1, { data, ...(encoding && { encoding }) }),
      expiresAt: NOW,
    };
    await createIndexMessages(index, { fields })([indexable]);
    return [...index.rows.values()].map(({ word }) => word);
  }

  const data = { text: 'Hello hello', body: { title: 'World', tags: ['one', { name: 'two' }] }, n: 1, empty: null };

  test('come from every string in it, each word once', async () => {
    expect(await wordsFor(data)).toEqual(['hello', 'world', 'one', 'two']);
    expect(await wordsFor('just text')).toEqual(['just', 'text']);
    expect(await wordsFor(7)).toEqual([]);
  });

  test.each<[string[], string[]]>([
    [['text'], ['hello']],
    [['body'], ['world', 'one', 'two']],
    [
      ['body.tags.name', 'body.title'],
      ['two', 'world'],
    ],
    [['nothing', 'text.deeper', 'toString', '__proto__'], []],
  ])('come from the paths %j', async (fields, words) => {
    expect(await wordsFor(data, fields)).toEqual(words);
  });

  test.each([
    ['ideographs without spaces', Array.from({ length: 120 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join('')],
    ['syllables without spaces', Array.from({ length: 120 }, (_, at) => String.fromCodePoint(0xac00 + at)).join('')],
    ['letters of Thai', Array.from({ length: 60 }, (_, at) => String.fromCodePoint(0xe01 + at)).join('')],
    ['words of a letter', Array.from({ length: 60 }, (_, at) => String.fromCodePoint(0x410 + at)).join(' ')],
    ['words of a letter with a mark', [...'ÀÈÌÒÙÇÑÝŠŽ'].join(' ')],
    ['words of many parts', 'A0B1C2D3 E4F5G6H7 I8J9KaLb McNdOePf QgRhSiTj UkVlWmXn '.repeat(2)],
    ['compounds', 'a-b-c-d-e-f-g-h i.j.k.l.m.n.o.p q’r’s’t’u’v’w’x y-z-0-1-2-3-4-5'],
  ])('never take more writes than are charged: %s', async (_, hostile) => {
    for (let length = 1; length <= hostile.length; length += 1) {
      const text = hostile.slice(0, length);
      const units = messageCharge({ to: { user: 'bob' } }, jsonByteLength(text), INDEXED_TARIFF);
      // And one at the gate, and two for the message.
      expect((await wordsFor(text)).length + 3, text).toBeLessThanOrEqual(12 * units);
    }
  });

  test('are bounded, whatever somebody sends', async () => {
    const hostile = Array.from({ length: 10_000 }, (_, number) => `word${number}`).join(' ');
    const words = await wordsFor({ text: hostile });
    expect(words).toHaveLength(MAX_INDEXED_WORDS);
    expect(words.at(-1)).toBe('word99');
    const texts = Array.from({ length: 10_000 }, (_, number) => `${'x'.repeat(400)} w${number}`);
    expect(await wordsFor(texts)).toContain('w79');
    expect(await wordsFor(texts)).not.toContain('w80');
  });

  test('are the written words first, then parts of words and compounds', async () => {
    const words = Array.from(
      { length: 95 },
      (_, number) => `wörd-${String.fromCharCode(97 + (number % 26))}${number}x`,
    );
    const indexed = await wordsFor(words);
    expect(indexed.slice(0, 96)).toEqual(['word', ...words.map((word) => word.slice(5))]);
    expect(indexed).toHaveLength(MAX_INDEXED_WORDS);
    expect(await wordsFor('node.js getUser')).toEqual(['node', 'js', 'getuser', 'nodejs', 'get', 'user']);
  });

  describe('of a message that the client has compressed', () => {
    const zip = (json: string | Buffer) => gzipSync(json).toString('base64');
    const GZIP = 'json/gzip/base64';

    test('are those of the original', async () => {
      const { json, encoding } = await encodeData({ ...data, filler: 'hello '.repeat(400) });
      expect(encoding).toBe(GZIP);
      expect(await wordsFor(JSON.parse(json), undefined, encoding)).toEqual(['hello', 'world', 'one', 'two']);
      expect(await wordsFor(JSON.parse(json), ['body.title'], encoding)).toEqual(['world']);
      const plain = Buffer.from('{"text":"plain"}').toString('base64');
      expect(await wordsFor(plain, undefined, 'json/base64')).toEqual(['plain']);
    });

    test('come from as much as may be sent, and not a byte more', async () => {
      const json = (bytes: number) => `"${'x '.repeat(bytes / 2 - 1)}"`;
      expect(await wordsFor(zip(json(MAX_DECODED_BYTES)), undefined, GZIP)).toEqual(['x']);
      expect(await wordsFor(zip(json(MAX_DECODED_BYTES + 2)), undefined, GZIP)).toEqual([]);
      const bomb = zip(Buffer.alloc(30 * 1024 * 1024, 'x '));
      expect(bomb.length).toBeLessThan(64 * 1024);
      expect(await wordsFor(bomb, undefined, GZIP)).toEqual([]);
    });

    test.each<[string, Json]>([
      ['not base64', '***'],
      ['not text', { text: 'hello' }],
      ['not gzip', Buffer.from('hello').toString('base64')],
      ['cut off', zip('"hello hello hello hello"').slice(0, 20)],
      ['not JSON', zip('hello')],
      ['nested without end', zip(`${'['.repeat(100_000)}"hello"${']'.repeat(100_000)}`)],
      ['nothing', ''],
    ])('are none if it is %s', async (_, broken) => {
      expect(await wordsFor(broken, undefined, GZIP)).toEqual([]);
      expect(await wordsFor(broken, ['text'], GZIP)).toEqual([]);
    });
  });
});
