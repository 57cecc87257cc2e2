import { groupBy, key } from './group-by.ts';
import type { Entry, Joining, Received, Sent } from './record.ts';

/** A membership of a session in a room. Positions are indexes of the record's entries. */
interface Membership extends Omit<Joining, 'type'> {
  readonly joiningAt: number;
  /** `undefined` if the client never reported the join. */
  readonly joinedAt: number | undefined;
  /** The leave or the app's end; infinite if it stayed to the end. */
  readonly endsAt: number;
}

/**
 * Lists acknowledged stored room messages, each with a device that must get it: a device that reported its join before the message
 * was sent and stayed to the end, or that resumed from an earlier message. The sending device does not get it.
 */
export function expectedInRooms(entries: readonly Entry[]): readonly { device: string; id: string }[] {
  const serials = new Map(
    entries.flatMap((entry) => (entry.type === 'acked' ? [[entry.id, entry.serial] as const] : [])),
  );
  const lasting = groupBy(
    findMemberships(entries).filter(
      ({ joinedAt, endsAt }) => joinedAt !== undefined && endsAt === Number.POSITIVE_INFINITY,
    ),
    ({ room }) => room,
  );
  return entries.flatMap((entry, at) => {
    const serial = entry.type === 'sent' ? serials.get(entry.id) : undefined;
    if (entry.type !== 'sent' || entry.room === undefined || !entry.stored || serial === undefined) return [];
    const { id } = entry;
    return (lasting.get(entry.room) ?? [])
      .filter((membership) => hasToGet(membership, entry, at, serial))
      .map(({ device }) => ({ device, id }));
  });
}

function hasToGet({ device, cursor, joinedAt = 0 }: Membership, sent: Sent, at: number, serial: string): boolean {
  if (device === sent.device) return false;
  return at > joinedAt || (cursor !== undefined && serial > cursor);
}

/** Finds room messages that a session handed over while it was not in the room. */
export function findRoomStrays(entries: readonly Entry[], sentById: ReadonlyMap<string, Sent>): readonly Received[] {
  const memberships = new Map(findMemberships(entries).map((membership) => [membership.membership, membership]));
  return entries.flatMap((entry, at) => {
    const room = entry.type === 'received' ? sentById.get(entry.id)?.room : undefined;
    if (entry.type !== 'received' || room === undefined) return [];
    const membership = memberships.get(entry.membership ?? 0);
    const wasIn =
      membership?.room === room &&
      membership.session === entry.session &&
      membership.joiningAt < at &&
      at < membership.endsAt;
    return wasIn ? [] : [entry];
  });
}

/**
 * Whether a message was sent to a room before the session's join was confirmed. Such a message may arrive after later ones: if
 * its acknowledgement was lost for longer than the overlap, the log gets it again, and a device that joined in between sees only
 * the second entry.
 */
export function isFromBeforeJoining(entries: readonly Entry[]): (received: Received) => boolean {
  const joinedAt = new Map(findMemberships(entries).map((each) => [each.membership, each.joinedAt]));
  const sentAt = new Map(entries.flatMap((entry, at) => (entry.type === 'sent' ? [[entry.id, at] as const] : [])));
  return ({ id, membership }) =>
    membership !== undefined && (sentAt.get(id) ?? 0) < (joinedAt.get(membership) ?? Number.POSITIVE_INFINITY);
}

/** The key of a session's memory, which is separate for each membership. */
export function scopeOf({ session, membership = 0 }: Received): string {
  return key(session, String(membership));
}

function findMemberships(entries: readonly Entry[]): readonly Membership[] {
  const found = new Map<number, Membership>();
  const end = ({ membership, endsAt, ...others }: Membership, at: number) =>
    found.set(membership, { ...others, membership, endsAt: Math.min(endsAt, at) });
  for (const [at, entry] of entries.entries()) {
    const known = 'membership' in entry ? found.get(entry.membership ?? 0) : undefined;
    if (entry.type === 'joining') {
      const { type: _, ...joining } = entry;
      found.set(entry.membership, { ...joining, joiningAt: at, joinedAt: undefined, endsAt: Number.POSITIVE_INFINITY });
    } else if (entry.type === 'joined' && known) found.set(known.membership, { ...known, joinedAt: at });
    else if (entry.type === 'leaving' && known) end(known, at);
    else if (entry.type === 'session') {
      for (const membership of found.values()) if (membership.device === entry.device) end(membership, at);
    }
  }
  return [...found.values()];
}
