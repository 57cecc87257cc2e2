import { findOvertaken, type Overtaken, type SentById } from './check-order.ts';
import { expectedInRooms, findRoomStrays, isFromBeforeJoining, scopeOf } from './check-rooms.ts';
import { groupBy, key } from './group-by.ts';
import type { Entry, Received } from './record.ts';

/** A message and a device that wrongly lacks it or wrongly has it. */
export interface Missing {
  readonly device: string;
  readonly id: string;
}

/** A message that a session handed over more than once. */
export interface Duplicate {
  readonly session: string;
  readonly id: string;
  readonly times: number;
}

/** The faults of a run. All lists are empty if it is clean. */
export interface Findings {
  /** Acknowledged stored messages that a device of the recipient silently missed. */
  readonly lost: readonly Missing[];
  /** The same, but the client announced a gap. */
  readonly announced: readonly Missing[];
  readonly duplicated: readonly Duplicate[];
  readonly reordered: readonly Overtaken[];
  /** Messages that a device of another user got. */
  readonly strays: readonly Missing[];
  /** Announced gaps. None may occur within the retention. */
  readonly gaps: number;
  /** User messages that a restarted app handed over again. They are not faults, but should be few. */
  readonly again: number;
}

/** Checks a run's record against the guarantees G1 to G6. */
export function check(entries: readonly Entry[]): Findings {
  const received = entries.filter((entry) => entry.type === 'received');
  const sentById = new Map(entries.flatMap((entry) => (entry.type === 'sent' ? [[entry.id, entry] as const] : [])));
  const isFromBefore = isFromBeforeJoining(entries);
  const missing = findMissing(entries, sentById, received);
  return {
    lost: missing.filter(({ announced }) => !announced).map(({ device, id }) => ({ device, id })),
    announced: missing.filter(({ announced }) => announced).map(({ device, id }) => ({ device, id })),
    duplicated: findDuplicates(received),
    reordered: findOvertaken(
      received.filter((entry) => !isFromBefore(entry)),
      sentById,
    ),
    strays: findStrays(entries, sentById, received),
    gaps: entries.filter(({ type }) => type === 'gap').length,
    again: countAgain(received, sentById),
  };
}

/** Whether a run kept every promise. */
export function isClean({ lost, announced, duplicated, reordered, strays, gaps }: Findings): boolean {
  return [lost, announced, duplicated, reordered, strays].every(({ length }) => length === 0) && gaps === 0;
}

/** Lists acknowledged stored messages, each with a device that must get it. */
export function expectedDeliveries(entries: readonly Entry[]): readonly Missing[] {
  return [...expectedOfUsers(entries), ...expectedInRooms(entries)];
}

function expectedOfUsers(entries: readonly Entry[]): readonly Missing[] {
  const acked = new Set(entries.flatMap((entry) => (entry.type === 'acked' ? [entry.id] : [])));
  const devicesOf = groupBy(
    entries.filter((entry) => entry.type === 'device'),
    ({ user }) => user,
  );
  return entries
    .filter((entry) => entry.type === 'sent')
    .filter(({ id, room, stored }) => room === undefined && stored && acked.has(id))
    .flatMap(({ id, device: sender, user, to, echo }) => {
      const ofRecipients = [...new Set(to)].flatMap((recipient) => devicesOf.get(recipient) ?? []);
      const own = echo && !to.includes(user) ? (devicesOf.get(user) ?? []) : [];
      return [...ofRecipients, ...own].filter(({ device }) => device !== sender).map(({ device }) => ({ device, id }));
    });
}

function findMissing(entries: readonly Entry[], sentById: SentById, received: readonly Received[]) {
  const had = new Set(received.map(({ device, id }) => key(device, id)));
  const deviceOf = new Map(
    entries.flatMap((entry) => (entry.type === 'session' ? [[entry.session, entry.device] as const] : [])),
  );
  const gaps = entries.filter((entry) => entry.type === 'gap');
  const wasHad = wasHadElsewhere(entries);
  return expectedDeliveries(entries)
    .filter(
      ({ device, id }) => !had.has(key(device, id)) && !(wasHad(device, id) && sentById.get(id)?.room === undefined),
    )
    .map(({ device, id }) => {
      const sentAt = sentById.get(id)?.at ?? 0;
      return {
        device,
        id,
        announced: gaps.some(({ session, at }) => deviceOf.get(session) === device && at >= sentAt),
      };
    });
}

/**
 * Whether another device of the user had a message before this restarted device was connected. A restarted device remembers
 * nothing, so it gets only the messages that no device of the user had.
 */
function wasHadElsewhere(entries: readonly Entry[]): (device: string, id: string) => boolean {
  const userOf = new Map<string, string>();
  const deviceOf = new Map<string, string>();
  const restarted = new Set<string>();
  const connectedAt = new Map<string, number>();
  const hadAt = new Map<string, number>();
  const note = (user: string | undefined, id: string, at: number) => {
    if (!hadAt.has(key(user ?? '', id))) hadAt.set(key(user ?? '', id), at);
  };
  for (const [at, entry] of entries.entries()) {
    if (entry.type === 'device') userOf.set(entry.device, entry.user);
    else if (entry.type === 'received') note(userOf.get(entry.device), entry.id, at);
    else if (entry.type === 'sent') note(entry.to.includes(entry.user) ? undefined : entry.user, entry.id, at);
    else if (entry.type === 'session') {
      if ([...deviceOf.values()].includes(entry.device)) restarted.add(entry.session);
      deviceOf.set(entry.session, entry.device);
    } else if (entry.type === 'state' && entry.status === 'connected' && restarted.has(entry.session))
      connectedAt.set(deviceOf.get(entry.session) ?? '', at);
  }
  return (device, id) =>
    (hadAt.get(key(userOf.get(device) ?? '', id)) ?? Number.POSITIVE_INFINITY) < (connectedAt.get(device) ?? 0);
}

/** Counts how often a restarted device handed over a message again. */
function countAgain(received: readonly Received[], sentById: SentById): number {
  const toUsers = received.filter(({ id }) => sentById.get(id)?.room === undefined);
  const sessions = groupBy(toUsers, ({ device, id }) => key(device, id));
  return [...sessions.values()].reduce(
    (sum, copies) => sum + new Set(copies.map(({ session }) => session)).size - 1,
    0,
  );
}

function findDuplicates(received: readonly Received[]): readonly Duplicate[] {
  return [...groupBy(received, (entry) => key(scopeOf(entry), entry.id)).values()].flatMap((copies) => {
    const [first] = copies;
    return first && copies.length > 1 ? [{ session: first.session, id: first.id, times: copies.length }] : [];
  });
}

function findStrays(entries: readonly Entry[], sentById: SentById, received: readonly Received[]): readonly Missing[] {
  const userOf = new Map(
    entries.flatMap((entry) => (entry.type === 'device' ? [[entry.device, entry.user] as const] : [])),
  );
  const isFor = (user: string | undefined, id: string) => {
    const sent = sentById.get(id);
    return sent !== undefined && user !== undefined && (sent.to.includes(user) || (sent.echo && sent.user === user));
  };
  const ofUsers = received.filter(({ id }) => sentById.get(id)?.room === undefined);
  const strays = ofUsers.filter(({ device, id }) => !isFor(userOf.get(device), id));
  return [...strays, ...findRoomStrays(entries, sentById)].map(({ device, id }) => ({ device, id }));
}
