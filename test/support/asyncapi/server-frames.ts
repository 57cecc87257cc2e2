import * as v from 'valibot';
import { ERROR_CODES, type ErrorCode, type Json, type ServerFrame } from '../../../protocol/index.ts';

// The server's frames as schemas, for clients in other languages. The server does not use them. The compiler checks that they
// equal the types of protocol/replies.ts.

const id = v.exactOptional(v.string());
const serial = v.pipe(v.string(), v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
/** Epoch milliseconds. */
const time = count;
export const array = <S extends v.GenericSchema>(item: S) => v.pipe(v.array(item), v.readonly());

const toUser = v.strictObject({ user: v.string() });
const toUsers = v.strictObject({ users: array(v.string()) });
const toRoom = v.strictObject({ room: v.string() });
const recipient = v.union([toUser, toUsers, toRoom]);
const conversation = v.union([toUser, toRoom]);

export const problem = {
  code: v.picklist(Object.keys(ERROR_CODES) as ErrorCode[]),
  message: v.string(),
  retryable: v.boolean(),
  retryAfterMs: v.exactOptional(count),
};

const sender = v.union([toUser, v.strictObject({ service: v.string() })]);

const message = v.strictObject({
  id: v.string(),
  serial,
  from: sender,
  to: recipient,
  data: v.custom<Json>((value) => value !== undefined),
  encoding: v.exactOptional(v.string()),
  sentAt: time,
  receipt: v.exactOptional(v.literal(true)),
});
const messages = array(message);

const limits = v.strictObject({
  heartbeatSeconds: v.number(),
  maxBackoffSeconds: v.number(),
  maxFrameBytes: v.number(),
  maxDataBytes: v.number(),
  maxMessagesPerFrame: v.number(),
  maxDataDepth: v.number(),
  maxUsersPerMessage: v.number(),
  ratePerSecond: v.number(),
  rateBurst: v.number(),
  tariff: v.strictObject({
    dataBytesPerUnit: v.number(),
    indexedBytesPerUnit: v.exactOptional(v.number()),
    maxIndexUnits: v.number(),
    targetsPerUnit: v.number(),
  }),
  maxRooms: v.number(),
  maxWatches: v.number(),
});

const status = v.picklist(['sent', 'queued', 'stored', 'dropped']);

const userStatus = v.picklist([...status.options, 'not_accepted']);

const result = v.strictObject({
  id: v.string(),
  serial,
  status,
  connections: v.strictObject({ sent: count, gone: count, failed: count }),
  users: array(v.strictObject({ user: v.string(), status: userStatus })),
  duplicate: v.exactOptional(v.literal(true)),
});
const failure = v.strictObject({ id, error: v.strictObject(problem) });

const markers = { received: v.exactOptional(serial), read: v.exactOptional(serial) };

const resumption = { recovered: v.boolean(), messages, more: v.boolean(), cursor: serial, serverTime: time };

const presence = v.strictObject({ user: v.string(), online: v.boolean(), sinceMs: v.exactOptional(time) });

/** The shared parts of frames. */
export const SERVER_SCHEMAS = { message, limits, result, failure } as const;

/** The server's frames, by type. */
export const SERVER_FRAMES = {
  registered: v.strictObject({
    type: v.literal('registered'),
    id,
    userId: v.string(),
    connectionId: v.string(),
    ...resumption,
    shown: v.exactOptional(array(v.strictObject({ from: sender, ids: array(v.string()) }))),
    expiresAt: time,
    limits,
    rooms: v.exactOptional(array(v.string())),
  }),
  joined: v.strictObject({ type: v.literal('joined'), id, room: v.string(), ...resumption }),
  left: v.strictObject({ type: v.literal('left'), id, room: v.string() }),
  ack: v.strictObject({ type: v.literal('ack'), id, results: array(v.union([result, failure])) }),
  history: v.strictObject({
    type: v.literal('history'),
    id,
    conversation,
    messages,
    next: v.exactOptional(serial),
    read: v.exactOptional(serial),
    peer: v.exactOptional(v.strictObject(markers)),
  }),
  search: v.strictObject({
    type: v.literal('search'),
    id,
    conversation,
    messages,
    next: v.exactOptional(serial),
  }),
  presence: v.strictObject({
    type: v.literal('presence'),
    id,
    room: v.exactOptional(v.string()),
    users: array(presence),
    occupancy: v.exactOptional(v.strictObject({ users: count, connections: count })),
  }),
  marked: v.strictObject({ type: v.literal('marked'), id }),
  unread: v.strictObject({
    type: v.literal('unread'),
    id,
    conversations: array(v.strictObject({ conversation, count, more: v.boolean(), read: v.exactOptional(serial) })),
  }),
  blocked: v.strictObject({ type: v.literal('blocked'), id, users: array(v.string()), more: v.boolean() }),
  pong: v.strictObject({ type: v.literal('pong'), id, serverTime: time, messages, more: v.boolean() }),
  error: v.strictObject({ type: v.literal('error'), id, ...problem }),
  messages: v.strictObject({ type: v.literal('messages'), messages }),
  receipt: v.strictObject({ type: v.literal('receipt'), from: toUser, ...markers }),
  bye: v.strictObject({
    type: v.literal('bye'),
    code: problem.code,
    message: problem.message,
    reconnect: v.boolean(),
    retryAfterMs: problem.retryAfterMs,
  }),
} as const satisfies Record<ServerFrame['type'], v.GenericSchema>;

/** Removes `readonly`, which means nothing on the wire. */
type Bare<T> = T extends readonly (infer E)[]
  ? Bare<E>[]
  : T extends object
    ? { -readonly [K in keyof T]: Bare<T[K]> }
    : T;

/** Whether a schema's output equals a type, optional fields included. */
export type Same<S extends v.GenericSchema, T> =
  (<X>() => X extends Bare<v.InferOutput<S>> ? 1 : 2) extends <X>() => X extends Bare<T> ? 1 : 2 ? true : false;

type Frames = typeof SERVER_FRAMES;

/** The frame types whose schema differs. It must be `never`. */
type Differing = {
  [T in keyof Frames]: Same<Frames[T], Extract<ServerFrame, { type: T }>> extends true ? never : T;
}[keyof Frames];

/** Compiles only for `true`. */
export function hold<_ extends true>(): void {}

hold<[Differing] extends [never] ? true : Differing>();
