/**
 * Splits a text into the words under which it is found, and a query into the words to look up.
 *
 * The rules use only Unicode's categories, scripts and normalization forms, and no dictionary: the next version of the
 * runtime must find what this one has indexed. See docs/decisions/026-words-without-a-dictionary.md.
 */

/** The longest word, in code points. Of a longer word, the beginning counts. It is a part of a sort key. */
const MAX_WORD_LENGTH = 40;

/** How much of a text is read, in UTF-16 code units, before and after normalization. */
export const MAX_TEXT_LENGTH = 32_768;

/** The most words that one query looks up, with all their parts. */
export const MAX_LOOKUPS = 16;

/**
 * The shortest prefix to look up, in letters and marks; a syllable of Hangul has several. A shorter last word is looked
 * up as a whole word.
 */
const MIN_PREFIX_LENGTH = 2;

/** How much of a word is split into parts, in UTF-16 code units. */
const MAX_SPLIT_LENGTH = 4 * MAX_WORD_LENGTH;

/** A word with more parts, such as a checksum, is not a name made of words. */
const MAX_PARTS_OF_WORD = 8;

/** Scripts whose letters are words or syllables, and those of Unicode's line breaking class SA: neither has spaces between words. */
const IDEOGRAPHIC = `${scripts('Hani', 'Hira', 'Kana', 'Bopo', 'Yiii', 'Tang', 'Nshu', 'Kits')}\\u3006\\u303c\\u30fc`;
const COMPLEX = scripts('Thai', 'Laoo', 'Khmr', 'Mymr', 'Tale', 'Talu', 'Lana', 'Tavt', 'Ahom');
const UNSPACED = `[[${IDEOGRAPHIC}${COMPLEX}]&&[\\p{L}\\p{N}\\p{M}]]`;

/** Letters such as U+02BC that belong to no script stand for apostrophes and accents. */
const BEGINNING = `[[\\p{L}\\p{N}]--[\\p{Lm}&&\\p{sc=Zyyy}]--${UNSPACED}]`;

/** The words of a normalized text, and its runs of text without spaces between words. */
const WORDS = new RegExp(`(?<run>[${UNSPACED}--\\p{M}][${UNSPACED}\\p{M}]*)|${BEGINNING}[${BEGINNING}\\p{M}]*`, 'gv');

/** The parts of a word: "HTTPServer2" has "HTTP", "Server" and "2". */
const PARTS = /\p{N}+|[\p{Lu}\p{Lt}]+(?![\p{Ll}\p{M}])|[\p{Lu}\p{Lt}]?[^\p{Lu}\p{Lt}\p{N}]+/gu;

/** A letter with its marks. */
const CHARACTERS = /\P{M}\p{M}*/gu;
const ENDS_COMPLEX = new RegExp(`[${COMPLEX}]\\p{M}*$`, 'v');

/** Characters that join two words: "node.js", "l’heure", "e-mail". */
const CONNECTOR = /^\P{White_Space}$/u;

/**
 * UAX #15 calls a text with at most 30 marks in a row "stream-safe". Sorting more takes time that grows with the
 * square.
 */
const EXCESS_MARKS = /(\p{M}{30})\p{M}+/gu;

/**
 * Marks that do not change a word: accents, Arabic and Hebrew vowels, variants of emoji. The marks of kana make other
 * letters.
 */
const OPTIONAL_MARKS =
  /(?![\u3099\u309a])(?=[\p{sc=Zinh}\p{sc=Arab}\p{sc=Hebr}\p{sc=Syrc}\p{sc=Cyrl}])[\p{Mn}\p{Me}]/gu;

/** Invisible characters, such as soft hyphens and joiners, and the tatweel, which stretches a word. */
const INVISIBLE = /\p{Cf}|\u0640/gu;

/** Invisible, but between words: Khmer and others use it where a word may end a line. */
const WORD_END = '\u200b';

/** A word to look up, or a prefix. */
export interface Lookup {
  readonly word: string;
  readonly isPrefix: boolean;
}

/** What a message must contain: a word, all of some, or a word as it is written or in one of other ways. */
export type Query =
  | Lookup
  | { readonly all: readonly Query[] }
  | { readonly written: Query; readonly or: readonly Query[] };

/** A word as it is written, or a run of text without spaces. */
interface Piece {
  readonly text: string;
  readonly isRun: boolean;
}

/** Words without a space between them. */
type Compound = readonly Piece[];

/** A word under which a text is found. */
export interface IndexedWord {
  readonly word: string;
  /** Whether the text contains the word like this. Otherwise it is a part of a word, or a compound as one word. */
  readonly isWritten: boolean;
}

/**
 * The words under which a text is found, in their order; some come several times. In "report_final-V2.pdf", "report",
 * "final", "v2" and "pdf" are written; "2" and "reportfinalv2pdf" are not. In "getUser", "getuser" is written; "get"
 * and "user" are not. In text without spaces, the words are pairs of neighbours, and the last character.
 */
export function* indexedWords(text: string): Iterable<IndexedWord> {
  for (const compound of compoundsOf(text)) {
    for (const { text: piece, isRun } of compound) {
      for (const word of isRun ? pairsOf(charactersOf(piece)) : [fold(piece)]) yield { word, isWritten: true };
      for (const word of isRun ? [] : partsOf(piece)) yield { word, isWritten: false };
    }
    for (const word of joinedOf(compound)) yield { word, isWritten: false };
  }
}

/**
 * What to look for: every word, the last one as a prefix. A compound is found by its words and as one word: "e-mail"
 * also as "email". If that makes more than {@link MAX_LOOKUPS}, the query leaves out other ways to write a word, then
 * the last words of compounds: so it finds more.
 * @returns also the number of words, with a compound as one
 */
export function parseQuery(text: string): { readonly words: number; readonly query: Query } {
  const compounds = [...compoundsOf(text)];
  const last = compounds.at(-1)?.at(-1);
  let left = MAX_LOOKUPS;
  const take = (lookups: readonly Lookup[]) => {
    const taken = lookups.slice(0, left);
    left -= taken.length;
    return taken;
  };
  const takeAll = (lookups: readonly Lookup[]): readonly Query[] =>
    lookups.length === 0 || lookups.length > left ? [] : [{ all: take(lookups) }];
  const written = compounds.map((compound) =>
    compound
      .map((piece) => ({ piece, isLast: piece === last, lookups: take(lookupsOf(piece, piece === last)) }))
      .filter(({ lookups }) => lookups.length > 0),
  );
  const all = written
    .filter((pieces) => pieces.length > 0)
    .map((pieces, index): Query => {
      const words = pieces.map(({ piece, isLast, lookups }): Query => {
        const parts = piece.isRun ? [] : exactPartsOf(piece.text);
        return { written: { all: lookups }, or: takeAll(toLookups(parts, isLast)) };
      });
      const joined = toLookups(joinedOf(compounds[index] ?? []), index === compounds.length - 1);
      return { written: { all: words }, or: takeAll(joined) };
    });
  return { words: compounds.length, query: { all } };
}

/** Every word that a query looks up. */
export function lookupsIn(query: Query): readonly Lookup[] {
  if ('word' in query) return [query];
  return ('all' in query ? query.all : [query.written, ...query.or]).flatMap(lookupsIn);
}

function* compoundsOf(text: string): Iterable<Compound> {
  const normal = normalize(text);
  let compound: Piece[] = [];
  let end = 0;
  for (const match of normal.matchAll(WORDS)) {
    const gap = normal.slice(end, match.index);
    if (compound.length > 0 && gap !== '' && !CONNECTOR.test(gap)) {
      yield compound;
      compound = [];
    }
    compound.push({ text: match[0], isRun: match.groups?.['run'] !== undefined });
    end = match.index + match[0].length;
  }
  if (compound.length > 0) yield compound;
}

/** One form of each character that Unicode can write in several ways. Some characters become eighteen. */
function normalize(text: string): string {
  const decomposed = text.slice(0, MAX_TEXT_LENGTH).replace(EXCESS_MARKS, '$1').normalize('NFKD');
  return decomposed
    .slice(0, MAX_TEXT_LENGTH)
    .replace(OPTIONAL_MARKS, '')
    .replaceAll(WORD_END, ' ')
    .replace(INVISIBLE, '')
    .normalize('NFC');
}

/** One form of each spelling of a word. */
function fold(word: string): string {
  // Through upper case, so that "ß", "ẞ" and "SS" are the same, and the final sigma of a Greek word is a sigma.
  const folded = word.slice(0, MAX_SPLIT_LENGTH).toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ');
  return [...folded.normalize('NFC')].slice(0, MAX_WORD_LENGTH).join('');
}

/** The words that a word consists of; none if it is only one. A single letter is not a word, a digit is. */
function partsOf(word: string): readonly string[] {
  const parts = word.slice(0, MAX_SPLIT_LENGTH).match(PARTS) ?? [];
  if (parts.length === 1 || parts.length > MAX_PARTS_OF_WORD) return [];
  return parts.map(fold).filter((part) => [...part].length > 1 || /^\p{N}/u.test(part));
}

/** The parts, if they make up the whole word. */
function exactPartsOf(word: string): readonly string[] {
  const parts = partsOf(word);
  return parts.join('') === fold(word) ? parts : [];
}

/** A compound as one word. */
function joinedOf(compound: Compound): readonly string[] {
  if (compound.length === 1 || compound.some(({ isRun }) => isRun)) return [];
  return [
    fold(
      compound
        .slice(0, MAX_WORD_LENGTH)
        .map(({ text }) => text.slice(0, MAX_SPLIT_LENGTH))
        .join(''),
    ),
  ];
}

function charactersOf(run: string): readonly string[] {
  return run.match(CHARACTERS) ?? [];
}

/** Each pair of neighbours, and the last character: a prefix finds every single character. */
function* pairsOf(characters: readonly string[]): Iterable<string> {
  for (const [index, character] of characters.entries()) yield fold(character + (characters[index + 1] ?? ''));
}

function lookupsOf({ text, isRun }: Piece, isLast: boolean): readonly Lookup[] {
  if (!isRun) return toLookups([fold(text)], isLast);
  const characters = charactersOf(text);
  if (characters.length === 1) return [{ word: fold(text), isPrefix: true }];
  // As few pairs as cover the text. The last character of a pair may still lack its marks.
  const starts = Array.from({ length: Math.ceil(characters.length / 2) }, (_, n) =>
    Math.min(2 * n, characters.length - 2),
  );
  const pairs = starts.map((start) => fold(characters.slice(start, start + 2).join('')));
  return toLookups(pairs, isLast && ENDS_COMPLEX.test(text));
}

/** The lookups of words. The last word of a query is a prefix. */
function toLookups(words: readonly string[], isLast: boolean): readonly Lookup[] {
  return words.map((word, index) => ({
    word,
    isPrefix: isLast && index === words.length - 1 && [...word.normalize('NFD')].length >= MIN_PREFIX_LENGTH,
  }));
}

function scripts(...names: readonly string[]): string {
  return names.map((name) => `\\p{sc=${name}}`).join('');
}
