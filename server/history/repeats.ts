import type { Transcript } from '../address.ts';
import { mapConcurrently } from '../concurrency.ts';
import { serialFloor, serialTime } from '../serial.ts';
import type { Copy, TranscriptEntry, Transcripts } from './transcripts.ts';

/**
 * How long after a message it may have been sent again, in milliseconds, so that the two count as one: twice as long as
 * the client keeps trying by default. Receivers remember ids as long.
 */
const REPEAT_WINDOW_MS = 10 * 60_000;

/** The most ids that a transcript looks for at once, and how often it is asked at once. */
const MAX_IDS = 100;
const MAX_CONCURRENT_FINDS = 10;

/** Where the copies of some entries can stand. */
interface Range {
  readonly first: string;
  last: string;
  readonly ids: string[];
}

/**
 * The rule by which history, unread, search and a resuming client agree on what is one message: of the copies under one
 * sender and id the **earliest that is still kept** stands. A copy is left out if there is an earlier one in the ten
 * minutes before it. Only what may be a copy is looked for: a transcript without retries costs nothing.
 *
 * @param retried the entries that may be copies
 * @returns the serials of those that are
 */
export async function findRepeats(
  transcripts: Pick<Transcripts, 'find'>,
  transcript: Transcript,
  retried: readonly Copy[],
): Promise<ReadonlySet<string>> {
  const found = await mapConcurrently(rangesOf(retried), MAX_CONCURRENT_FINDS, ({ ids, ...range }) =>
    transcripts.find(transcript, ids, range),
  );
  const standing = new Map<string, string[]>();
  for (const copy of found.flat()) {
    const serials = standing.get(identityOf(copy)) ?? [];
    standing.set(identityOf(copy), serials);
    serials.push(copy.serial);
  }
  const isRepeat = (copy: Copy) =>
    standing.get(identityOf(copy))?.some((serial) => serial < copy.serial && serial >= beginningOf(copy)) ?? false;
  return new Set(retried.filter(isRepeat).map(({ serial }) => serial));
}

/** Leaves out the entries for which an earlier one stands. */
export async function withoutRepeats(
  transcripts: Pick<Transcripts, 'find'>,
  transcript: Transcript,
  entries: readonly TranscriptEntry[],
): Promise<readonly TranscriptEntry[]> {
  const retried = entries.flatMap((entry) => (entry.retried ? [entry.message] : []));
  const repeats = await findRepeats(transcripts, transcript, retried);
  return entries.filter(({ message }) => !repeats.has(message.serial));
}

/** As few ranges as hold the ten minutes before each: those of a page of search may be days apart. */
function rangesOf(copies: readonly Copy[]): readonly Range[] {
  const ranges: Range[] = [];
  for (const copy of copies.toSorted((a, b) => (a.serial < b.serial ? -1 : 1))) {
    const range = ranges.at(-1);
    if (range && beginningOf(copy) <= range.last && range.ids.length < MAX_IDS) {
      range.last = copy.serial;
      range.ids.push(copy.id);
    } else {
      ranges.push({ first: beginningOf(copy), last: copy.serial, ids: [copy.id] });
    }
  }
  return ranges;
}

function beginningOf({ serial }: Copy): string {
  return serialFloor(serialTime(serial) - REPEAT_WINDOW_MS);
}

function identityOf({ from, id }: Copy): string {
  return JSON.stringify([from, id]);
}
