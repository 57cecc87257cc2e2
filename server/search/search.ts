import {
  DEFAULT_PAGE_MESSAGES,
  MAX_SEARCH_LENGTH,
  MAX_SEARCH_WORDS,
  problem,
  type Result,
  type SearchFrame,
  type SearchReply,
} from '../../protocol/index.ts';
import { peerAddress, type Transcript, transcriptOf } from '../address.ts';
import type { Connection } from '../connections/connection.ts';
import type { Permit } from '../gate/gate.ts';
import { withoutRepeats } from '../history/repeats.ts';
import type { Transcripts } from '../history/transcripts.ts';
import { createPage } from '../reply-size.ts';
import type { Hit, SearchIndex } from './search-index.ts';
import { type Lookup, lookupsIn, parseQuery, type Query } from './tokenizer.ts';

/** Finds the messages of a conversation that contain all words. The last word may be the beginning of one. */
export type Search = (
  connection: Connection,
  frame: Pick<SearchFrame, 'conversation' | 'text' | 'before' | 'limit'>,
) => Promise<Result<Omit<SearchReply, 'id'>>>;

/** The most queries for one prefix, and for all prefixes of a search. Each returns some thousand rows. */
const MAX_PREFIX_QUERIES = 5;
const MAX_ALL_PREFIX_QUERIES = 15;

/** The most rounds of reading more hits of the words that lag behind. After them, the page is returned as it is. */
const MAX_ROUNDS = 40;

/** What is known of one word of the query. */
interface Term {
  readonly hits: Map<string, Hit>;
  /** Absent: all of its hits are known. Otherwise: the hits down to this serial are known. */
  knownTo?: string;
  readonly word: string;
}

/** What is known of each word, by {@link keyOf}. */
type Terms = ReadonlyMap<string, Term>;

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

  /** Rows are sorted by word, so the newest hits are known only when all are. `undefined`: there are too many. */
  async function beginning(transcript: Transcript, prefix: string, maxQueries: number, before = '~') {
    const term: Term = { word: prefix, hits: new Map() };
    let from: string | undefined;
    for (let queries = 0; queries < maxQueries; queries += 1) {
      const { hits, next } = await index.findPrefix(transcript, prefix, from);
      for (const hit of hits) if (hit.serial < before) term.hits.set(hit.serial, hit);
      if (next === undefined) return term;
      from = next;
    }
    return undefined;
  }

  /** Looks up all words of a query. Prefixes of too many words are left out. */
  async function lookUp(transcript: Transcript, query: Query, before: string | undefined): Promise<Terms> {
    const lookups = new Map(lookupsIn(query).map((lookup) => [keyOf(lookup), lookup]));
    const prefixes = [...lookups.values()].filter(({ isPrefix }) => isPrefix).length;
    const maxQueries = Math.max(1, Math.min(MAX_PREFIX_QUERIES, Math.floor(MAX_ALL_PREFIX_QUERIES / prefixes)));
    const found = await Promise.all(
      [...lookups].map(async ([key, { word, isPrefix }]) => {
        const look = isPrefix ? beginning(transcript, word, maxQueries, before) : exact(transcript, word, before);
        return [key, await look] as const;
      }),
    );
    return new Map(found.flatMap(([key, term]) => (term ? [[key, term] as const] : [])));
  }

  /** The newest hits of a query, more than `limit` if there are, and the serial down to which they are complete. */
  async function newest(transcript: Transcript, query: Query, terms: Terms, limit: number) {
    const known = [...terms.values()];
    for (let round = 0; ; round += 1) {
      const knownTo = known.reduce<string | undefined>((highest, term) => later(highest, term.knownTo), undefined);
      const hits = [...(hitsOf(query, terms)?.values() ?? [])]
        .filter(({ serial }) => knownTo === undefined || serial >= knownTo)
        .sort((a, b) => (a.serial < b.serial ? 1 : -1));
      if (hits.length > limit || knownTo === undefined || round === MAX_ROUNDS) return { hits, knownTo };
      const behind = known.filter((term) => term.knownTo === knownTo);
      await Promise.all(behind.map((term) => readOn(transcript, term, knownTo)));
    }
  }

  async function readPage(transcript: Transcript, query: Query, terms: Terms, limit: number) {
    const { hits, knownTo } = await newest(transcript, query, terms, limit);
    const wanted = hits.slice(0, limit);
    const entries = await withoutRepeats(transcripts, transcript, await index.fetch(wanted));
    const page = createPage(limit);
    const isWhole = entries.every(({ message }) => page.add(message));
    const { messages } = page;
    if (!isWhole) return { messages, next: messages.at(-1)?.serial };
    return { messages, next: hits.length > limit ? wanted.at(-1)?.serial : knownTo };
  }

  return async (connection, { conversation, text, before, limit = DEFAULT_PAGE_MESSAGES }) => {
    const permitted = await permit(connection, 'history', [peerAddress(conversation)]);
    if (!permitted.ok) return permitted;
    const { words, query } = parseQuery(text.slice(0, MAX_SEARCH_LENGTH));
    // The gate has charged it, so it is not an offence: typing a sentence into a search box causes it with each key.
    const wrong = problemOf(text, words);
    if (wrong !== undefined) return { ok: false, problem: problem('search_invalid', wrong) };
    const transcript = transcriptOf(connection.userId, conversation);
    const terms = await lookUp(transcript, query, before);
    if (!hitsOf(query, terms)) return { ok: false, problem: problem('search_too_broad') };
    const { messages, next } = await readPage(transcript, query, terms, limit);
    return { ok: true, value: { type: 'search', conversation, messages, ...(next !== undefined && { next }) } };
  };
}

function problemOf(text: string, words: number): string | undefined {
  if (text.length > MAX_SEARCH_LENGTH) return `"text" must have at most ${MAX_SEARCH_LENGTH} characters`;
  if (words === 0) return '"text" must hold at least one word';
  return words > MAX_SEARCH_WORDS ? `"text" must hold at most ${MAX_SEARCH_WORDS} words, got ${words}` : undefined;
}

function keyOf({ word, isPrefix }: Lookup): string {
  return isPrefix ? `${word}*` : word;
}

/**
 * The known hits of a query. `undefined`: too many words begin with one of its words. Other ways to write a word are
 * left out.
 */
function hitsOf(query: Query, terms: Terms): ReadonlyMap<string, Hit> | undefined {
  if ('word' in query) return terms.get(keyOf(query))?.hits;
  if ('written' in query) {
    const written = hitsOf(query.written, terms);
    const others = query.or.flatMap((each) => hitsOf(each, terms) ?? []);
    return written && others.length > 0 ? new Map([written, ...others].flatMap((hits) => [...hits])) : written;
  }
  const known = query.all.map((each) => hitsOf(each, terms));
  if (!known.every((hits) => hits !== undefined)) return undefined;
  const [rarest, ...others] = known.toSorted((a, b) => a.size - b.size);
  if (others.length === 0) return rarest;
  return new Map([...(rarest ?? [])].filter(([serial]) => others.every((hits) => hits.has(serial))));
}

function later(one: string | undefined, other: string | undefined): string | undefined {
  return one === undefined || (other !== undefined && other > one) ? other : one;
}
