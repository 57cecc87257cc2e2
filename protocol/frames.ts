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

const toSchema = v.union(
  [
    v.strictObject({ user: userIdSchema }),
    v.strictObject({
      users: v.pipe(
        v.array(userIdSchema, 'must be an array of user ids'),
        v.minLength(1, 'must name at least one user'),
        v.maxLength(MAX_USERS_PER_MESSAGE, `must name at most ${MAX_USERS_PER_MESSAGE} users`),
      ),
    }),
  ],
  'must be {"user": "…"} or {"users": ["…"]}',
);

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

/** The frames a client may send, by action. */
export const CLIENT_FRAMES = {
  /** Makes this connection one of its user's: it must be the first frame. */
  register: v.strictObject({ action: v.literal('register'), id: v.optional(id) }),
  /** One message in the frame itself. */
  sendMessage: v.strictObject({ action: v.literal('sendMessage'), ...messageEntries }),
  /** Several messages. Each is judged by itself: one that is invalid does not stop the others. */
  sendMessages: v.strictObject({ action: v.literal('sendMessage'), id: v.optional(id), messages: messagesSchema }),
  /** Says that the client is there, which keeps the connection and the registration alive. */
  ping: v.strictObject({ action: v.literal('ping'), id: v.optional(id) }),
} as const;

export type RegisterFrame = v.InferOutput<typeof CLIENT_FRAMES.register>;
export type PingFrame = v.InferOutput<typeof CLIENT_FRAMES.ping>;
export type SendMessageFrame =
  | v.InferOutput<typeof CLIENT_FRAMES.sendMessage>
  | v.InferOutput<typeof CLIENT_FRAMES.sendMessages>;
export type ClientFrame = RegisterFrame | SendMessageFrame | PingFrame;
export type MessageInput = v.InferOutput<typeof messageSchema>;
export type Recipient = MessageInput['to'];
