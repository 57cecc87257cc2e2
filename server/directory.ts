import type { Topic } from './address.ts';
import type { Claims } from './connection.ts';

/** One connection of a topic. */
export interface Mapping {
  readonly address: Topic;
  readonly connectionId: string;
  /** The Management API endpoint of the API that holds the connection. */
  readonly callbackUrl: string;
  /**
   * Epoch seconds: when it ends unless its connection is heard, or when its token does. From then on the mapping does not
   * exist for any reader, whenever DynamoDB deletes the item.
   */
  readonly expiresAt: number;
}

/** What a connection writes that becomes one of a topic. */
export interface Registration extends Mapping, Claims {
  readonly userId: string;
  /** Counts the registrations on this connection. */
  readonly attempt: number;
  /** Epoch seconds. */
  readonly registeredAt: number;
}

/** What a sign of life finds: the claims with which the connection is registered, or why it is not. */
export type TouchOutcome = Claims | 'not_registered' | 'token_expired';

/** What became of a registration. */
export type PutOutcome =
  | 'registered'
  /** A later attempt has come first. */
  | 'superseded'
  /** The connection has missed a message: it must not be revived. */
  | 'removed';

/** Which connections of an address to find. */
export interface FindOptions {
  /** Whether every put that has returned is seen. Otherwise the answer may be some seconds old, at half the price. */
  readonly consistent: boolean;
  /** Enough is enough: more are not read. @default all of them */
  readonly limit?: number;
  /** Only connection ids from the first to the last, both included. @default all of them */
  readonly range?: { readonly first: string; readonly last: string };
}

/** Topic → connections, in the connections table. Reads never return a mapping that is expired or removed. */
export interface Directory {
  /** Makes a mapping, unless the connection was removed or a later attempt has been made. */
  put(registration: Registration): Promise<PutOutcome>;

  /** The connections of an address, in the order of their ids. */
  find(address: Topic, options: FindOptions): Promise<readonly Mapping[]>;

  /**
   * Notes a sign of life: moves `expiresAt` unless the mapping is absent or about to expire, because an expired one has
   * missed messages and is never revived. The token's own expiry stays, and bounds it.
   */
  touch(address: Topic, connectionId: string, expiresAt: number): Promise<TouchOutcome>;

  /** Forgets a connection that has ceased to exist; fine if it is not there. */
  forget(address: Topic, connectionId: string): Promise<void>;

  /**
   * Takes a living connection off the list for good, because it has missed a message: a tombstone stays as long as the
   * connection can live, so that a registration that comes late does not revive it.
   */
  remove(address: Topic, connectionId: string): Promise<void>;
}
