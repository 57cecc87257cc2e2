import { expect, test } from 'vitest';
import { wordsOf } from '../../../server/words.ts';

test.each([
  ['Hello, World!', ['hello', 'world']],
  ['', []],
  ['?! … — 🎈🎈 "" #', []],
  ['naïve Crème-Brûlée', ['naive', 'creme', 'brulee']],
  ['nai\u0308ve', ['naive']],
  ['ﬁne ＦＵＬＬ ①', ['fine', 'full', '1']],
  ['Straße STRASSE ẞ', ['strasse', 'strasse', 'ss']],
  ['ΟΔΟΣ οδός', ['οδοσ', 'οδοσ']],
  ['İstanbul ISTANBUL ısı', ['istanbul', 'istanbul', 'isi']],
  ['Ёлка чай', ['елка', 'чаи']],
  ["don’t don't", ['dont', 'dont']],
  ['가다 한국어', ['가다', '한국어']],
  ['ガラス カラス', ['ガラス', 'カラス']],
  ['हिन्दी', ['हिनदी']],
  ['v2.1 a1 3,5', ['v2.1', 'a1', '3,5']],
  ['you@example.com', ['you', 'example.com']],
  ['snake_case', ['snake_case']],
])('the words of %j', (text, words) => {
  expect([...wordsOf(text)]).toEqual(words);
});

test('text without spaces has words as well', () => {
  expect([...wordsOf('私は猫が好きです')]).toContain('猫');
  expect([...wordsOf('我喜欢北京')].length).toBeGreaterThan(1);
});

test('of a very long word the beginning counts, and no character is cut in two', () => {
  expect([...wordsOf('x'.repeat(30_000))]).toEqual(['x'.repeat(40)]);
  const [word = ''] = wordsOf('𐐀'.repeat(60));
  expect([...word]).toHaveLength(40);
  expect(word).not.toMatch(/\p{Cs}/u);
});
