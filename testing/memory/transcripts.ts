import type { Message } from '../../protocol/index.ts';
import type { Transcript } from '../../server/address.ts';
import { type Now, toSeconds } from '../../server/clock.ts';
import type { Copy, Transcripts } from '../../server/history/transcripts.ts';
import type { MemoryEntry } from './message-log.ts';

/** Transcripts of a log in memory. The contract tests hold them to the rules of the DynamoDB transcripts. */
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
        .map(({ message }) => copyOf(message))
        .filter(({ id, serial }) => ids.includes(id) && serial >= first && serial <= last);
    },
    async count(transcript, { after, except, limit }) {
      const counted = of(transcript).filter(
        ({ message }) => message.serial > after && JSON.stringify(message.from) !== JSON.stringify(except),
      );
      let once = 0;
      const enough = counted.findIndex(({ retried }) => {
        once += retried ? 0 : 1;
        return once > limit;
      });
      const looked = enough === -1 ? counted : counted.slice(0, enough + 1);
      const retried = looked.filter((entry) => entry.retried).map(({ message }) => copyOf(message));
      return { count: looked.length, retried, more: looked.length < counted.length };
    },
  };
}

function copyOf({ id, from, serial }: Message): Copy {
  return { id, from, serial };
}
