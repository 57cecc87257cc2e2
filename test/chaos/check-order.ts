import { scopeOf } from './check-rooms.ts';
import { groupBy, key } from './group-by.ts';
import type { Received, Sent } from './record.ts';

/** A message that a session handed over after later messages of the same sender. */
export interface Overtaken {
  readonly session: string;
  readonly id: string;
  /** The later messages that arrived first. */
  readonly by: readonly string[];
}

export type SentById = ReadonlyMap<string, Sent & { readonly at: number }>;

/**
 * Finds messages that arrived after one of the same sender with a higher number. Another check counts copies. Stored and
 * ephemeral messages are separate orders: the client sends an ephemeral one again where the log has the stored ones. Each
 * membership in a room is a separate order too: the promise holds for each address.
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

/** Returns the first copy of each message in each membership of a session. */
function firstCopies(received: readonly Received[]): readonly Received[] {
  const seen = new Set<string>();
  return received.filter((entry) => {
    const copy = key(scopeOf(entry), entry.id);
    const isFirst = !seen.has(copy);
    seen.add(copy);
    return isFirst;
  });
}

/** Whether a resume brought a message back to its sending device, which has forgotten it. Such copies have no promised order. */
function isOwnCopy({ device }: Received, sent: Sent | undefined): boolean {
  return sent?.device === device;
}
