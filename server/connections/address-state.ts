import type { Shown } from '../../protocol/index.ts';
import type { Address, UserAddress } from '../address.ts';

/** What is known of an address beside its subscribers and its log. */
export interface AddressState {
  /** Of a user: everything up to it has been acknowledged by a device of theirs. */
  readonly cursor?: string;
  /** A late delivery: whoever resumes from before `markedAt` (epoch milliseconds) must resume from `serial`. */
  readonly late?: { readonly serial: string; readonly markedAt: number };
}

/** The states of addresses, items of their own in the connections table. */
export interface AddressStates {
  /** Strongly consistent. */
  read(address: Address): Promise<AddressState>;

  /** Moves the acknowledged cursor forward; never back. */
  acknowledge(address: UserAddress, cursor: string): Promise<void>;

  /**
   * Keeps what a device of the user has handed to its application that a resume from `cursor` brings again, in place of
   * what was kept before. Changes nothing when that is of a device that had come further.
   */
  keepShown(address: UserAddress, cursor: string, shown: readonly Shown[]): Promise<void>;

  /** What {@link keepShown} has kept. Strongly consistent. */
  readShown(address: UserAddress): Promise<readonly Shown[]>;

  /** Widens the resumes that begin before now to include `serial`. */
  markLate(address: Address, serial: string): Promise<void>;
}
