import { beforeEach, describe, expect, test } from 'vitest';
import { jsonByteLength, MAX_PUSH_BYTES, type SearchFrame } from '../../../../protocol/index.ts';
import { roomAddress } from '../../../../server/address.ts';
import type { Capability } from '../../../../server/auth/capability.ts';
import { createPermit } from '../../../../server/gate/gate.ts';
import { createIndexMessages } from '../../../../server/search/indexing.ts';
import { createSearch } from '../../../../server/search/search.ts';
import { serialFloor } from '../../../../server/serial.ts';
import { createMemoryMessageLog } from '../../../../testing/memory/message-log.ts';
import { createMemorySearchIndex } from '../../../../testing/memory/search-index.ts';
import { createMemoryTranscripts } from '../../../../testing/memory/transcripts.ts';

const NOW = 1_800_000_000_000;
const LATER = NOW / 1000 + 3600;
const LOBBY = roomAddress('lobby');
const at = (number: number) => serialFloor(NOW - 1_000_000 + number);

let log: ReturnType<typeof createMemoryMessageLog>;
let pageSize: number;
let capability: Capability;
let index: ReturnType<typeof createMemorySearchIndex>;

beforeEach(() => {
  log = createMemoryMessageLog(() => NOW);
  pageSize = 1000;
  capability = { 'room:lobby': ['history'] };
  open();
});

function open() {
  index = createMemorySearchIndex(log, () => NOW, pageSize);
}

async function say(number: number, text: string, { id = `m${number}`, retried = false } = {}) {
  const message = { id, serial: at(number), from: { user: 'eve' }, to: { room: 'lobby' }, data: { text }, sentAt: 0 };
  await log.append(LOBBY, message, LATER, retried ? { retried: true } : {});
  await createIndexMessages(index, {})([{ transcript: LOBBY, address: LOBBY, message, expiresAt: LATER }]);
}

function ask(text: string, more: Partial<Pick<SearchFrame, 'conversation' | 'before' | 'limit'>> = {}) {
  const claims = { tokenExpiresAt: LATER, capability };
  const permit = createPermit(async () => ({ ok: true, value: claims }));
  const search = createSearch({ permit, index, transcripts: createMemoryTranscripts(log, () => NOW) });
  return search({ connectionId: 'a1', userId: 'alice', ...claims }, { conversation: { room: 'lobby' }, text, ...more });
}

async function found(text: string, more: Parameters<typeof ask>[1] = {}) {
  const reply = await ask(text, more);
  if (!reply.ok) throw new Error(reply.problem.code);
  return { ids: reply.value.messages.map(({ id }) => id), next: reply.value.next, reply: reply.value };
}

/** All pages. */
async function all(text: string, limit: number): Promise<string[]> {
  const ids: string[] = [];
  for (let before: string | undefined, more = true; more; more = before !== undefined) {
    const page = await found(text, { limit, ...(before !== undefined && { before }) });
    ids.push(...page.ids);
    before = page.next;
  }
  return ids;
}

test('finds messages in which all words occur, the last as the beginning of one, the newest first', async () => {
  await say(1, 'The quick brown fox');
  await say(2, 'A quick reply');
  await say(3, 'Foxes are quick');
  await say(4, 'nothing of that');
  for (const [text, ids] of [
    ['quick', ['m3', 'm2', 'm1']],
    ['QUICK  fox', ['m3', 'm1']],
    ['fox quick', ['m1']],
    ['qu', ['m3', 'm2', 'm1']],
    ['quick quick', ['m3', 'm2', 'm1']],
    ['quick absent', []],
    ['qui fox', []],
  ] as const) {
    expect((await found(text)).ids, text).toEqual(ids);
  }
});

test('a single letter is looked up as a word', async () => {
  await say(1, 'vitamin C');
  await say(2, 'a cat');
  expect((await found('c')).ids).toEqual(['m1']);
  expect((await found('vitamin c')).ids).toEqual(['m1']);
});

test.each([1, 2, 7])('with pages of %i in search and index, finds everything in the end', async (limit) => {
  pageSize = limit;
  open();
  for (let number = 0; number < 60; number += 1) {
    await say(number, `${number % 2 ? 'odd' : 'even'} ${number % 3 ? 'other' : 'third'} x${number}`);
  }
  const expected = [...Array(60).keys()]
    .filter((number) => number % 2 && number % 3 === 0)
    .map((number) => `m${number}`);
  // A last word of one letter, so that no term is a prefix.
  for (const number of [3, 9, 15]) await say(100 + number, `odd third z`);
  expect(await all('third odd z', limit)).toEqual(['m115', 'm109', 'm103']);
  if (limit === 7) expect(await all('odd thi', limit)).toEqual(['m115', 'm109', 'm103', ...expected.toReversed()]);
});

test('words that never occur together are searched in bounded steps', async () => {
  pageSize = 1;
  open();
  for (let number = 0; number < 60; number += 2) {
    await say(number, 'x');
    await say(number + 1, 'y');
  }
  await say(0, 'x y', { id: 'both' });
  const first = await found('x y');
  expect(first).toMatchObject({ ids: [], next: expect.any(String) });
  expect(await all('x y', 5)).toEqual(['both']);
});

test('a prefix of too many words is refused rather than answered incompletely', async () => {
  pageSize = 2;
  open();
  for (let number = 0; number < 12; number += 1) await say(number, `word${number}`);
  expect(await ask('word')).toMatchObject({ ok: false, problem: { code: 'search_too_broad' } });
  expect((await found('word11')).ids).toEqual(['m11']);
});

test('names are found by their parts, and by any way to write them', async () => {
  await say(1, 'report_final_v2.pdf');
  await say(2, 'the final report, as a PDF');
  await say(3, 'getUserName');
  await say(4, 'an email');
  await say(5, 'an e-mail');
  for (const [text, ids] of [
    ['report_final_v2.pdf', ['m1']],
    ['final report', ['m2', 'm1']],
    ['final_report', ['m2', 'm1']],
    ['username', []],
    ['userName', ['m3']],
    ['get_user', ['m3']],
    ['email', ['m5', 'm4']],
    ['E-Mail', ['m5', 'm4']],
  ] as const) {
    expect((await found(text)).ids, text).toEqual(ids);
    for (const limit of [1, 2]) expect(await all(text, limit), text).toEqual(ids);
  }
});

test('another way to write a word is left out if too many words begin with it', async () => {
  pageSize = 2;
  open();
  await say(40, 'youMail');
  for (let number = 0; number < 30; number += 1) await say(number, `mail-${number}`);
  expect((await found('youMa')).ids).toEqual(['m40']);
  for (const text of ['mail', 'x-mail', 'you mail']) {
    expect(await ask(text), text).toMatchObject({ problem: { code: 'search_too_broad' } });
  }
});

test('however many prefixes are looked for, there are at most fifteen queries for them', async () => {
  pageSize = 1;
  open();
  for (let number = 0; number < 40; number += 1)
    await say(number, `猫${'あいうえおかきくけこ'.repeat(4)[number]} 犬${number}`);
  let queries = 0;
  const { findPrefix } = index;
  index = {
    ...index,
    findPrefix: (...args) => {
      queries += 1;
      return findPrefix(...args);
    },
  };
  for (const [text, most] of [
    ['猫', 5],
    ['猫 犬 私', 15],
    ['猫 犬 私 鳥 魚 馬 牛 羊', 8],
  ] as const) {
    queries = 0;
    expect(await ask(text), text).toMatchObject({ problem: { code: 'search_too_broad' } });
    expect(queries, text).toBeLessThanOrEqual(most);
  }
});

test('a page fits into one frame, and the next one goes on where it ended', async () => {
  for (let number = 0; number < 8; number += 1) await say(number, `same ${'x'.repeat(32_000)}`);
  const page = await found('same');
  expect(page.ids).toEqual(['m7', 'm6', 'm5']);
  expect(jsonByteLength(page.reply)).toBeLessThan(MAX_PUSH_BYTES);
  expect(await all('same', 50)).toEqual(['m7', 'm6', 'm5', 'm4', 'm3', 'm2', 'm1', 'm0']);
});

test('a message that was sent again is found once', async () => {
  await say(1, 'hello', { id: 'twice' });
  await say(2, 'hello', { id: 'twice', retried: true });
  expect((await found('hello')).reply.messages.map(({ serial }) => serial)).toEqual([at(1)]);
});

describe('is refused', () => {
  test.each([
    ['', '"text" must hold at least one word'],
    ['?! … 🎈', '"text" must hold at least one word'],
    ['a b c d e f g h i', '"text" must hold at most 8 words, got 9'],
    ['x'.repeat(201), '"text" must have at most 200 characters'],
  ])('for %j', async (text, message) => {
    expect(await ask(text)).toMatchObject({ ok: false, problem: { code: 'search_invalid', message } });
  });

  test('in a conversation that may not be read, before the text is checked: the gate charges it too', async () => {
    capability = { 'room:*': ['join', 'send', 'presence'], 'user:*': ['history'] };
    for (const text of ['hello', '', 'a b c d e f g h i'])
      expect(await ask(text)).toMatchObject({ ok: false, problem: { code: 'forbidden' } });
  });
});
