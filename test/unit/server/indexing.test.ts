import { beforeEach, describe, expect, test } from 'vitest';
import type { Json, Message } from '../../../protocol/index.ts';
import { type Address, pairOf, roomAddress, userAddress } from '../../../server/address.ts';
import { createIndexMessages, createQueueForIndex, MAX_INDEXED_WORDS } from '../../../server/indexing.ts';
import type { Letter } from '../../../server/mailbox.ts';
import { serialFloor } from '../../../server/serial.ts';
import type { Task } from '../../../server/tasks.ts';
import { createMemorySearchIndex } from '../../support/memory-search-index.ts';

const NOW = 1_800_000_000_000;
const LOBBY = roomAddress('lobby');
const PAIR = pairOf('alice', 'bob');

function message(number: number, more: Partial<Message> = {}): Message {
  const serial = serialFloor(NOW + number);
  return { id: `m${number}`, serial, from: { user: 'alice' }, to: { user: 'bob' }, data: 'words', sentAt: 0, ...more };
}

describe('what is left to be indexed', () => {
  let tasks: Task[];
  let failures: unknown[];
  let refusal: Error | undefined;

  beforeEach(() => {
    tasks = [];
    failures = [];
    refusal = undefined;
  });

  function queue(address: Address, ...letters: (Partial<Letter> & Pick<Letter, 'message'>)[]) {
    const add = async (added: readonly Task[]) => {
      if (refusal) throw refusal;
      tasks.push(...added);
    };
    const queueForIndex = createQueueForIndex({ tasks: { add }, onFailure: (error) => failures.push(error) });
    const common = { retry: false, sparesSender: false, expiresAt: NOW / 1000 };
    return queueForIndex(
      address,
      letters.map((letter) => ({ ...common, ...letter })),
    );
  }

  test('is what two users have sent each other, and what was sent to a room, as long as it is kept', async () => {
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

  test('is not what is not kept, a copy, from a service, or encoded', async () => {
    const { expiresAt: _, ...volatile }: Partial<Letter> = { pair: PAIR, expiresAt: 1 };
    const add = async (added: readonly Task[]) => void tasks.push(...added);
    await createQueueForIndex({ tasks: { add }, onFailure: () => undefined })(userAddress('bob'), [
      { message: message(1), retry: false, sparesSender: false, ...volatile },
    ]);
    await queue(userAddress('bob'), { message: message(2) });
    await queue(userAddress('bob'), { message: message(3, { encoding: 'gzip/base64' }), pair: PAIR });
    expect(tasks).toEqual([]);
  });

  test('goes in parts that can be done in time', async () => {
    await queue(LOBBY, ...Array.from({ length: 25 }, (_, number) => ({ message: message(number), pair: PAIR })));
    expect(tasks.map((task) => task.kind === 'index' && task.messages.length)).toEqual([10, 10, 5]);
  });

  test('does not hold up the message where the queue cannot take it, and the operator is told', async () => {
    refusal = new Error('no queue');
    await queue(LOBBY, { message: message(1), pair: PAIR });
    expect(failures).toEqual([refusal]);
  });
});

describe('what of a message is indexed', () => {
  async function wordsFor(data: Json, fields?: readonly string[]): Promise<string[]> {
    const index = createMemorySearchIndex({ entries: [] }, () => NOW);
    const indexable = { transcript: LOBBY, address: LOBBY, message: message(1, { data }), expiresAt: NOW };
    await createIndexMessages(index, { fields })([indexable]);
    return [...index.rows.values()].map(({ word }) => word);
  }

  const data = { text: 'Hello hello', body: { title: 'World', tags: ['one', { name: 'two' }] }, n: 1, empty: null };

  test('is every string in it, each word once', async () => {
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
  ])('is what is at the paths %j', async (fields, words) => {
    expect(await wordsFor(data, fields)).toEqual(words);
  });

  test('is bounded, whatever somebody sends', async () => {
    const hostile = Array.from({ length: 10_000 }, (_, number) => `word${number}`).join(' ');
    const words = await wordsFor({ text: hostile });
    expect(words).toHaveLength(MAX_INDEXED_WORDS);
    expect(words.at(-1)).toBe('word99');
  });
});
