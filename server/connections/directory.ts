import { type Address, presenceAddress, type RoomAddress, type Topic, type UserAddress } from '../address.ts';
import type { Capability } from '../auth/capability.ts';
import type { Charge } from '../gate/rate-limit.ts';
import type { Claims } from './connection.ts';

/**
 * How long a mapping outlives the last sign of life, in seconds: API Gateway drops a connection after 10 idle minutes,
 * and the eleventh covers the difference of two clocks.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html (read 2026-11)
 */
export const IDLE_SECONDS = 11 * 60;

/** A mapping this close to its expiry, in seconds, counts as expired for its owner, whose clock may be behind a sender's. */
export const EXPIRY_MARGIN_SECONDS = 5;

/** When a mapping made at `nowSeconds` expires, in epoch seconds: never later than its token. */
export function mappingExpiry(nowSeconds: number, tokenExpiresAt: number): number {
  return Math.min(tokenExpiresAt, nowSeconds + IDLE_SECONDS);
}

/**
 * The longest life of a connection, in seconds: a tombstone stays as long.
 * AWS quota "Connection duration for WebSocket API: 2 hours", same page.
 */
export const CONNECTION_LIFE_SECONDS = 2 * 60 * 60;

/** One connection of a topic. */
export interface Mapping {
  readonly address: Topic;
  readonly connectionId: string;
  /** Whose connection it is. */
  readonly userId: string;
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
  /** Counts the registrations on this connection. */
  readonly attempt: number;
  /** Epoch seconds. */
  readonly registeredAt: number;
}

/**
 * What a connection is subscribed to beside its user: an item of its own, so that whoever ends the connection learns what has
 * to go as well, and no frame has to write it anew.
 */
export interface Subscriptions {
  readonly rooms: readonly RoomAddress[];
  /** The addresses whose presence it watches. */
  readonly watches: readonly Address[];
}

/** Addresses that are added to the subscriptions of a connection, or taken away. */
export interface SubscriptionChange {
  readonly kind: keyof Subscriptions;
  readonly addresses: readonly Address[];
}

/** The topics of subscriptions. */
export function topicsOf({ rooms, watches }: Subscriptions): readonly Topic[] {
  return [...rooms, ...watches.map(presenceAddress)];
}

/** What it is called when there would be more. */
export const TOO_MANY = { rooms: 'too_many_rooms', watches: 'too_many_watches' } as const;

/** What a sign of life does: it moves `expiresAt` and takes the charge in one write, or does nothing. */
export interface TouchOptions {
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** Taken from the connection's rate limit. @default nothing is */
  readonly charge?: Charge;
}

/** Why nothing has been changed. */
export interface TouchRefusal {
  readonly refused: 'not_registered' | 'token_expired' | 'rate_limited';
  /** When the charge would be accepted, in milliseconds from now. */
  readonly retryAfterMs?: number;
}

/** What a sign of life finds: with what the connection is registered. */
export interface Touched extends Pick<Claims, 'tokenExpiresAt'> {
  /** Of the capability that holds now: {@link hashCapability}. */
  readonly capabilityHash: string;
  /** What the connection has been charged in all. */
  readonly charged: number;
}

/** What a sign of life finds, or why nothing has been changed. */
export type TouchOutcome = Touched | TouchRefusal;

/** What became of a registration. */
export type PutOutcome =
  | 'registered'
  /** A later attempt has come first. */
  | 'superseded'
  /** The connection has missed a message: it must not be revived. */
  | 'removed';

/** What became of a registration that was charged, and if it was made, what the connection has been charged in all. */
export type EnterOutcome =
  | Pick<Touched, 'charged'>
  | { readonly refused: Exclude<PutOutcome, 'registered'> }
  | (TouchRefusal & { readonly refused: 'rate_limited' });

/** Which connections of an address to find. */
export interface FindOptions {
  /** Whether every put that has returned is seen. Otherwise the answer may be some seconds old, at half the price. */
  readonly consistent: boolean;
  /** Enough is enough: more are not read. @default all of them */
  readonly limit?: number;
  /** Only connection ids from the first to the last, both included. @default all of them */
  readonly range?: { readonly first: string; readonly last: string };
}

/**
 * Topic → connections, in the connections table. Reads never return a mapping that is expired or removed.
 *
 * Whether a connection is live is told by its user's mapping alone. Those of rooms and of presence are made once, for as
 * long as a connection can live; one that outlives its connection goes when a post to it finds nobody.
 *
 * Whoever subscribes writes in this order: the user's mapping (the gate), the subscriptions, the topic's mapping. Whoever ends
 * a connection deletes in the same order. So nothing is written for a frame that the gate refuses, and a topic's mapping has
 * its name in the subscriptions for as long as somebody may have to find it.
 */
export interface Directory {
  /** Makes a mapping, unless the connection was removed or a later attempt has been made. Subscriptions stay as they are. */
  put(registration: Registration): Promise<PutOutcome>;

  /** Makes the mapping of a connection at its user as `put` does, and takes a charge from its rate limit in the same write. */
  enter(registration: Registration, charge: Charge): Promise<EnterOutcome>;

  /** The connections of an address, in the order of their ids. */
  find(address: Topic, options: FindOptions): Promise<readonly Mapping[]>;

  /**
   * The connections that are in a room, of everybody or of one user: those whose mapping in the room and whose user's mapping
   * are live. Strongly consistent; the user's mapping is read last. `expiresAt` is when the first of the two ends.
   */
  members(room: RoomAddress, userId?: string): Promise<readonly Mapping[]>;

  /**
   * Notes a sign of life: moves `expiresAt` unless the mapping is absent or about to expire, because an expired one has
   * missed messages and is never revived. The token's own expiry stays, and bounds it.
   */
  touch(address: UserAddress, connectionId: string, options: TouchOptions): Promise<TouchOutcome>;

  /**
   * Takes `cost` back from what a connection has been charged in all, and lets it wait: its arrival time is this one from
   * now on, in epoch milliseconds. Fine if the connection is gone.
   */
  holdBack(
    address: UserAddress,
    connectionId: string,
    options: { readonly cost: number; readonly arrivesAt: number },
  ): Promise<void>;

  /**
   * Adds to the subscriptions of a connection, all of the addresses or none. To be called after the gate has let the
   * connection through, and before the topics' mappings are made.
   * @returns false if that would be more of the kind than `most`
   */
  addSubscriptions(
    address: UserAddress,
    connectionId: string,
    change: SubscriptionChange,
    most: number,
  ): Promise<boolean>;

  /** Takes from the subscriptions of a connection; fine if they are not there. */
  removeSubscriptions(address: UserAddress, connectionId: string, change: SubscriptionChange): Promise<void>;

  /** What a connection is subscribed to, strongly consistent. */
  subscriptions(address: UserAddress, connectionId: string): Promise<Subscriptions>;

  /**
   * Keeps the capability of a newer token beside the subscriptions, and the one before it. To be called before the mapping
   * that carries its hash is put; what an earlier attempt than the last keeps is dropped.
   */
  keepCapability(
    address: UserAddress,
    connectionId: string,
    options: { readonly capability: Capability; readonly attempt: number },
  ): Promise<void>;

  /** The kept capability with this hash, strongly consistent; `undefined` if there is none. */
  capability(address: UserAddress, connectionId: string, hash: string): Promise<Capability | undefined>;

  /**
   * Forgets a connection that has ceased to exist: its user's mapping, its subscriptions, then the mapping that showed it and
   * all that the subscriptions tell of. Fine if any of them is not there: a handler may have died in between. Rejects when
   * something could not be removed, after all the rest has been.
   * @param mayBeAlive whether it may register again. Then its user's mapping expires, unless it is the first one: its number
   *   keeps out an older registration that comes late, which would hide that the connection has missed messages. A
   *   tombstone stays. @default false
   * @returns what it was subscribed to, as far as that was still known
   */
  forget(mapping: Pick<Mapping, 'address' | 'connectionId' | 'userId'>, mayBeAlive?: boolean): Promise<Subscriptions>;

  /**
   * Lets mappings of a connection live on with a newer token. One whose token has expired meanwhile has missed messages,
   * and is not revived.
   * @returns the topics whose mappings live on
   */
  renew(connectionId: string, topics: readonly Topic[], tokenExpiresAt: number): Promise<readonly Topic[]>;

  /**
   * Takes back what an attempt, or an earlier one, has put; fine if it is not there.
   * @returns 'superseded' if there is a later one, which stays
   */
  withdraw(address: Topic, connectionId: string, attempt: number): Promise<'withdrawn' | 'superseded'>;

  /** Takes a connection off some topics; fine if it is not there. Rejects as `forget` does. */
  unsubscribe(connectionId: string, topics: readonly Topic[]): Promise<void>;

  /**
   * Takes a living connection off the list of a topic for good, because it has missed a message: a tombstone stays as long
   * as the connection can live, so that a registration that comes late does not revive it. Its subscriptions stay.
   */
  remove(address: Topic, connectionId: string): Promise<void>;
}
