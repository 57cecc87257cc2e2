/** Names of users and rooms: no two look the same because of something that cannot be seen. */
import { describe, expect, test } from 'vitest';
import { checkFrame, isUserId } from '../../../protocol/index.ts';

const isRoomName = (room: string) => checkFrame('join', { action: 'join', room }).ok;
const isName = (name: string) => {
  expect(isRoomName(name)).toBe(isUserId(name));
  return isUserId(name);
};
const hex = (codePoint: number) => `U+${codePoint.toString(16).toUpperCase().padStart(4, '0')}`;

test.each([
  'bob',
  'Jürgen 🎈',
  'the quick brown fox',
  'auth0|5f7c',
  'user#1',
  '__proto__',
  '한국',
  'नमस्ते',
  '日本語',
  '👍🏽',
  '🇨🇭',
  'x '.repeat(127),
])('%j is a name', (name) => {
  expect(isName(name.trimEnd())).toBe(true);
});

test.each([' ', ' bob', 'bob ', 'bo  b', '   bob', 'bob\n', '\tbob', 'x'.repeat(257), ''])('%j is none', (name) => {
  expect(isName(name)).toBe(false);
});

describe('what cannot be seen is refused at the beginning, in the middle and at the end', () => {
  test.each([
    ['a variation selector', 0xfe0f],
    ['one of the second kind', 0xe0100],
    ['the grapheme joiner', 0x034f],
    ['a Hangul filler', 0x3164],
    ['a halfwidth Hangul filler', 0xffa0],
    ['a Hangul choseong filler', 0x115f],
    ['a Khmer inherent vowel', 0x17b4],
    ['a Mongolian vowel separator', 0x180e],
    ['a Mongolian variation selector', 0x180b],
    ['an empty Braille pattern', 0x2800],
    ['an empty hieroglyph', 0x13441],
    ['half of one', 0x13442],
    ['a note without a head', 0x1d159],
    ['a no-break space', 0x00a0],
    ['an em space', 0x2003],
    ['an ideographic space', 0x3000],
    ['a line separator', 0x2028],
    ['a next line', 0x0085],
    ['a tab', 0x0009],
    ['a zero width space', 0x200b],
    ['a zero width joiner', 0x200d],
    ['a word joiner', 0x2060],
    ['a byte order mark', 0xfeff],
    ['a soft hyphen', 0x00ad],
    ['a change of the text’s direction', 0x202e],
    ['a letter of a tag', 0xe0041],
    ['what will be invisible once it is assigned', 0xfff0],
    ['the last one of the first plane, which is no character', 0xffff],
    ['one in the middle of it', 0xfdd0],
    ['one of the last plane', 0x10fffe],
    ['a control character', 0x0000],
    ['half of a surrogate pair', 0xd800],
  ])('%s', (_, codePoint) => {
    const character = String.fromCodePoint(codePoint);
    for (const name of [`${character}bob`, `bo${character}b`, `bob${character}`, character])
      expect({ at: hex(codePoint), isName: isName(name) }).toEqual({ at: hex(codePoint), isName: false });
  });
});

test('of all code points exactly those are refused that Unicode says have nothing to show, and four that are empty', () => {
  const refused = /[\p{C}\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u;
  // Unassigned ones and those for private use are shown as a box, or as somebody's font has it.
  const shown = /[\p{Cn}\p{Co}]/u;
  const wrong: string[] = [];
  for (let codePoint = 0; codePoint <= 0x10ffff; codePoint += 1) {
    const character = String.fromCodePoint(codePoint);
    const isEmpty = [0x2800, 0x13441, 0x13442, 0x1d159].includes(codePoint);
    const isBox =
      shown.test(character) && !/[\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}]/u.test(character);
    if (isUserId(`a${character}b`) !== (codePoint === 0x20 || isBox || !(isEmpty || refused.test(character)))) {
      wrong.push(hex(codePoint));
    }
  }
  expect(wrong).toEqual([]);
});

test('nothing is normalised: two ways of writing é are two names, and both are names', () => {
  expect([isName('Zo\u00E9'), isName('Zoe\u0301')]).toEqual([true, true]);
});

test('a name that almost is one is refused in a moment', () => {
  for (const name of [`${'x '.repeat(128)}`, `${'x'.repeat(255)} `, ' '.repeat(256)]) expect(isName(name)).toBe(false);
});
