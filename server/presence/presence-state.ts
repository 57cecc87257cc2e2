import { type Address, isRoom } from '../address.ts';

/** What watchers of an address were last told of a user. */
export interface PresenceState {
  readonly userId: string;
  /** Whether the user is there. */
  readonly online: boolean;
  /**
   * Since when, epoch milliseconds. It strictly increases, so that a watcher who gets two states knows the later one.
   */
  readonly sinceMs: number;
}

/**
 * Presence states, and when the next sweep of an address is due: items in the connections table. All reads are strongly
 * consistent.
 */
export interface PresenceStates {
  /** The state of a user at an address; `undefined` if there is none, or it is forgotten ({@link memorySeconds}). */
  read(address: Address, userId: string): Promise<PresenceState | undefined>;

  /** The states of users at their own addresses. Users without a state are left out. */
  readUsers(userIds: readonly string[]): Promise<readonly PresenceState[]>;

  /** The states of all users who count as present at an address, in the order of their ids. */
  online(address: Address): Promise<readonly PresenceState[]>;

  /**
   * Changes a state, unless it is no longer `before`.
   * @returns whether it has changed the state
   */
  announce(address: Address, next: PresenceState, before: PresenceState | undefined): Promise<boolean>;

  /** When sweeps of addresses are due, epoch milliseconds. Absent or past: no sweep is under way. */
  sweeps(addresses: readonly Address[]): Promise<ReadonlyMap<Address, number>>;

  /** Notes when the next sweep of an address is due, unless one is due at `nowMs` or later already. */
  setSweep(address: Address, due: number, nowMs: number): Promise<void>;

  /**
   * Takes on the sweep that is due at `due`; after that, none is due.
   * @returns false, and changes nothing, if another sweep is due at `nowMs` or later
   */
  takeSweep(address: Address, due: number, nowMs: number): Promise<boolean>;
}

/**
 * How long a user may be away before watchers are told, in seconds. A page that reloads comes back at once, and a
 * client that has lost its network within its first attempts.
 */
export const ABSENCE_SECONDS = 15;

/** How long the state of an absent user is kept, in seconds: 30 days; in a room, one day. */
export function memorySeconds(address: Address): number {
  return isRoom(address) ? 24 * 3600 : 30 * 24 * 3600;
}
