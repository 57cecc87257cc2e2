import { type Address, isRoom } from '../address.ts';
import type { Directory } from '../connections/directory.ts';

/** A user at an address. */
export interface Occupant {
  /** The number of their connections there. */
  readonly connections: number;
  /** Epoch seconds: they are there at least until then, even without another frame. */
  readonly until: number;
}

/**
 * Who is at an address, by user id, in the order of ids. A user is online while a connection of theirs is live, and in
 * a room while one of those connections is in it. Presence states follow from this alone.
 */
export async function occupancy(directory: Directory, address: Address): Promise<ReadonlyMap<string, Occupant>> {
  const present = new Map<string, Occupant>();
  const mappings = isRoom(address)
    ? await directory.members(address)
    : await directory.find(address, { consistent: true });
  for (const { userId, expiresAt } of mappings) {
    const { connections, until } = present.get(userId) ?? { connections: 0, until: 0 };
    present.set(userId, { connections: connections + 1, until: Math.max(until, expiresAt) });
  }
  return new Map([...present].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Whether a user is at an address. */
export async function isPresent(directory: Directory, address: Address, userId: string): Promise<boolean> {
  const mappings = isRoom(address)
    ? await directory.members(address, userId)
    : await directory.find(address, { consistent: true });
  return mappings.length > 0;
}
