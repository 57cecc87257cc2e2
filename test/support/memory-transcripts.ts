import type { Transcript } from '../../server/address.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import type { Transcripts } from '../../server/transcripts.ts';
import type { MemoryEntry } from './memory-message-log.ts';

/** The transcripts of a log in memory, held to the same contract as those on DynamoDB. */
export function createMemoryTranscripts(
  { entries }: { readonly entries: readonly MemoryEntry[] },
  now: Now,
): Transcripts {
  const of = (transcript: Transcript) =>
    entries
      .filter(({ address, pair, expiresAt }) => (pair ?? address) === transcript && expiresAt > toSeconds(now()))
      .map(({ message, retried = false }) => ({ message, retried }))
      .sort((a, b) => (a.message.serial < b.message.serial ? -1 : 1));
  return {
    async read(transcript, from, limit) {
      const wanted =
        'after' in from
          ? of(transcript).filter(({ message }) => message.serial > from.after)
          : of(transcript)
              .filter(({ message }) => from.before === undefined || message.serial < from.before)
              .toReversed();
      const read = wanted.slice(0, limit);
      const next = wanted.length > limit ? read.at(-1)?.message.serial : undefined;
      return { entries: read, ...(next !== undefined && { next }) };
    },
    async find(transcript, ids, { first, last }) {
      return of(transcript)
        .map(({ message }) => message)
        .filter(({ id, serial }) => ids.includes(id) && serial >= first && serial <= last);
    },
    async count(transcript, { after, except, limit }) {
      const counted = of(transcript).filter(
        ({ message }) => message.serial > after && JSON.stringify(message.from) !== JSON.stringify(except),
      ).length;
      return counted > limit ? { count: limit, more: true } : { count: counted, more: false };
    },
  };
}
