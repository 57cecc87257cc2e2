import * as v from 'valibot';
import { flag, has, id, type Json, toRoom, userIdSchema, usersSchema } from './fields.ts';
import { isWithinDepth } from './json.ts';
import { MAX_DATA_DEPTH, MAX_ENCODING_LENGTH, MAX_MESSAGES_PER_FRAME, MAX_USERS_PER_MESSAGE } from './limits.ts';
import { everyNumber } from './numbers.ts';
import type { Problem } from './problem.ts';
import type { Count, EpochMs, Serial } from './scalars.ts';

const toUser = v.strictObject({ user: userIdSchema }, 'must be {"user": "…"}, {"users": ["…"]} or {"room": "…"}');
const toUsers = v.strictObject({ users: usersSchema(MAX_USERS_PER_MESSAGE) });

/** Chooses the schema by the key that the value has. A union would not report the wrong field. */
const toSchema = v.lazy((to): typeof toUser | typeof toUsers | typeof toRoom => {
  if (has(to, 'users')) return toUsers;
  return has(to, 'room') ? toRoom : toUser;
});

/** The encoding steps in their order, such as `gzip/base64`. Only clients know the steps. */
const encoding = v.pipe(
  v.string('must be a string'),
  v.regex(/^[a-z\d]+([/-][a-z\d]+)*$/, 'must be names of lower-case letters and digits, separated by "/"'),
  v.maxLength(MAX_ENCODING_LENGTH, `must have at most ${MAX_ENCODING_LENGTH} characters`),
);

const messageEntries = {
  to: toSchema,
  /** Any JSON. Required: a message without content is a mistake. */
  data: v.pipe(
    v.custom<Json>((value) => value !== undefined, 'is required: any JSON value'),
    v.check((data) => isWithinDepth(data, MAX_DATA_DEPTH), `must not be nested more than ${MAX_DATA_DEPTH} deep`),
    v.check(
      (data) => !isWithinDepth(data, MAX_DATA_DEPTH) || everyNumber(data, Number.isFinite),
      'must not hold a number that a double cannot carry: send such a number as text',
    ),
  ),
  /** The encoding of `data`. The server passes it to the recipients unchanged. Default: `data` is not encoded. */
  encoding: v.optional(encoding),
  /** Identifies the message across retries: a UUID. Default: the server makes one. */
  id: v.optional(id),
  /** Whether only devices that are connected now get the message: the server does not store it. Default: false. */
  ephemeral: v.optional(flag),
  /** How long the server stores the message, in seconds. Default: the retention, which is also the most. */
  ttlSeconds: v.optional(
    v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
  ),
  /** Whether the sender's other devices get a copy. Not with a room: its members get its messages anyway. Default: true. */
  echo: v.optional(flag),
  /** Whether the sender wants a `receipt` when a recipient's application gets the message. Default: false. */
  receipt: v.optional(flag),
  /** Whether the client may have sent this message before, under the same id: if so, the first one stands. Default: false. */
  retry: v.optional(flag),
};

/** One message, as a client sends it. */
export const messageSchema = v.pipe(
  v.strictObject(messageEntries),
  v.check(
    ({ to, echo }) => !('room' in to) || echo === undefined,
    'to a room must not have "echo": members get it anyway',
  ),
);

const { echo: _, ...serviceEntries } = messageEntries;

/** One message, as another Lambda sends it. A service has no devices that could get a copy. */
export const serviceMessageSchema = v.strictObject(serviceEntries);

const messagesSchema = v.pipe(
  v.array(v.unknown(), 'must be an array of messages'),
  v.minLength(1, 'must hold at least one message'),
  v.maxLength(MAX_MESSAGES_PER_FRAME, `must hold at most ${MAX_MESSAGES_PER_FRAME} messages`),
);

const sendMessageAction = v.literal('sendMessage');

/** A frame with one message. The message's `id` is also the frame's. */
const sendOne = v.strictObject({ action: sendMessageAction, ...messageEntries });

/** Several messages. The server checks each separately: an invalid message does not stop the others. */
const sendBatch = v.strictObject({ action: sendMessageAction, id: v.optional(id), messages: messagesSchema });

/** The frames that send messages. */
export const MESSAGE_FRAMES = {
  sendMessage: v.lazy((frame): typeof sendOne | typeof sendBatch => (has(frame, 'messages') ? sendBatch : sendOne)),
} as const;

export type SendMessageFrame = v.InferOutput<typeof MESSAGE_FRAMES.sendMessage>;
export type MessageInput = v.InferOutput<typeof messageSchema>;
export type ServiceMessageInput = v.InferOutput<typeof serviceMessageSchema>;
export type Recipient = MessageInput['to'];

/** The sender of a message: a user over their own connection, or a service through `server/` or the function `send`. */
export type MessageSource = { readonly user: string } | { readonly service: string };

/** A message, as its recipient gets it. */
export interface Message {
  /** The sender chooses it and keeps it on every retry. A receiver drops a message that it has already seen. */
  readonly id: string;
  /** A ULID that the server mints. It sorts by the time of sending. */
  readonly serial: Serial;
  readonly from: MessageSource;
  /** The recipient. Each of several users sees only their own id. The sender's own copy has all of them. */
  readonly to: Recipient;
  readonly data: Json;
  /** The encoding of `data`, as the sender states it. Absent: `data` is not encoded. */
  readonly encoding?: string;
  /** Epoch milliseconds, by the server's clock. */
  readonly sentAt: EpochMs;
  /** The sender wants a receipt: answer with `mark` when the application gets the message. */
  readonly receipt?: true;
}

/** How many of the recipient's connections took the message, no longer exist, or could not be reached. */
export interface ConnectionCounts {
  readonly sent: Count;
  readonly gone: Count;
  readonly failed: Count;
}

/**
 * The outcome of a message at a recipient, from best to worst.
 * `sent`: at least one connection took it. `queued`: too many connections for one function; delivery continues.
 * `stored`: no connection took it; the next connection gets it. `dropped`: no connection took it, and it is not stored.
 */
export type DeliveryStatus = 'sent' | 'queued' | 'stored' | 'dropped';

/**
 * The outcome of a message at one of its recipients. `not_accepted`: the server neither delivered nor stored it there. This is not an
 * acknowledgement, so it is never the status of a message.
 */
export type UserStatus = DeliveryStatus | 'not_accepted';

/** The outcome of one accepted message. */
export interface SendResult {
  readonly id: string;
  readonly serial: Serial;
  /** The worst status among the recipients who accept the message. At least one does. */
  readonly status: DeliveryStatus;
  readonly connections: ConnectionCounts;
  /** The status for each recipient, in the order of the message's `to`. Empty for a room. */
  readonly users: readonly { readonly user: string; readonly status: UserStatus }[];
  /** The message is a retry, and the server had accepted it before: the first one stands, even if this one differs. */
  readonly duplicate?: true;
}

/** The problem with one message of a batch. The others are not affected. */
export interface MessageFailure {
  readonly id?: string;
  readonly error: Problem;
}

export interface AckReply {
  readonly type: 'ack';
  readonly id?: string;
  /** One result for each message of the frame, in their order. */
  readonly results: readonly (SendResult | MessageFailure)[];
}

/** The replies to these frames. */
export interface MessageReplies {
  readonly sendMessage: AckReply;
}

/** The server pushes it when messages for the user arrive. */
export interface MessagesPush {
  readonly type: 'messages';
  readonly messages: readonly Message[];
}
