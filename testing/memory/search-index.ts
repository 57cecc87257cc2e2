import type { Transcript } from '../../server/address.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import type { Hit, SearchIndex } from '../../server/search/search-index.ts';
import type { MemoryEntry } from './message-log.ts';

interface Row extends Hit {
  readonly transcript: Transcript;
  readonly word: string;
  readonly expiresAt: number;
}

/** A search index in memory, with `pageSize` rows per call. The contract tests hold it to the rules of the DynamoDB index. */
export function createMemorySearchIndex(
  { entries }: { readonly entries: readonly MemoryEntry[] },
  now: Now,
  pageSize = 1000,
): SearchIndex & { readonly rows: ReadonlyMap<string, Row> } {
  const rows = new Map<string, Row>();
  const alive = (transcript: Transcript) =>
    [...rows.values()].filter((row) => row.transcript === transcript && row.expiresAt > toSeconds(now()));
  const keyOf = ({ word, serial }: Row) => `${word}#${serial}`;
  const toHits = (found: readonly Row[], next: (last: Row) => string) => {
    const page = found.slice(0, pageSize);
    const last = found.length > pageSize ? page.at(-1) : undefined;
    return { hits: page.map(({ serial, address }) => ({ serial, address })), ...(last && { next: next(last) }) };
  };
  return {
    rows,
    async add(transcript, hit, words, expiresAt) {
      for (const word of words) {
        rows.set(JSON.stringify([transcript, word, hit.serial]), { ...hit, transcript, word, expiresAt });
      }
    },
    async find(transcript, word, before = '~') {
      const found = alive(transcript).filter((row) => row.word === word && row.serial < before);
      return toHits(
        found.toSorted((a, b) => (a.serial < b.serial ? 1 : -1)),
        ({ serial }) => serial,
      );
    },
    async findPrefix(transcript, prefix, from = '') {
      const found = alive(transcript).filter((row) => row.word.startsWith(prefix) && keyOf(row) > from);
      return toHits(
        found.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
        keyOf,
      );
    },
    async fetch(hits) {
      return hits.flatMap(({ address, serial }) => {
        const entry = entries.find((each) => each.address === address && each.message.serial === serial);
        if (!entry || entry.expiresAt <= toSeconds(now())) return [];
        return [{ message: entry.message, retried: entry.retried ?? false }];
      });
    },
  };
}
