/** The longest word, in code points: of a longer one the beginning counts. It is a part of a sort key. */
const MAX_WORD_LENGTH = 40;

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/** Marks that change how a letter is said, and not which letter it is; in Japanese they do. */
const DIACRITICS = /(?![\u3099\u309a])(?=\p{M})\p{Diacritic}/gu;

const APOSTROPHES = /['\u2019]/g;

/** The words of a text, in their order, as they are compared: without regard to case, diacritics and ways of writing. */
export function* wordsOf(text: string): Iterable<string> {
  for (const { segment, isWordLike } of segmenter.segment(text.normalize('NFKC'))) {
    const word = isWordLike ? fold(segment) : '';
    if (word !== '') yield word;
  }
}

function fold(word: string): string {
  const bare = word.normalize('NFKD').replace(DIACRITICS, '');
  // By way of upper case, so that "ß", "ẞ" and "SS" are the same; the last sigma of a Greek word is one like the others.
  const folded = bare.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').normalize('NFKC');
  return [...folded.replace(APOSTROPHES, '')].slice(0, MAX_WORD_LENGTH).join('');
}
