import {
  type Address,
  type Correspondent,
  isPresence,
  isRoom,
  type PresenceAddress,
  type Topic,
  type Transcript,
  userAddress,
} from '../address.ts';
import { PAIR_INDEX } from '../config.ts';
import type { Item } from './attributes.ts';

/*
 * Every kind of item in both tables. Adapters build keys here and nowhere else, and `beckon forget` follows from `erasure`.
 * An address is `user#ID` or `room#NAME`. All items expire by `expiresAt`, epoch seconds, unless it says "never".
 *
 * connections table
 *   address (partition)            connectionId (sort)
 *   ┌──────────────────────────────┬──────────────┐
 *   │ user#ID                      │ CONNECTION   │ connection: live? what every frame writes; small. register, gate
 *   │ room#NAME                    │ CONNECTION   │ member: where a room's messages are posted. join
 *   │ presence#ADDRESS             │ CONNECTION   │ watch: where presence is posted. presence
 *   │ subscriptions#user#ID        │ CONNECTION   │ subscriptions: the members and watches of a connection, and the
 *   │                              │              │   capability of a newer token. join, leave, presence, register
 *   ├──────────────────────────────┼──────────────┤
 *   │ state#ADDRESS                │ state        │ state: acknowledged cursor, late delivery. ping, deliver
 *   │ state#ADDRESS                │ shown        │ shown: which messages a page has handed over. ping
 *   │ state#ADDRESS                │ recheck      │ sweep: when the presence of the address is checked again. presence
 *   │ state#user#ID                │ user#ID      │ presenceState: what watchers were last told of the user. presence
 *   │ state#room#NAME              │ user#ID      │ roomPresenceState: the same, in a room. presence
 *   │ state#user#ID                │ messages     │ budget: the user's rate limit. gate
 *   │ state#user#ID                │ handshakes   │ handshakes: how often the user connects. authorize
 *   │ state#user#ID                │ offences#    │ offences: what a connection has done wrong within a minute.
 *   │                              │   CONNECTION │   every route
 *   │ state#user#ID                │ revocation   │ revocation: tokens up to then are refused; never. manage
 *   ├──────────────────────────────┼──────────────┤
 *   │ marker#user#ID               │ ADDRESS      │ marker: what the user has received and read there, and the
 *   │                              │              │   newest message of the list. mark, send, join
 *   ├──────────────────────────────┼──────────────┤
 *   │ block#user#ID                │ user#ID      │ block: whose messages the user does not accept; never. block
 *   │ inbox#user#ID                │ CURSOR#USER  │ waiting: what a sender has left there since the cursor. send
 *   └──────────────────────────────┴──────────────┘
 *
 * messages table, index `conversation`
 *   address (partition)            serial (sort)
 *   ┌──────────────────────────────┬──────────────┐
 *   │ user#ID                      │ SERIAL       │ message: to the user. send
 *   │ room#NAME                    │ SERIAL       │ roomMessage: to the room. send
 *   │ search#TRANSCRIPT            │ WORD#SERIAL  │ searchRow: a word of a message. index
 *   └──────────────────────────────┴──────────────┘
 */

export type TableName = 'connections' | 'messages';

/** The attribute of the sort key. The attribute of the partition key is `address` in both tables. */
export const SORT_KEYS = { connections: 'connectionId', messages: 'serial' } as const satisfies Record<
  TableName,
  string
>;

/** The values of `{name}` in a key. */
interface Parts {
  readonly user: `user#${string}`;
  readonly room: `room#${string}`;
  /** The user who sends to `user`. */
  readonly sender: `user#${string}`;
  readonly address: Correspondent;
  readonly presence: PresenceAddress;
  readonly transcript: Transcript;
  readonly connectionId: string;
  readonly serial: string;
  readonly cursor: string;
  readonly word: string;
}

/** The shapes of parts that are not any text. */
const SHAPES: Readonly<Partial<Record<keyof Parts, string>>> = {
  user: 'user#.*',
  room: 'room#.*',
  sender: 'user#.*',
  cursor: '[0-9A-Z]{26}',
  address: '(?:user|room|service)#.*',
  presence: 'presence#.*',
};

/** What erasing a user does with the items of a kind. */
export type ErasureRule =
  /** Deleted: everything in the partition of the user. The partition key has no other part than the user's address. */
  | 'deleted'
  /** Deleted with an item of another kind, which names it. */
  | { readonly with: 'subscriptions' }
  /** Kept, and why. */
  | { readonly kept: string };

/** A kind of item. A kind without a rule of erasure does not compile. */
export interface ItemKind {
  readonly table: TableName;
  /** The partition key. `{name}` is one of {@link Parts}. */
  readonly partition: string;
  readonly sort: string;
  /** All attributes that an item may have beside its key. */
  readonly attributes: readonly string[];
  readonly erasure: ErasureRule;
}

const MAPPING_ATTRIBUTES = ['userId', 'callbackUrl', 'attempt', 'tokenExpiresAt', 'expiresAt', 'removedAt'] as const;

export const KINDS = {
  connection: {
    table: 'connections',
    partition: '{user}',
    sort: '{connectionId}',
    attributes: [
      ...['callbackUrl', 'attempt', 'registeredAt', 'lastSeenAt', 'tokenExpiresAt', 'expiresAt', 'removedAt'],
      ...['capabilityHash', 'arrivesAt', 'charged'],
    ],
    erasure: 'deleted',
  },
  member: {
    table: 'connections',
    partition: '{room}',
    sort: '{connectionId}',
    attributes: MAPPING_ATTRIBUTES,
    erasure: { with: 'subscriptions' },
  },
  watch: {
    table: 'connections',
    partition: '{presence}',
    sort: '{connectionId}',
    attributes: MAPPING_ATTRIBUTES,
    erasure: { with: 'subscriptions' },
  },
  subscriptions: {
    table: 'connections',
    partition: 'subscriptions#{user}',
    sort: '{connectionId}',
    attributes: ['rooms', 'watches', 'capability', 'formerCapability', 'capabilityAttempt', 'expiresAt'],
    erasure: 'deleted',
  },
  state: {
    table: 'connections',
    partition: 'state#{address}',
    sort: 'state',
    attributes: ['acknowledged', 'lateSerial', 'lateMarkedAt', 'expiresAt'],
    erasure: 'deleted',
  },
  shown: {
    table: 'connections',
    partition: 'state#{address}',
    sort: 'shown',
    attributes: ['acknowledged', 'shown', 'expiresAt'],
    erasure: 'deleted',
  },
  sweep: {
    table: 'connections',
    partition: 'state#{address}',
    sort: 'recheck',
    attributes: ['due', 'expiresAt'],
    erasure: 'deleted',
  },
  presenceState: {
    table: 'connections',
    partition: 'state#{user}',
    sort: '{user}',
    attributes: ['online', 'since', 'expiresAt'],
    erasure: 'deleted',
  },
  roomPresenceState: {
    table: 'connections',
    partition: 'state#{room}',
    sort: '{user}',
    attributes: ['online', 'since', 'expiresAt'],
    erasure: { kept: 'the room is told that the user has left; a day later it expires' },
  },
  budget: {
    table: 'connections',
    partition: 'state#{user}',
    sort: 'messages',
    attributes: ['arrivesAt', 'expiresAt'],
    erasure: 'deleted',
  },
  handshakes: {
    table: 'connections',
    partition: 'state#{user}',
    sort: 'handshakes',
    attributes: ['arrivesAt', 'expiresAt'],
    erasure: 'deleted',
  },
  offences: {
    table: 'connections',
    partition: 'state#{user}',
    sort: 'offences#{connectionId}',
    attributes: ['offences', 'expiresAt'],
    erasure: 'deleted',
  },
  revocation: {
    table: 'connections',
    partition: 'state#{user}',
    sort: 'revocation',
    attributes: ['revokedUntil'],
    erasure: { kept: 'revoked tokens must not let a forgotten user in again' },
  },
  marker: {
    table: 'connections',
    partition: 'marker#{user}',
    sort: '{address}',
    attributes: ['received', 'read', 'last', 'expiresAt'],
    erasure: 'deleted',
  },
  block: {
    table: 'connections',
    partition: 'block#{user}',
    sort: '{sender}',
    attributes: ['blockedAt'],
    erasure: 'deleted',
  },
  waiting: {
    table: 'connections',
    partition: 'inbox#{user}',
    sort: '{cursor}#{sender}',
    attributes: ['waiting', 'waitingBytes', 'expiresAt'],
    erasure: 'deleted',
  },
  message: {
    table: 'messages',
    partition: '{user}',
    sort: '{serial}',
    attributes: ['id', 'from', 'body', 'expiresAt', 'retried', PAIR_INDEX],
    erasure: 'deleted',
  },
  roomMessage: {
    table: 'messages',
    partition: '{room}',
    sort: '{serial}',
    attributes: ['id', 'from', 'body', 'expiresAt', 'retried'],
    erasure: { kept: 'what a user has written is the mail of others; it expires with the retention' },
  },
  searchRow: {
    table: 'messages',
    partition: 'search#{transcript}',
    sort: '{word}#{serial}',
    attributes: ['of', 'expiresAt'],
    erasure: { kept: 'without its message a row finds nothing; it expires with the retention' },
  },
} as const satisfies Record<string, ItemKind>;

export type KindName = keyof typeof KINDS;

type PartsIn<Text extends string> = Text extends `${string}{${infer Name extends keyof Parts}}${infer Rest}`
  ? Name | PartsIn<Rest>
  : never;

type PartitionParts<Name extends KindName> = Pick<Parts, PartsIn<(typeof KINDS)[Name]['partition']>>;
type SortParts<Name extends KindName> = Pick<Parts, PartsIn<(typeof KINDS)[Name]['sort']>>;

/** The partition key of items of a kind. */
export function partitionOf<Name extends KindName>(name: Name, parts: PartitionParts<Name>): string {
  return fill(KINDS[name].partition, parts);
}

/** The key of an item of a kind. */
export function keyOf<Name extends KindName>(name: Name, parts: PartitionParts<Name> & SortParts<Name>): Item {
  const { table, partition, sort } = KINDS[name];
  return { address: { S: fill(partition, parts) }, [SORT_KEYS[table]]: { S: fill(sort, parts) } };
}

/** The key of a mapping: of a connection at its user, in a room, or as a watcher. */
export function mappingKey(topic: Topic, connectionId: string): Item {
  if (isPresence(topic)) return keyOf('watch', { presence: topic, connectionId });
  if (isRoom(topic)) return keyOf('member', { room: topic, connectionId });
  return keyOf('connection', { user: topic, connectionId });
}

/** The key of a message in the log of an address. */
export function messageKey(address: Address, serial: string): Item {
  return isRoom(address)
    ? keyOf('roomMessage', { room: address, serial })
    : keyOf('message', { user: address, serial });
}

/** The key of the presence state of a user at an address. */
export function presenceStateKey(address: Address, userId: string): Item {
  const user = userAddress(userId);
  // Watchers of a user are told at the user's own address.
  return isRoom(address) ? keyOf('roomPresenceState', { room: address, user }) : keyOf('presenceState', { user });
}

/** The kind of an item by its key; `undefined` if none is declared. */
export function kindOf(table: TableName, item: Item): KindName | undefined {
  const [partition = '', sort = ''] = ['address', SORT_KEYS[table]].map((name) => item[name]?.S);
  return KIND_NAMES.find(
    (name) =>
      KINDS[name].table === table && matches(KINDS[name].partition, partition) && matches(KINDS[name].sort, sort),
  );
}

/** A partition that is emptied when a user is erased, except for items of kept kinds. */
export interface ErasedPartition {
  readonly table: TableName;
  readonly partition: string;
}

/** The partitions of everything that is deleted with a user. */
export function erasedPartitions(user: `user#${string}`): readonly ErasedPartition[] {
  const partitions = KIND_NAMES.filter((name) => KINDS[name].erasure === 'deleted').map((name) => {
    const { table, partition } = KINDS[name];
    return { table, partition: fill(partition, { user, address: user }) };
  });
  return [...new Map(partitions.map((each) => [JSON.stringify(each), each])).values()];
}

/** Whether an item in one of these partitions is kept. An item of no declared kind is deleted. */
export function isKept(table: TableName, item: Item): boolean {
  const name = kindOf(table, item);
  if (name === undefined) return false;
  const erasure: ErasureRule = KINDS[name].erasure;
  return typeof erasure === 'object' && 'kept' in erasure;
}

const KIND_NAMES = Object.keys(KINDS) as readonly KindName[];

function fill(template: string, parts: Readonly<Partial<Parts>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: keyof Parts) => {
    const part = parts[name];
    if (part === undefined) throw new Error(`The key "${template}" needs "${name}"`);
    return part;
  });
}

function matches(template: string, text: string): boolean {
  const shape = template.replace(/\{(\w+)\}/g, (_, name: keyof Parts) => `(?:${SHAPES[name] ?? '.*'})`);
  return new RegExp(`^${shape}$`, 's').test(text);
}
