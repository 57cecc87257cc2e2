import * as v from 'valibot';
import { attempt, cursorSchema, has, id } from './fields.ts';
import { jsonByteLength } from './json.ts';
import {
  type Limits,
  MAX_ID_LENGTH,
  MAX_SHOWN_BYTES,
  MAX_SHOWN_MESSAGES,
  MAX_TOKEN_LENGTH,
  MAX_USER_ID_LENGTH,
} from './limits.ts';
import type { Message } from './messages.ts';
import type { Problem } from './problem.ts';
import type { EpochMs, Serial } from './scalars.ts';

/** Looser than the rule for names: the server must not refuse a ping because it names a message that the server once accepted. */
const senderName = v.pipe(
  v.string('must be a string'),
  v.maxLength(MAX_USER_ID_LENGTH, `must have at most ${MAX_USER_ID_LENGTH} characters`),
);
const fromUser = v.strictObject({ user: senderName }, 'must be {"user": "…"} or {"service": "…"}');
const fromService = v.strictObject({ service: senderName });

/** The sender of a message. */
const senderSchema = v.lazy((from): typeof fromUser | typeof fromService =>
  has(from, 'service') ? fromService : fromUser,
);

const idsOfSender = v.strictObject(
  {
    from: senderSchema,
    ids: v.pipe(
      v.array(
        v.pipe(
          v.string('must be a string'),
          v.maxLength(MAX_ID_LENGTH, `must have at most ${MAX_ID_LENGTH} characters`),
        ),
        'must be an array of ids',
      ),
      v.minLength(1, 'must hold at least one id'),
      v.maxLength(MAX_SHOWN_MESSAGES, `must hold at most ${MAX_SHOWN_MESSAGES} ids`),
    ),
  },
  'must be {"from": {"user": "…"}, "ids": ["…"]}',
);

/** Messages that a client has handed to its application, by sender and id: a later message may have an earlier serial. */
const shownSchema = v.pipe(
  v.array(idsOfSender, 'must be an array of {"from", "ids"}'),
  v.maxLength(MAX_SHOWN_MESSAGES, `must hold at most ${MAX_SHOWN_MESSAGES} senders`),
  v.check(
    (shown) => shown.reduce((count, { ids }) => count + ids.length, 0) <= MAX_SHOWN_MESSAGES,
    `must hold at most ${MAX_SHOWN_MESSAGES} ids in all`,
  ),
  v.check((shown) => jsonByteLength(shown) <= MAX_SHOWN_BYTES, `must take at most ${MAX_SHOWN_BYTES} bytes`),
);
export type Shown = v.InferOutput<typeof shownSchema>[number];

/** The frames that begin a registration and keep it alive. */
export const SESSION_FRAMES = {
  /** Registers this connection for its user. It must be the first frame. */
  register: v.strictObject({
    action: v.literal('register'),
    id: v.optional(id),
    /** Where to resume: the reply has the stored messages after it and in an overlap before it. Default: the acknowledged cursor. */
    cursor: v.optional(cursorSchema),
    /** The last serial of the previous page: returns the next page to a registered connection, and registers nothing. */
    after: v.optional(cursorSchema),
    /** Counts the registrations on this connection: the server refuses an older one that arrives late. Default: 0. */
    attempt,
    /** A newer token of the same user. Its expiry and capability apply from now on. Default: the token of the handshake. */
    token: v.optional(
      v.pipe(
        v.string('must be a string'),
        v.maxLength(MAX_TOKEN_LENGTH, `must have at most ${MAX_TOKEN_LENGTH} characters`),
      ),
    ),
  }),
  /** Keeps the connection and the registration alive. */
  ping: v.strictObject({
    action: v.literal('ping'),
    id: v.optional(id),
    /** Acknowledges everything up to this cursor for the user, and asks for the messages missed since. */
    cursor: v.optional(cursorSchema),
    /**
     * With `cursor`: the messages that a resume from there brings again and that the client has handed to the application. The server
     * sends the list to the user's devices that register without a cursor. Default: the previous list stands.
     */
    shown: v.optional(shownSchema),
  }),
} as const;

export type RegisterFrame = v.InferOutput<typeof SESSION_FRAMES.register>;
export type PingFrame = v.InferOutput<typeof SESSION_FRAMES.ping>;

export interface RegisteredReply {
  readonly type: 'registered';
  readonly id?: string;
  readonly userId: string;
  readonly connectionId: string;
  /** Epoch milliseconds. */
  readonly serverTime: EpochMs;
  /**
   * False: some messages after `cursor` are older than the retention and no longer stored. No other source has them. The stored messages
   * follow in `messages`.
   */
  readonly recovered: boolean;
  /** One page of missed messages, in the order of the serials. The client may have seen some of them. */
  readonly messages: readonly Message[];
  /**
   * Without `cursor`: messages that another device of the user has handed to its application. They may follow in this resume, and are not
   * new to the user. Absent: the server knows of none.
   */
  readonly shown?: readonly Shown[];
  /** Whether `register` with `after` returns another page. False: the resume is complete. */
  readonly more: boolean;
  /** Where to resume later, once the resume is complete. Use the first page's cursor. */
  readonly cursor: Serial;
  /** When the registration ends if the client sends nothing before, in epoch milliseconds. */
  readonly expiresAt: EpochMs;
  readonly limits: Limits;
  /**
   * With `token`: the rooms that this connection is in. The list omits rooms that the newer token does not allow, and rooms whose
   * messages the connection missed after the older token had expired. Join these again to find out.
   */
  readonly rooms?: readonly string[];
}

export interface PongReply {
  readonly type: 'pong';
  readonly id?: string;
  /** Epoch milliseconds. */
  readonly serverTime: EpochMs;
  /** The messages after the ping's cursor and in an overlap before it. Empty without a cursor. */
  readonly messages: readonly Message[];
  /** Whether there are more messages: `register` with `cursor` returns all of them. */
  readonly more: boolean;
}

/** The replies to these frames. */
export interface SessionReplies {
  readonly register: RegisteredReply;
  readonly ping: PongReply;
}

/** The server pushes it before it closes the connection. */
export interface ByePush extends Pick<Problem, 'code' | 'message' | 'retryAfterMs'> {
  readonly type: 'bye';
  /** Whether to connect again, with a fresh token and after `retryAfterMs`. */
  readonly reconnect: boolean;
}
