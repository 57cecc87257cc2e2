import type { Shown } from '../../protocol/index.ts';
import type { Address, UserAddress } from '../address.ts';

/** What is known of an address, beside its subscribers and its log. */
export interface AddressState {
  /** The acknowledged cursor of a user: some device has every message up to it. */
  readonly cursor?: string;
  /** A late delivery: a resume from before `markedAt` (epoch milliseconds) must begin at `serial`. */
  readonly late?: { readonly serial: string; readonly markedAt: number };
}

/** The states of addresses, which are items in the connections table. */
export interface AddressStates {
  /** Strongly consistent. */
  read(address: Address): Promise<AddressState>;

  /** Moves the acknowledged cursor forward, never back. */
  acknowledge(address: UserAddress, cursor: string): Promise<void>;

  /**
   * Keeps the messages that a device has handed to its application and that a resume from `cursor` returns again. It
   * replaces what was kept before, unless that came from a device with a later cursor.
   */
  keepShown(address: UserAddress, cursor: string, shown: readonly Shown[]): Promise<void>;

  /** What {@link keepShown} has kept. Strongly consistent. */
  readShown(address: UserAddress): Promise<readonly Shown[]>;

  /** Makes resumes from before now begin at `serial` or earlier. */
  markLate(address: Address, serial: string): Promise<void>;
}
