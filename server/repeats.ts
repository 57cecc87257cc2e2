import type { Message } from '../protocol/index.ts';
import type { Transcript } from './address.ts';
import { serialFloor, serialTime } from './serial.ts';
import type { Entry, Transcripts } from './transcripts.ts';

/**
 * How long after a message it may have been sent again, in milliseconds, so that the two count as one: twice as long as
 * the client keeps trying by default. Receivers remember ids as long.
 */
const REPEAT_WINDOW_MS = 10 * 60_000;

/** Leaves out the entries for which an earlier one stands. Only where some were sent again is it looked for those. */
export async function withoutRepeats(
  transcripts: Pick<Transcripts, 'find'>,
  transcript: Transcript,
  entries: readonly Entry[],
): Promise<readonly Entry[]> {
  const suspects = entries.flatMap(({ message, retried }) => (retried ? [message] : []));
  const serials = suspects.map(({ serial }) => serial).toSorted();
  const [earliest] = serials;
  const last = serials.at(-1);
  if (earliest === undefined || last === undefined) return entries;
  const range = { first: serialFloor(serialTime(earliest) - REPEAT_WINDOW_MS), last };
  const ids = suspects.map(({ id }) => id);
  const found = await transcripts.find(transcript, ids, range);
  const firsts = new Map<string, string>();
  for (const message of found) {
    const first = firsts.get(identityOf(message));
    if (first === undefined || message.serial < first) firsts.set(identityOf(message), message.serial);
  }
  return entries.filter(
    ({ message, retried }) => !retried || (firsts.get(identityOf(message)) ?? message.serial) === message.serial,
  );
}

function identityOf({ from, id }: Pick<Message, 'from' | 'id'>): string {
  return JSON.stringify([from, id]);
}
