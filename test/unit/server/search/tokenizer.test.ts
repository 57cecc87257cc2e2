import { describe, expect, test } from 'vitest';
import {
  indexedWords,
  lookupsIn,
  MAX_LOOKUPS,
  MAX_TEXT_LENGTH,
  parseQuery,
  type Query,
} from '../../../../server/search/tokenizer.ts';

const wordsOf = (text: string) => [...indexedWords(text)].map(({ word }) => word);

/** Whether what somebody looks for is found in a text. */
function finds(text: string, wanted: string): boolean {
  const words = wordsOf(text);
  const holds = (query: Query): boolean => {
    if ('all' in query) return query.all.every(holds);
    if ('written' in query) return [query.written, ...query.or].some(holds);
    const { word, isPrefix } = query;
    return isPrefix ? words.some((each) => each.startsWith(word)) : words.includes(word);
  };
  return holds(parseQuery(wanted).query);
}

describe('the words of a text', () => {
  test.each([
    ['Hello, World!', ['hello', 'world']],
    ['', []],
    ['?! … — 🎈🎈 👨‍👩‍👧 "" #', []],
    ['naïve Crème-Brûlée', ['naive', 'creme', 'brulee', 'cremebrulee']],
    ['nai\u0308ve', ['naive']],
    ['ﬁne ＦＵＬＬ ①', ['fine', 'full', '1']],
    ['Straße STRASSE ẞ', ['strasse', 'strasse', 'ss']],
    ['ΟΔΟΣ οδός', ['οδοσ', 'οδοσ']],
    ['İstanbul ISTANBUL ısı', ['istanbul', 'istanbul', 'isi']],
    ['Ёлка чай', ['елка', 'чаи']],
    ['don’t', ['don', 't', 'dont']],
    ['가다 한국어', ['가다', '한국어']],
    ['हिन्दी नमस्ते', ['हिन्दी', 'नमस्ते']],
    ['مُحَمَّد مـــحمد أحمد', ['محمد', 'محمد', 'احمد']],
    ['שָׁלוֹם', ['שלום']],
    ['co\u00adoperate zero\u200bwidth', ['cooperate', 'zero', 'width']],
    ['Donaudampfschifffahrt', ['donaudampfschifffahrt']],
    ['report_final_v2.pdf', ['report', 'final', 'v2', '2', 'pdf', 'reportfinalv2pdf']],
    ['getUserName', ['getusername', 'get', 'user', 'name']],
    ['HTTPServer2', ['httpserver2', 'http', 'server', '2']],
    ['iPhone15', ['iphone15', 'phone', '15']],
    ['snake_case-kebab', ['snake', 'case', 'kebab', 'snakecasekebab']],
    ['you@example.com', ['you', 'example', 'com', 'youexamplecom']],
    ['v2.1 3,5', ['v2', '2', '1', 'v21', '3', '5', '35']],
    ['a3f9c2e81d07', ['a3f9c2e81d07']],
    ['わたし', ['わた', 'たし', 'し']],
    ['2026年11月', ['2026', '年', '11', '月']],
  ])('%j are %j', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  test('are of bounded length, and no character is cut in two', () => {
    expect(wordsOf('x'.repeat(30_000))).toEqual(['x'.repeat(40)]);
    const [word = ''] = wordsOf('𐐀'.repeat(60));
    expect([...word]).toHaveLength(40);
    expect(word).not.toMatch(/\p{Cs}/u);
  });
});

describe('found', () => {
  test.each([
    [
      'report_final_v2.pdf',
      ['final', 'report', 'v2', 'pdf', 'report_final_v2.pdf', 'final_v2', 'REPORT final', 'rep', 'v2.pdf'],
    ],
    ['we use node.js here', ['js', 'node', 'node.js', 'nodejs', 'node.js here', 'NODE.JS']],
    ['à l’heure', ['heure', 'l’heure', "l'heure", 'lheure', 'l', 'HEU']],
    ["don't", ['dont', 'don’t', 'don']],
    ['dont', ["don't", 'don’t']],
    ['call getUserName()', ['getusername', 'getUserName', 'userName', 'user', 'name', 'get_user_name', 'GETUSER']],
    ['YouTube', ['youtube', 'YOUTUBE', 'YouTube', 'tube', 'you-tube']],
    ['youtube', ['YouTube', 'Youtube']],
    ['iphone', ['iPhone']],
    ['my-kebab-case', ['kebab', 'kebab-case', 'mykebabcase', 'my kebab']],
    ['e-mail', ['email', 'e-mail', 'mail']],
    ['email', ['e-mail']],
    [
      'write to First.Last@mail.example.com!',
      ['first.last@mail.example.com', 'example.com', 'last', '@mail', 'example'],
    ],
    [
      'https://www.example.com/a/Path?q=1#top',
      ['example.com', 'www.example.com', 'path', 'https://www.example.com/a', 'top'],
    ],
    ['release v2.1.0-rc.3', ['2.1', 'v2.1', 'v2.1.0', 'rc', '2.1.0', 'rc.3']],
    ['SD500 and 12px, 1920x1080', ['sd500', '500', 'sd', '12', 'px', '1920', '1080', '1920x1080', 'SD 500']],
    ['2026-11-30', ['2026', '2026-11', '2026-11-30', '30', '20261130']],
    ['C:\\Users\\bob', ['users', 'bob', 'users\\bob']],
    ['#hashTag @some_one', ['hashtag', '#hashtag', 'tag', '@some_one', 'one', 'someone']],
    ['ＦＵＬＬ－ＷＩＤＴＨ', ['full', 'full-width', 'width']],
    ['Straße', ['strasse', 'STRASSE', 'straße', 'STRAẞE', 'stra']],
    ['İSTANBUL', ['istanbul', 'ISTANBUL', 'İstanbul']],
    ['м’ята', ['мʼята', "м'ята", 'мята']],
    ['Hawaiʻi', ['hawaii', "hawai'i", 'Hawaiʻi']],
    ['私は猫が好きです', ['猫', '好き', '猫が好き', '好', 'す', '私は猫が好きです', '猫 好き']],
    ['データベースを作る', ['データベース', 'ベース', 'を作る', 'ー']],
    ['ﾃﾞｰﾀ', ['データ']],
    ['我喜欢北京烤鸭', ['北京', '烤鸭', '北京烤鸭', '喜欢 烤鸭', '京']],
    ['iPhone买了', ['iphone', '买了', 'iPhone买']],
    ['ฉันชอบกินข้าว', ['กินข้าว', 'ข้าว', 'ชอบ', 'ฉัน', 'กินข้า']],
    ['ខ្ញុំ\u200bស្រឡាញ់', ['ស្រឡាញ់', 'ខ្ញុំ']],
    ['नमस्ते दुनिया', ['नमस्ते', 'दुनि', 'दुनिया']],
    ['اَلسَّلَامُ عَلَيْكُمْ', ['السلام', 'عليكم', 'السلا']],
    ['한국어를 배워요', ['한국', '한국어를', '한국어를 배']],
  ])('in %j is each of %j', (text, wanted) => {
    expect(wanted.filter((each) => !finds(text, each))).toEqual([]);
  });

  test.each([
    ['report_final_v2.pdf', ['inal', 'v1', 'fina report', 'final_v3']],
    ['node.js', ['nodes', 'js.node.x', 'o']],
    ['iphone', ['phone']],
    ['データ', ['テータ', 'データベース']],
    ['北京', ['京北', '南京']],
    ['한국어', ['국어']],
    ['वन', ['विन']],
  ])('in %j is none of %j', (text, unwanted) => {
    expect(unwanted.filter((each) => finds(text, each))).toEqual([]);
  });

  test('are the words of UAX #29 and this runtime’s dictionaries, and each text as a whole', () => {
    const segmenter = new Intl.Segmenter('und', { granularity: 'word' });
    const texts = [
      'The quick (“brown”) fox can’t jump 32.3 feet, right? And/or co-operate: see README.md, RFC-9562 or foo_bar.',
      'L’été, c’est aujourd’hui; où es-tu, Zoë? Æther, œuvre, ﬂoß, naïveté.',
      'Der Straßenbahnfahrer fährt über 3,5 km zur Käsespätzle-Party.',
      'Ο Οδυσσέας γύρισε στην Ιθάκη. Що м’ята робить у Києві? Ёжик в тумане.',
      'مرحبًا بالعالم، كيف حالك؟ می‌خواهم کتاب بخوانم. שָׁלוֹם עוֹלָם',
      'नमस्ते दुनिया, आप कैसे हैं? வணக்கம் உலகம் ನಮಸ್ಕಾರ বাংলা ভাষা',
      '私は東京でラーメンを食べました。データベース設計について話しましょう。',
      '我喜欢北京烤鸭，也喜欢上海的小笼包。２０２６年１１月。',
      'สวัสดีชาวโลก วันนี้อากาศดีมาก ພາສາລາວ ភាសាខ្មែរ မြန်မာဘာသာ',
      '한국어를 배우고 있습니다. 안녕하세요?',
    ];
    for (const text of texts) {
      const words = [...segmenter.segment(text)].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []));
      expect(words.filter((word) => !finds(text, word))).toEqual([]);
      expect(finds(text, text)).toBe(true);
    }
  });
});

describe('whatever somebody sends', () => {
  const hostile: [string, string][] = [
    ['U+FDFA, which becomes eighteen', 'ﷺ'.repeat(85_000)],
    ['circled numbers, and other characters that become several', '㋿㌀㍿⒈'.repeat(60_000)],
    ['marks that must be sorted', `a${'\u0301\u0323'.repeat(120_000)}`],
    [
      'marks sorted the other way round, on many letters',
      `a${'\u0301'.repeat(50)}${'\u0323'.repeat(50)}`.repeat(2_000),
    ],
    ['Thai', 'กิน'.repeat(80_000)],
    ['Thai vowels by themselves', '\u0e35'.repeat(250_000)],
    ['Chinese', '北京'.repeat(120_000)],
    ['a compound without end', 'a.b-'.repeat(60_000)],
    ['letters and digits in turn', 'a1'.repeat(120_000)],
    ['humps', 'aB'.repeat(120_000)],
    ['capitals', 'A'.repeat(250_000)],
    ['Hangul letters', '\u1100\u1161\u11a8'.repeat(80_000)],
    ['invisible characters', '\u00ad'.repeat(250_000)],
    ['surrogates', '\ud800'.repeat(250_000)],
    ['letters like apostrophes', '\u02bc'.repeat(250_000)],
  ];

  test.each(hostile)('as many words as a text of bounded length has: %s', (_, text) => {
    let words = 0;
    let length = 0;
    for (const { word } of indexedWords(text)) {
      words += 1;
      length = Math.max(length, [...word].length);
    }
    // At most a word, its parts and the compound for each code unit.
    expect(words).toBeLessThanOrEqual(2 * MAX_TEXT_LENGTH);
    expect(length).toBeLessThanOrEqual(40);
  });

  test.each(hostile)('a query looks up no more than the limit: %s', (_, text) => {
    expect(lookupsIn(parseQuery(text.slice(0, 200)).query).length).toBeLessThanOrEqual(MAX_LOOKUPS);
  });
});

describe('a query', () => {
  test('counts a compound as one word', () => {
    expect(parseQuery('report_final_v2.pdf, from bob@example.com').words).toBe(3);
    expect(parseQuery('?! 🎈').words).toBe(0);
    expect(parseQuery('東京ラーメン 2026年').words).toBe(2);
  });

  test('leaves out other ways to write a word, then the end of compounds, where there would be too many', () => {
    const lookedUp = (text: string) => lookupsIn(parseQuery(text).query).map(({ word }) => word);
    expect(lookedUp('a-b')).toEqual(['a', 'b', 'ab']);
    expect(lookedUp('aa-bb-cc-dd-ee-ff-gg-hh-ii-jj-kk-ll-mm-nn-oo-pp').join('-')).toBe(
      'aa-bb-cc-dd-ee-ff-gg-hh-ii-jj-kk-ll-mm-nn-oo-pp',
    );
    const long = 'aa-bb-cc-dd-ee-ff-gg-hh-ii-jj-kk-ll-mm-nn-oo-pp-qq-rr ss';
    expect(lookedUp(long)).toHaveLength(MAX_LOOKUPS);
    expect(finds('aa-bb-cc-dd-ee-ff-gg-hh-ii-jj-kk-ll-mm-nn-oo-pp-qq-rr ss', long)).toBe(true);
  });

  test('treats its last word as a prefix, and a single letter as a word', () => {
    expect(lookupsIn(parseQuery('lunch no').query)).toEqual([
      { word: 'lunch', isPrefix: false },
      { word: 'no', isPrefix: true },
    ]);
    expect(lookupsIn(parseQuery('vitamin c').query).at(-1)).toEqual({ word: 'c', isPrefix: false });
  });
});
