import type { Transcript } from '../address.ts';
import { mapConcurrently } from '../concurrency.ts';
import { serialFloor, serialTime } from '../serial.ts';
import type { Copy, TranscriptEntry, Transcripts } from './transcripts.ts';

/**
 * How long after a message a retry of it counts as the same message, in milliseconds: twice as long as the client
 * retries by default. Receivers remember ids as long.
 */
const REPEAT_WINDOW_MS = 10 * 60_000;

/** The most ids of one query for copies, and the most queries at once. */
const MAX_IDS = 100;
const MAX_CONCURRENT_FINDS = 10;

/** A range of serials that contains the copies of some entries. */
interface Range {
  readonly first: string;
  last: string;
  readonly ids: string[];
}

/**
 * Which of several copies is the message: history, unread counts, search and a resuming client use this rule. Of the
 * copies with one sender and id, the **earliest that is still kept** is the message. A copy is left out if there is an
 * earlier one in the ten minutes before it. Only retries are looked up: a transcript without retries costs nothing.
 *
 * @param retried The entries that may be copies
 * @returns the serials of the copies
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

/** Leaves out the entries that are copies of an earlier one. */
export async function withoutRepeats(
  transcripts: Pick<Transcripts, 'find'>,
  transcript: Transcript,
  entries: readonly TranscriptEntry[],
): Promise<readonly TranscriptEntry[]> {
  const retried = entries.flatMap((entry) => (entry.retried ? [entry.message] : []));
  const repeats = await findRepeats(transcripts, transcript, retried);
  return entries.filter(({ message }) => !repeats.has(message.serial));
}

/** As few ranges as cover the ten minutes before each copy: the copies of a page of search may be days apart. */
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
