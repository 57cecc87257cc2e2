import { type Address, presenceAddress, type RoomAddress, type Topic, type UserAddress } from '../address.ts';
import type { Capability } from '../auth/capability.ts';
import type { Charge } from '../gate/rate-limit.ts';
import type { Claims } from './connection.ts';

/**
 * How long a mapping lives without a frame of its connection, in seconds. API Gateway drops a connection after 10 idle
 * minutes; the eleventh covers the difference of two clocks.
 * @see
 *   https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 *   (read 2026-11)
 */
export const IDLE_SECONDS = 11 * 60;

/**
 * This long before its expiry, in seconds, a mapping counts as expired for its owner: a sender's clock may be ahead.
 */
export const EXPIRY_MARGIN_SECONDS = 5;

/** When a mapping made at `nowSeconds` expires, in epoch seconds: never later than its token. */
export function mappingExpiry(nowSeconds: number, tokenExpiresAt: number): number {
  return Math.min(tokenExpiresAt, nowSeconds + IDLE_SECONDS);
}

/**
 * The longest life of a connection, in seconds. A tombstone stays as long.
 * AWS quota "Connection duration for WebSocket API: 2 hours", same page.
 */
export const CONNECTION_LIFE_SECONDS = 2 * 60 * 60;

/** One connection of a topic. */
export interface Mapping {
  readonly address: Topic;
  readonly connectionId: string;
  /** The user of the connection. */
  readonly userId: string;
  /** The Management API endpoint of the API that holds the connection. */
  readonly callbackUrl: string;
  /**
   * Epoch seconds. A frame of the connection moves it, up to the token's expiry. From then on no reader sees the
   * mapping, whenever DynamoDB deletes the item.
   */
  readonly expiresAt: number;
}

/** What a connection writes when it subscribes to a topic. */
export interface Registration extends Mapping, Claims {
  /** Counts the registrations on this connection. */
  readonly attempt: number;
  /** Epoch seconds. */
  readonly registeredAt: number;
}

/**
 * The subscriptions of a connection, beside its user. They are an item of their own: the code that ends a connection finds
 * in it what else to delete, and frames do not have to write it.
 */
export interface Subscriptions {
  readonly rooms: readonly RoomAddress[];
  /** The addresses whose presence it watches. */
  readonly watches: readonly Address[];
}

/** Addresses to add to the subscriptions of a connection, or to remove from them. */
export interface SubscriptionChange {
  readonly kind: keyof Subscriptions;
  readonly addresses: readonly Address[];
}

/** The topics of subscriptions. */
export function topicsOf({ rooms, watches }: Subscriptions): readonly Topic[] {
  return [...rooms, ...watches.map(presenceAddress)];
}

/** The error code when there would be too many. */
export const TOO_MANY = { rooms: 'too_many_rooms', watches: 'too_many_watches' } as const;

/** A touch moves `expiresAt` and takes the charge in one write, or does nothing. */
export interface TouchOptions {
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** Taken from the connection's rate limit. @default nothing */
  readonly charge?: Charge;
}

/** Why nothing has changed. */
export interface TouchRefusal {
  readonly refused: 'not_registered' | 'token_expired' | 'rate_limited';
  /** When the charge will be accepted, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** What a touch finds: the values with which the connection is registered. */
export interface Touched extends Pick<Claims, 'tokenExpiresAt'> {
  /** The hash of the current capability: {@link hashCapability}. */
  readonly capabilityHash: string;
  /** The sum of all charges of the connection. */
  readonly charged: number;
}

/** What a touch finds, or why nothing has changed. */
export type TouchOutcome = Touched | TouchRefusal;

/** The result of a put. */
export type PutOutcome =
  | 'registered'
  /** A later attempt came first. */
  | 'superseded'
  /** The connection has missed a message: it must not be revived. */
  | 'removed';

/** The result of a registration that is charged. If it was made: the sum of all charges of the connection. */
export type EnterOutcome =
  | Pick<Touched, 'charged'>
  | { readonly refused: Exclude<PutOutcome, 'registered'> }
  | (TouchRefusal & { readonly refused: 'rate_limited' });

/** Which connections of an address to find. */
export interface FindOptions {
  /** Whether every completed put is visible. Otherwise the answer may be some seconds old, at half the price. */
  readonly consistent: boolean;
  /** The most mappings to read. @default all of them */
  readonly limit?: number;
  /** Only connection ids from the first to the last, both included. @default all of them */
  readonly range?: { readonly first: string; readonly last: string };
}

/**
 * Topic → connections, in the connections table. Reads never return a mapping that is expired or removed.
 *
 * Only the user's mapping tells whether a connection is live. Mappings of rooms and presence are made once, for as long
 * as a connection can live; one that outlives its connection is deleted when a post finds nobody.
 *
 * Subscribing writes in this order: the user's mapping (the gate), the subscriptions, the topic's mapping. Ending a
 * connection deletes in the same order. So a frame that the gate refuses writes nothing, and the subscriptions name a
 * topic for as long as its mapping may exist.
 */
export interface Directory {
  /**
   * Makes a mapping, unless the connection was removed or a later attempt has made one. Subscriptions stay as they are.
   */
  put(registration: Registration): Promise<PutOutcome>;

  /**
   * Makes the mapping of a connection at its user, as `put` does, and takes a charge from its rate limit in the same
   * write.
   */
  enter(registration: Registration, charge: Charge): Promise<EnterOutcome>;

  /** The connections of an address, in the order of their ids. */
  find(address: Topic, options: FindOptions): Promise<readonly Mapping[]>;

  /**
   * The connections in a room, of everybody or of one user: both their mapping in the room and their user's mapping are
   * live. Strongly consistent; the user's mappings are read last. `expiresAt` is when the first of the two mappings
   * ends.
   */
  members(room: RoomAddress, userId?: string): Promise<readonly Mapping[]>;

  /**
   * Keeps a connection alive: moves `expiresAt`, unless the mapping is absent or about to expire. An expired mapping
   * has missed messages and is never revived. The token's expiry stays, and bounds it.
   */
  touch(address: UserAddress, connectionId: string, options: TouchOptions): Promise<TouchOutcome>;

  /**
   * Takes `cost` back from the charges of a connection, and makes it wait: its arrival time becomes `arrivesAt`, in
   * epoch milliseconds. Does nothing if the connection is gone.
   */
  holdBack(
    address: UserAddress,
    connectionId: string,
    options: { readonly cost: number; readonly arrivesAt: number },
  ): Promise<void>;

  /**
   * Adds to the subscriptions of a connection: all of the addresses, or none. Call it after the gate, and before the
   * topics' mappings are made.
   * @returns false if there would be more than `most` of the kind
   */
  addSubscriptions(
    address: UserAddress,
    connectionId: string,
    change: SubscriptionChange,
    most: number,
  ): Promise<boolean>;

  /** Removes from the subscriptions of a connection. Does nothing if they are not there. */
  removeSubscriptions(address: UserAddress, connectionId: string, change: SubscriptionChange): Promise<void>;

  /** The subscriptions of a connection, strongly consistent. */
  subscriptions(address: UserAddress, connectionId: string): Promise<Subscriptions>;

  /**
   * Keeps the capability of a newer token and the one before it, beside the subscriptions. Call it before the put of
   * the mapping with its hash. An attempt that is not the latest keeps nothing.
   */
  keepCapability(
    address: UserAddress,
    connectionId: string,
    options: { readonly capability: Capability; readonly attempt: number },
  ): Promise<void>;

  /** The kept capability with this hash, strongly consistent; `undefined` if there is none. */
  capability(address: UserAddress, connectionId: string, hash: string): Promise<Capability | undefined>;

  /**
   * Forgets a connection that no longer exists: its user's mapping, its subscriptions, then the mapping that showed it
   * and all topics of the subscriptions. Does nothing where they are missing: a handler may have died in between. If a
   * removal fails, it rejects after all others.
   * @param mayBeAlive Whether the connection may register again. Then its user's mapping expires instead, unless the
   *   first attempt made it: its number keeps out an older registration that comes late, which would hide that the
   *   connection has missed messages. A tombstone stays. @default false
   * @returns the subscriptions, as far as they were still known
   */
  forget(mapping: Pick<Mapping, 'address' | 'connectionId' | 'userId'>, mayBeAlive?: boolean): Promise<Subscriptions>;

  /**
   * Extends mappings of a connection to the expiry of a newer token. A mapping whose token has expired has missed
   * messages, and is not revived.
   * @returns the topics whose mappings were extended
   */
  renew(connectionId: string, topics: readonly Topic[], tokenExpiresAt: number): Promise<readonly Topic[]>;

  /**
   * Takes back the put of an attempt, or of an earlier one. Does nothing if there is none.
   * @returns 'superseded' if a later attempt has made the mapping: it stays
   */
  withdraw(address: Topic, connectionId: string, attempt: number): Promise<'withdrawn' | 'superseded'>;

  /** Unsubscribes a connection from some topics. Does nothing where it is not subscribed. Rejects as `forget` does. */
  unsubscribe(connectionId: string, topics: readonly Topic[]): Promise<void>;

  /**
   * Permanently unsubscribes a live connection from a topic, because it missed a message. A tombstone stays as long as
   * the connection can live, so that a late registration does not revive it. Its subscriptions stay.
   */
  remove(address: Topic, connectionId: string): Promise<void>;
}
