import type { Address } from './address.ts';

/** One connection of an address. */
export interface Mapping {
  readonly address: Address;
  readonly connectionId: string;
  /** The Management API endpoint of the API that holds the connection. */
  readonly callbackUrl: string;
  /** Epoch seconds. From then on the mapping does not exist for any reader, whenever DynamoDB deletes the item. */
  readonly expiresAt: number;
}

/** What `register` writes. */
export interface Registration extends Mapping {
  readonly userId: string;
  /** Epoch seconds. */
  readonly registeredAt: number;
  /** Epoch seconds. */
  readonly tokenExpiresAt: number;
}

/** Address → connections, in the connections table. Reads never return an expired mapping. */
export interface Directory {
  put(registration: Registration): Promise<void>;

  /** The unexpired connections of an address, in no order. Strongly consistent. */
  find(address: Address): Promise<readonly Mapping[]>;

  /**
   * Notes a sign of life: moves `expiresAt` unless the mapping is absent or about to expire.
   * @returns false if there was none to move: an expired mapping has missed messages and is never revived.
   */
  touch(address: Address, connectionId: string, expiresAt: number): Promise<boolean>;

  /** Forgets one connection of an address; fine if it is not there. */
  remove(address: Address, connectionId: string): Promise<void>;
}
