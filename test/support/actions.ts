import type { Action } from '../../protocol/index.ts';
import type { Outcome } from './wire-frames.ts';

/** The situations in which a test sends every operation: who asks, and with which rights. */
export const SITUATIONS = {
  own: 'a user asks for their own data, which the token allows',
  others: 'a user asks for a conversation of two others, whom the token allows',
  ungranted: 'a user asks for a user and a room that the token does not allow',
  expired: 'a user asks for their own data after the token expires on the connection',
  revoked: 'a user asks for their own data after their tokens are revoked on the connection',
  revokedBefore: 'a user asks for their own data after their tokens are revoked, before registering',
  unregistered: 'a user asks for their own data before registering',
} as const;

export type Situation = keyof typeof SITUATIONS;

/** The users, room, message and token that a frame names in one situation. */
export interface Target {
  /** The user who asks. The data of their messages repeats this id. */
  readonly sub: string;
  readonly user: string;
  readonly users: readonly string[];
  readonly room: string;
  /** The serial of a message from alice to bob, and its id. */
  readonly cursor: string;
  readonly id: string;
  readonly token: string;
}

export interface Row {
  readonly operation: string;
  readonly frame: (target: Target) => { readonly action: string; readonly [field: string]: unknown };
  /** The outcome in each situation. `closed`: the server closes the connection, and at most answers `not_registered` before. */
  readonly outcomes: Readonly<Record<Situation, Outcome | 'closed'>>;
  /** The data that the reply contains in the situation `own`. It tells isolation from an empty table. */
  readonly shows?: 'pair' | 'room' | 'blocked';
}

/** The outcomes of all operations that need a registered connection. */
const ENDED = {
  expired: 'token_expired',
  revoked: 'closed',
  revokedBefore: 'not_registered',
  unregistered: 'not_registered',
} as const;

/** An operation that needs a grant of the token. */
const gated = (reply: Outcome) => ({ own: reply, others: reply, ungranted: 'forbidden', ...ENDED }) as const;

/** An operation on the user's own data. It needs no grant. */
const ungated = (reply: Outcome) => ({ ...gated(reply), ungranted: reply }) as const;

const registering = {
  own: 'registered',
  others: 'registered',
  ungranted: 'registered',
  expired: 'token_expired',
  revoked: 'closed',
  revokedBefore: 'revoked',
  unregistered: 'registered',
} as const;

const message = ({ sub }: Target, to: object) => ({ action: 'sendMessage', to, data: { by: sub } });
const again = ({ sub, id }: Target, to: object) => ({
  action: 'sendMessage',
  messages: [{ to, id, data: { by: sub }, retry: true }],
});

const REGISTER: readonly Row[] = [
  { operation: 'register', frame: () => ({ action: 'register' }), outcomes: registering, shows: 'pair' },
  {
    operation: 'register, since a message of others',
    frame: ({ cursor }) => ({ action: 'register', cursor }),
    outcomes: registering,
    shows: 'pair',
  },
  {
    operation: 'register, the page after a message of others',
    frame: ({ cursor }) => ({ action: 'register', after: cursor }),
    // Only a registered connection may ask for a page.
    outcomes: ungated('registered'),
    shows: 'pair',
  },
  {
    operation: 'register, with a newer token of one’s own, or one of somebody else',
    frame: ({ token }) => ({ action: 'register', token }),
    outcomes: { ...registering, others: 'invalid_token', ungranted: 'invalid_token', expired: 'registered' },
  },
];

const SEND_MESSAGE: readonly Row[] = [
  {
    operation: 'sendMessage to a user',
    frame: (target) => message(target, { user: target.user }),
    outcomes: gated('ack'),
  },
  {
    operation: 'sendMessage to users',
    frame: (target) => message(target, { users: target.users }),
    outcomes: gated('ack'),
  },
  {
    operation: 'sendMessage to a room',
    frame: (target) => message(target, { room: target.room }),
    outcomes: gated('ack'),
  },
  {
    operation: 'sendMessage to a user again, by the id of a message of others',
    frame: (target) => again(target, { user: target.user }),
    outcomes: { ...gated('ack'), own: 'duplicate' },
  },
  {
    operation: 'sendMessage to a room again, by the id of a message of others',
    frame: (target) => again(target, { room: target.room }),
    outcomes: { ...gated('ack'), own: 'duplicate' },
  },
];

const JOIN: readonly Row[] = [
  { operation: 'join', frame: ({ room }) => ({ action: 'join', room }), outcomes: gated('joined') },
  {
    operation: 'join, since a message of others',
    frame: ({ room, cursor }) => ({ action: 'join', room, cursor }),
    outcomes: gated('joined'),
    shows: 'room',
  },
  {
    operation: 'join, the page after a message of others',
    frame: ({ room, cursor }) => ({ action: 'join', room, after: cursor }),
    outcomes: gated('joined'),
    shows: 'room',
  },
];

const LEAVE: readonly Row[] = [
  { operation: 'leave', frame: ({ room }) => ({ action: 'leave', room }), outcomes: ungated('left') },
];

const HISTORY: readonly Row[] = [
  {
    operation: 'history with a user',
    frame: ({ user }) => ({ action: 'history', conversation: { user } }),
    outcomes: gated('history'),
    shows: 'pair',
  },
  {
    operation: 'history with a user, after a message of others',
    frame: ({ user, cursor }) => ({ action: 'history', conversation: { user }, after: cursor }),
    outcomes: gated('history'),
    shows: 'pair',
  },
  {
    operation: 'history of a room',
    frame: ({ room }) => ({ action: 'history', conversation: { room } }),
    outcomes: gated('history'),
    shows: 'room',
  },
];

const SEARCH: readonly Row[] = [
  {
    operation: 'search with a user',
    frame: ({ user }) => ({ action: 'search', conversation: { user }, text: 'secret' }),
    outcomes: gated('search'),
    shows: 'pair',
  },
  {
    operation: 'search in a room',
    frame: ({ room }) => ({ action: 'search', conversation: { room }, text: 'sec' }),
    outcomes: gated('search'),
    shows: 'room',
  },
];

const UNREAD: readonly Row[] = [
  {
    operation: 'unread in all conversations',
    frame: () => ({ action: 'unread' }),
    outcomes: ungated('unread'),
  },
  {
    operation: 'unread with a user',
    frame: ({ user }) => ({ action: 'unread', conversations: [{ user }] }),
    outcomes: gated('unread'),
  },
  {
    operation: 'unread of a room',
    frame: ({ room }) => ({ action: 'unread', conversations: [{ room }] }),
    outcomes: gated('unread'),
  },
];

const CONVERSATIONS: readonly Row[] = [
  {
    operation: 'conversations',
    frame: () => ({ action: 'conversations' }),
    // Whatever the token does not allow is not in the list.
    outcomes: ungated('conversations'),
  },
];

const MARK: readonly Row[] = [
  {
    operation: 'mark with a user',
    frame: ({ user, cursor }) => ({ action: 'mark', marks: [{ conversation: { user }, read: cursor }] }),
    outcomes: gated('marked'),
  },
  {
    operation: 'mark in a room',
    frame: ({ room, cursor }) => ({ action: 'mark', marks: [{ conversation: { room }, read: cursor }] }),
    outcomes: gated('marked'),
  },
];

/** `watch: true` is last: the connection watches from then on, where the token allows it. */
const WATCHES = [
  ['', {}],
  [', no longer watching', { watch: false }],
  [', watching', { watch: true }],
] as const;

const PRESENCE: readonly Row[] = WATCHES.flatMap(([how, watch]): Row[] => [
  {
    operation: `presence of users${how}`,
    frame: ({ users }) => ({ action: 'presence', users, ...watch }),
    outcomes: gated('presence'),
  },
  {
    operation: `presence of a room${how}`,
    frame: ({ room }) => ({ action: 'presence', room, ...watch }),
    outcomes: gated('presence'),
  },
]);

const PING: readonly Row[] = [
  { operation: 'ping', frame: () => ({ action: 'ping' }), outcomes: ungated('pong') },
  {
    operation: 'ping, with the serial of a message of others',
    frame: ({ cursor }) => ({ action: 'ping', cursor }),
    outcomes: ungated('pong'),
    shows: 'pair',
  },
];

/** These concern the user's own inbox alone, whichever user they name. The last row undoes the one before. */
const BLOCK: readonly Row[] = [
  {
    operation: 'block, asking for all',
    frame: () => ({ action: 'block' }),
    outcomes: ungated('blocked'),
    shows: 'blocked',
  },
  {
    operation: 'block, asking for those behind a user',
    frame: () => ({ action: 'block', after: 'a' }),
    outcomes: ungated('blocked'),
    shows: 'blocked',
  },
  {
    operation: 'block, asking for a user',
    frame: () => ({ action: 'block', user: 'mallory' }),
    outcomes: ungated('blocked'),
  },
  {
    operation: 'block a user',
    frame: () => ({ action: 'block', user: 'mallory', blocked: true }),
    outcomes: ungated('blocked'),
  },
  {
    operation: 'unblock a user',
    frame: () => ({ action: 'block', user: 'mallory', blocked: false }),
    outcomes: ungated('blocked'),
  },
];

/** The permissions of every route that a connection sends frames to: to count offences, and to queue what closes it. */
export const COUNTING = ['dynamodb:UpdateItem Connections', 'sqs:SendMessage Tasks'];
const GATE = ['dynamodb:GetItem Connections', ...COUNTING];
const RESUMING = [...GATE, 'dynamodb:Query Messages'];
export const READING = ['dynamodb:Query Messages', 'dynamodb:Query Messages/index/conversation'];
const FINDING = ['dynamodb:DeleteItem Connections', 'dynamodb:Query Connections'];
const PUSHING = [...FINDING, 'execute-api:ManageConnections prod/POST/@connections/*'];
export const DELIVERY = [...PUSHING, ...COUNTING, 'sqs:SendMessage Deliveries'];
export const SENDING = [...DELIVERY, 'dynamodb:PutItem Messages', 'dynamodb:Query Messages'];

interface TestedAction {
  /** What its function may do besides writing its log, as `action resource`. */
  readonly permissions: readonly string[];
  /** Its operations, with their outcome in every situation. */
  readonly rows: readonly Row[];
}

/** What the tests know of each action. An action that is missing does not compile. */
export const ACTIONS: Readonly<Record<Action, TestedAction>> = {
  register: { rows: REGISTER, permissions: [...RESUMING, 'dynamodb:DeleteItem Connections'] },
  sendMessage: { rows: SEND_MESSAGE, permissions: [...SENDING, 'dynamodb:GetItem Connections'] },
  join: { rows: JOIN, permissions: RESUMING },
  leave: { rows: LEAVE, permissions: [...GATE, 'dynamodb:DeleteItem Connections'] },
  history: { rows: HISTORY, permissions: [...GATE, 'dynamodb:BatchGetItem Connections', ...READING] },
  // Without the option, `search` reads nothing.
  search: { rows: SEARCH, permissions: COUNTING },
  unread: {
    rows: UNREAD,
    permissions: [...GATE, 'dynamodb:BatchGetItem Connections', 'dynamodb:Query Connections', ...READING],
  },
  conversations: {
    rows: CONVERSATIONS,
    permissions: [...GATE, 'dynamodb:BatchGetItem Connections', 'dynamodb:Query Connections', ...READING],
  },
  mark: { rows: MARK, permissions: [...GATE, ...PUSHING, 'dynamodb:GetItem Messages'] },
  block: { rows: BLOCK, permissions: [...GATE, ...FINDING] },
  presence: { rows: PRESENCE, permissions: [...GATE, ...FINDING, 'dynamodb:BatchGetItem Connections'] },
  ping: { rows: PING, permissions: RESUMING },
};

/** Every operation with its outcome in every situation. */
export const ISOLATION: readonly Row[] = Object.values(ACTIONS).flatMap(({ rows }) => rows);
