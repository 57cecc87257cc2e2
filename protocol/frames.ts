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

const messageEntries = {
  to: toSchema,
  /** Any JSON. Required: a message without content is a mistake. */
  data: v.custom<Json>((value) => value !== undefined, 'is required: any JSON value'),
  /** The identity of the message across retries; a UUID. The server makes one when it is absent. */
  id: v.optional(id),
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
  register: v.strictObject({ action: v.literal('register'), id: v.optional(id) }),
  sendMessage: v.lazy((frame): typeof sendOne | typeof sendBatch => (has(frame, 'messages') ? sendBatch : sendOne)),
  /** Says that the client is there, which keeps the connection and the registration alive. */
  ping: v.strictObject({ action: v.literal('ping'), id: v.optional(id) }),
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
