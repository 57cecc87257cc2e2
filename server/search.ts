import {
  DEFAULT_PAGE_MESSAGES,
  MAX_SEARCH_WORDS,
  type Problem,
  problem,
  type Result,
  type SearchFrame,
  type SearchReply,
} from '../protocol/index.ts';
import { peerAddress, type Transcript, transcriptOf } from './address.ts';
import type { Permit } from './admission.ts';
import type { Connection } from './connection.ts';
import { createPage } from './page.ts';
import { withoutRepeats } from './repeats.ts';
import type { Hit, SearchIndex } from './search-index.ts';
import type { Transcripts } from './transcripts.ts';
import { wordsOf } from './words.ts';

/** Finds the messages of a conversation in which all words occur, the last one as the beginning of a word. */
export type Search = (
  connection: Connection,
  frame: Pick<SearchFrame, 'conversation' | 'text' | 'before' | 'limit'>,
) => Promise<Result<Omit<SearchReply, 'id'>>>;

/** The shortest beginning of a word that is looked for as one, in code points. A shorter last word is looked for as it is. */
const MIN_PREFIX_LENGTH = 2;

/** Queries for the words that begin with a prefix: each gives some thousand rows. */
const MAX_PREFIX_QUERIES = 5;

/** Rounds of reading on in the words that hold up the others: with so many, a page that is not full is given as it is. */
const MAX_ROUNDS = 40;

/** What is known of one of the words that were asked for. */
interface Term {
  readonly hits: Map<string, Hit>;
  /** Absent: all of its hits are known. Otherwise those down to this serial. */
  knownTo?: string;
  readonly word: string;
}

export function createSearch(dependencies: {
  permit: Permit;
  index: SearchIndex;
  transcripts: Pick<Transcripts, 'find'>;
}): Search {
  const { permit, index, transcripts } = dependencies;

  async function readOn(transcript: Transcript, term: Term, before: string | undefined): Promise<void> {
    const { hits, next } = await index.find(transcript, term.word, before);
    for (const hit of hits) term.hits.set(hit.serial, hit);
    if (next === undefined) delete term.knownTo;
    else term.knownTo = next;
  }

  async function exact(transcript: Transcript, word: string, before: string | undefined): Promise<Term> {
    const term: Term = { word, hits: new Map() };
    await readOn(transcript, term, before);
    return term;
  }

  /** Rows are in the order of the words, so that the newest are known only when all are. Nothing: there are too many. */
  async function beginning(transcript: Transcript, prefix: string, before = '~'): Promise<Term | undefined> {
    const term: Term = { word: prefix, hits: new Map() };
    let from: string | undefined;
    for (let queries = 0; queries < MAX_PREFIX_QUERIES; queries += 1) {
      const { hits, next } = await index.findPrefix(transcript, prefix, from);
      for (const hit of hits) if (hit.serial < before) term.hits.set(hit.serial, hit);
      if (next === undefined) return term;
      from = next;
    }
    return undefined;
  }

  /** The newest hits that all terms have, more than `limit` if there are; and down to where that is all of them. */
  async function common(transcript: Transcript, terms: readonly Term[], limit: number) {
    for (let round = 0; ; round += 1) {
      const knownTo = terms.reduce<string | undefined>((highest, term) => later(highest, term.knownTo), undefined);
      const hits = intersection(terms).filter(({ serial }) => knownTo === undefined || serial >= knownTo);
      if (hits.length > limit || knownTo === undefined || round === MAX_ROUNDS) return { hits, knownTo };
      const behind = terms.filter((term) => term.knownTo === knownTo);
      await Promise.all(behind.map((term) => readOn(transcript, term, knownTo)));
    }
  }

  async function readPage(transcript: Transcript, terms: readonly Term[], limit: number) {
    const { hits, knownTo } = await common(transcript, terms, limit);
    const wanted = hits.slice(0, limit);
    const entries = await withoutRepeats(transcripts, transcript, await index.fetch(wanted));
    const page = createPage(limit);
    const isWhole = entries.every(({ message }) => page.add(message));
    const { messages } = page;
    if (!isWhole) return { messages, next: messages.at(-1)?.serial };
    return { messages, next: hits.length > limit ? wanted.at(-1)?.serial : knownTo };
  }

  return async (connection, { conversation, text, before, limit = DEFAULT_PAGE_MESSAGES }) => {
    const words = [...wordsOf(text)];
    const wrong = problemOf(words);
    if (wrong) return { ok: false, problem: wrong };
    const permitted = await permit(connection, 'history', [peerAddress(conversation)]);
    if (!permitted.ok) return permitted;
    const transcript = transcriptOf(connection.userId, conversation);
    const last = words.at(-1) ?? '';
    const isPrefix = [...last].length >= MIN_PREFIX_LENGTH;
    const whole = new Set(isPrefix ? words.slice(0, -1) : words);
    const terms = await Promise.all([
      ...(isPrefix ? [beginning(transcript, last, before)] : []),
      ...[...whole].map((word) => exact(transcript, word, before)),
    ]);
    if (!terms.every((term) => term !== undefined)) {
      return { ok: false, problem: problem('search_too_broad') };
    }
    const { messages, next } = await readPage(transcript, terms, limit);
    return { ok: true, value: { type: 'search', conversation, messages, ...(next !== undefined && { next }) } };
  };
}

function problemOf(words: readonly string[]): Problem | undefined {
  if (words.length === 0) return problem('invalid_frame', '"text" must hold at least one word');
  if (words.length <= MAX_SEARCH_WORDS) return undefined;
  return problem('invalid_frame', `"text" must hold at most ${MAX_SEARCH_WORDS} words, got ${words.length}`);
}

/** The hits that all terms have, the newest first. */
function intersection(terms: readonly Term[]): readonly Hit[] {
  const [rarest, ...others] = terms.toSorted((a, b) => a.hits.size - b.hits.size);
  return [...(rarest?.hits.values() ?? [])]
    .filter(({ serial }) => others.every(({ hits }) => hits.has(serial)))
    .sort((a, b) => (a.serial < b.serial ? 1 : -1));
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  return one === undefined || (other !== undefined && other > one) ? other : one;
}
