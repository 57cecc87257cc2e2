import * as v from 'valibot';
import { MAX_ID_LENGTH, MAX_MESSAGES_PER_FRAME, MAX_USER_ID_LENGTH, MAX_USERS_PER_MESSAGE } from './limits.ts';

/** Any value that JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const id = v.pipe(
  v.string('must be a string'),
  v.regex(/^[\w.:-]+$/, 'must consist of letters, digits, "_", ".", ":" and "-"'),
  v.maxLength(MAX_ID_LENGTH, `must have at most ${MAX_ID_LENGTH} characters`),
);

/** A user's identity: the `sub` of the token. Compared code unit by code unit, never normalised. */
export const userIdSchema = v.pipe(
  v.string('must be a string'),
  v.minLength(1, 'must not be empty'),
  v.maxLength(MAX_USER_ID_LENGTH, `must have at most ${MAX_USER_ID_LENGTH} characters`),
  v.regex(/^[^\p{Cc}\p{Cs}]+$/u, 'must not contain control characters or lone surrogates'),
);

const toUser = v.strictObject({ user: userIdSchema }, 'must be {"user": "…"} or {"users": ["…"]}');
const toUsers = v.strictObject({
  users: v.pipe(
    v.array(userIdSchema, 'must be an array of user ids'),
    v.minLength(1, 'must name at least one user'),
    v.maxLength(MAX_USERS_PER_MESSAGE, `must name at most ${MAX_USERS_PER_MESSAGE} users`),
  ),
});

/** Chosen by the key that is there rather than as a union, so that a problem is told at the field that has it. */
const toSchema = v.lazy((to): typeof toUser | typeof toUsers => (has(to, 'users') ? toUsers : toUser));

/** A position in a log: a serial, or the floor of a moment. Malformed ones are refused, foreign ones harmless. */
const cursorSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'must be a cursor or a serial, as the server gave it'),
);

const messageEntries = {
  to: toSchema,
  /** Any JSON. Required: a message without content is a mistake. */
  data: v.custom<Json>((value) => value !== undefined, 'is required: any JSON value'),
  /** The identity of the message across retries; a UUID. The server makes one when it is absent. */
  id: v.optional(id),
  /** Whether it is kept for devices that are not connected. Default: true. */
  store: v.optional(v.boolean('must be true or false')),
  /** How long it is kept, in seconds. Default: the retention, which is also the most. */
  ttlSeconds: v.optional(
    v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
  ),
  /** Whether the sender's other devices get a copy. Default: false. */
  echo: v.optional(v.boolean('must be true or false')),
  /** Says that it may have been sent before, under the same id: then the first stands. Default: false. */
  retry: v.optional(v.boolean('must be true or false')),
};

/** One message, as a client or another Lambda hands it in. */
export const messageSchema = v.strictObject(messageEntries);

const messagesSchema = v.pipe(
  v.array(v.unknown(), 'must be an array of messages'),
  v.minLength(1, 'must hold at least one message'),
  v.maxLength(MAX_MESSAGES_PER_FRAME, `must hold at most ${MAX_MESSAGES_PER_FRAME} messages`),
);

const sendMessageAction = v.literal('sendMessage');

/** One message in the frame itself; its `id` is also the frame's. */
const sendOne = v.strictObject({ action: sendMessageAction, ...messageEntries });

/** Several messages. Each is judged by itself: one that is invalid does not stop the others. */
const sendBatch = v.strictObject({ action: sendMessageAction, id: v.optional(id), messages: messagesSchema });

/** The frames a client may send, by action. */
export const CLIENT_FRAMES = {
  /** Makes this connection one of its user's: it must be the first frame. */
  register: v.strictObject({
    action: v.literal('register'),
    id: v.optional(id),
    /** Where to resume: everything from there on that is kept, and an overlap before it. Default: what the user has acknowledged. */
    since: v.optional(cursorSchema),
    /** The serial of the last message of the page before: gives the next page, and registers nothing. */
    after: v.optional(cursorSchema),
    /** Counts the registrations on this connection: an older one that comes late is refused. Default: 0. */
    attempt: v.optional(
      v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(0, 'must be at least 0')),
    ),
  }),
  sendMessage: v.lazy((frame): typeof sendOne | typeof sendBatch => (has(frame, 'messages') ? sendBatch : sendOne)),
  /** Says that the client is there, which keeps the connection and the registration alive. */
  ping: v.strictObject({
    action: v.literal('ping'),
    id: v.optional(id),
    /** Acknowledges everything up to it on behalf of the user, and asks for what was missed since. */
    cursor: v.optional(cursorSchema),
  }),
} as const;

export type RegisterFrame = v.InferOutput<typeof CLIENT_FRAMES.register>;
export type PingFrame = v.InferOutput<typeof CLIENT_FRAMES.ping>;
export type SendMessageFrame = v.InferOutput<typeof CLIENT_FRAMES.sendMessage>;
export type ClientFrame = RegisterFrame | SendMessageFrame | PingFrame;
export type MessageInput = v.InferOutput<typeof messageSchema>;
export type Recipient = MessageInput['to'];

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}
