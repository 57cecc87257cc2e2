import { type Address, isRoom } from '../address.ts';

/** What has last been announced of a user at an address. */
export interface PresenceState {
  readonly userId: string;
  /** Whether they are there. */
  readonly online: boolean;
  /** Since when, epoch milliseconds. Strictly increases, so that whoever hears of two knows which is the later one. */
  readonly since: number;
}

/** What is announced, and when it is looked at again: items in the connections table. All reads are strongly consistent. */
export interface PresenceStates {
  /** What is announced of a user at an address; `undefined` if they have not been there for as long as that is kept. */
  read(address: Address, userId: string): Promise<PresenceState | undefined>;

  /** What is announced of users at their own addresses; of those never announced, nothing. */
  readUsers(userIds: readonly string[]): Promise<readonly PresenceState[]>;

  /** Everybody who is announced as being at an address, in the order of their ids. */
  online(address: Address): Promise<readonly PresenceState[]>;

  /**
   * Announces, unless something else than `before` has been announced meanwhile.
   * @returns whether it is announced
   */
  announce(address: Address, next: PresenceState, before: PresenceState | undefined): Promise<boolean>;

  /** When addresses are looked at again, epoch milliseconds. Absent, or past: nobody has said so. */
  sweeps(addresses: readonly Address[]): Promise<ReadonlyMap<Address, number>>;

  /** Says when an address is looked at again, unless that is said already and is not before `nowMs`. */
  setSweep(address: Address, due: number, nowMs: number): Promise<void>;

  /**
   * Takes on the recheck that is due then, after which none is said to come.
   * @returns false, and nothing is changed, if another one is said to come that is not before `nowMs`
   */
  takeSweep(address: Address, due: number, nowMs: number): Promise<boolean>;
}

/**
 * How long somebody may be away before it is announced, in seconds: a page that is loaded again comes back at once, and
 * a client that has lost its network within its first attempts.
 */
export const ABSENCE_SECONDS = 15;

/** How long it is remembered that a user has gone, in seconds: 30 days; that they have left a room: one. */
export function memorySeconds(address: Address): number {
  return isRoom(address) ? 24 * 3600 : 30 * 24 * 3600;
}
