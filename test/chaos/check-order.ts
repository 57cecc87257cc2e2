import { scopeOf } from './check-rooms.ts';
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
 * found in the log. So is what a session got in each of its memberships in rooms: order is promised for each address.
 */
export function findOvertaken(received: readonly Received[], sentById: SentById): readonly Overtaken[] {
  const judged = firstCopies(received).filter((entry) => !isOwnCopy(entry, sentById.get(entry.id)));
  const isStored = (id: string) => String(sentById.get(id)?.stored);
  const streams = groupBy(judged, (entry) => key(scopeOf(entry), entry.sender, isStored(entry.id)));
  return [...streams.values()].flatMap((stream) =>
    stream.flatMap(({ session, id, sequence }, index) => {
      const before = stream.slice(0, index).filter((earlier) => earlier.sequence > sequence);
      return before.length > 0 ? [{ session, id, by: before.map((earlier) => earlier.id) }] : [];
    }),
  );
}

/** Of each message that a session handed over, in each membership, the first copy. */
function firstCopies(received: readonly Received[]): readonly Received[] {
  const seen = new Set<string>();
  return received.filter((entry) => {
    const copy = key(scopeOf(entry), entry.id);
    const isFirst = !seen.has(copy);
    seen.add(copy);
    return isFirst;
  });
}

/** What comes back to the device that sent it, by a resume, is promised to nobody; unless it is an echo of a room. */
function isOwnCopy({ device }: Received, sent: Sent | undefined): boolean {
  if (sent?.device !== device) return false;
  return sent.room === undefined ? sent.echo && !sent.to.includes(sent.user) : !sent.echo;
}
