import { groupBy, key } from './group-by.ts';
import type { Received, Sent } from './record.ts';

/** A message that a session handed over after later ones of the same sender. */
export interface Overtaken {
  readonly session: string;
  readonly id: string;
  /** The later messages that came before it. */
  readonly by: readonly string[];
}

export type SentById = ReadonlyMap<string, Sent & { readonly at: number }>;

/**
 * Of each sender's messages, those that came after one with a higher number; copies are counted elsewhere. Those that
 * are stored and those that are not are judged apart: what is not stored has to be sent again where the others are
 * found in the log.
 */
export function findOvertaken(received: readonly Received[], sentById: SentById): readonly Overtaken[] {
  const judged = firstCopies(received).filter((entry) => !isOwnCopy(entry, sentById.get(entry.id)));
  const isStored = (id: string) => String(sentById.get(id)?.stored);
  const streams = groupBy(judged, ({ session, sender, id }) => key(session, sender, isStored(id)));
  return [...streams.values()].flatMap((stream) =>
    stream.flatMap(({ session, id, sequence }, index) => {
      const before = stream.slice(0, index).filter((earlier) => earlier.sequence > sequence);
      return before.length > 0 ? [{ session, id, by: before.map((earlier) => earlier.id) }] : [];
    }),
  );
}

/** Of each message that a session handed over, the first copy. */
function firstCopies(received: readonly Received[]): readonly Received[] {
  const seen = new Set<string>();
  return received.filter(({ session, id }) => {
    const isFirst = !seen.has(key(session, id));
    seen.add(key(session, id));
    return isFirst;
  });
}

/** Copies are for the sender's other devices: one that comes back to its own, by a resume, is promised to nobody. */
function isOwnCopy({ device }: Received, sent: Sent | undefined): boolean {
  return sent?.echo === true && sent.device === device && !sent.to.includes(sent.user);
}
