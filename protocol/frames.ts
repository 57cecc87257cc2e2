import * as v from 'valibot';
import { isWithinDepth, jsonByteLength } from './json.ts';
import {
  MAX_CONVERSATIONS_PER_FRAME,
  MAX_DATA_DEPTH,
  MAX_ENCODING_LENGTH,
  MAX_ID_LENGTH,
  MAX_MESSAGES_PER_FRAME,
  MAX_PAGE_MESSAGES,
  MAX_ROOM_NAME_LENGTH,
  MAX_SHOWN_BYTES,
  MAX_SHOWN_MESSAGES,
  MAX_TOKEN_LENGTH,
  MAX_USER_ID_LENGTH,
  MAX_USERS_PER_MESSAGE,
  MAX_USERS_PER_PRESENCE,
} from './limits.ts';
import { everyNumber } from './numbers.ts';

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

const id = v.pipe(
  v.string('must be a string'),
  v.regex(/^[\w.:-]+$/, 'must consist of letters, digits, "_", ".", ":" and "-"'),
  v.maxLength(MAX_ID_LENGTH, `must have at most ${MAX_ID_LENGTH} characters`),
);

/** The encoding steps in their order, such as `gzip/base64`. Only clients know the steps. */
const encoding = v.pipe(
  v.string('must be a string'),
  v.regex(/^[a-z\d]+([/-][a-z\d]+)*$/, 'must be names of lower-case letters and digits, separated by "/"'),
  v.maxLength(MAX_ENCODING_LENGTH, `must have at most ${MAX_ENCODING_LENGTH} characters`),
);

/** The rule for names, as error messages state it. */
export const NAME_RULE = 'visible characters, and single spaces (U+0020) between them';

/**
 * Words of visible characters, with single spaces between them. A name has no invisible or blank characters: no control or format
 * characters, lone surrogates, white space other than U+0020, code points that Unicode calls ignorable in display or noncharacters, and
 * no characters with an empty glyph (Braille, two hieroglyphs, a note without a head). The runtime's Unicode version decides
 * which characters these are.
 */
const VISIBLE_WORDS =
  /^(?! )(?: ?[^\p{Cc}\p{Cf}\p{Cs}\p{White_Space}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\u{13441}\u{13442}\u{1D159}])+$/u;

/**
 * A name of a user, a service or a room. Beckon compares names code unit by code unit and never normalises them: two ways of writing é
 * are two names.
 */
const name = (maxLength: number) =>
  v.pipe(
    v.string('must be a string'),
    v.minLength(1, 'must not be empty'),
    v.maxLength(maxLength, `must have at most ${maxLength} characters`),
    v.regex(VISIBLE_WORDS, `must consist of ${NAME_RULE}`),
  );

/** A user's identity: the `sub` of the token. */
export const userIdSchema = name(MAX_USER_ID_LENGTH);

/** The name of a room. A room exists as soon as a connection joins it or a message is sent to it. */
export const roomNameSchema = name(MAX_ROOM_NAME_LENGTH);

const usersSchema = (maxUsers: number) =>
  v.pipe(
    v.array(userIdSchema, 'must be an array of user ids'),
    v.minLength(1, 'must name at least one user'),
    v.maxLength(maxUsers, `must name at most ${maxUsers} users`),
  );

const toUser = v.strictObject({ user: userIdSchema }, 'must be {"user": "…"}, {"users": ["…"]} or {"room": "…"}');
const toUsers = v.strictObject({ users: usersSchema(MAX_USERS_PER_MESSAGE) });
const toRoom = v.strictObject({ room: roomNameSchema });

/** Chooses the schema by the key that the value has. A union would not report the wrong field. */
const toSchema = v.lazy((to): typeof toUser | typeof toUsers | typeof toRoom => {
  if (has(to, 'users')) return toUsers;
  return has(to, 'room') ? toRoom : toUser;
});

const withUser = v.strictObject({ user: userIdSchema }, 'must be {"user": "…"} or {"room": "…"}');

/** The messages between two users in both directions, or in a room. */
const conversationSchema = v.lazy((conversation): typeof withUser | typeof toRoom =>
  has(conversation, 'room') ? toRoom : withUser,
);

/** A position in a log: a serial, or the lowest serial of a moment. The server refuses malformed cursors; foreign ones are harmless. */
const cursorSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'must be a cursor or a serial, as the server gave it'),
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
  ephemeral: v.optional(v.boolean('must be true or false')),
  /** How long the server stores the message, in seconds. Default: the retention, which is also the most. */
  ttlSeconds: v.optional(
    v.pipe(v.number('must be a number'), v.integer('must be a whole number'), v.minValue(1, 'must be at least 1')),
  ),
  /** Whether the sender's other devices get a copy. Default: false. */
  echo: v.optional(v.boolean('must be true or false')),
  /** Whether the sender wants a `receipt` when a recipient's application gets the message. Default: false. */
  receipt: v.optional(v.boolean('must be true or false')),
  /** Whether the client may have sent this message before, under the same id: if so, the first one stands. Default: false. */
  retry: v.optional(v.boolean('must be true or false')),
};

/** One message, as a client or another Lambda sends it. */
export const messageSchema = v.strictObject(messageEntries);

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

/** At most the largest safe integer of JavaScript. DynamoDB does not accept every JSON number. */
const attempt = v.optional(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(0, 'must be at least 0'),
    v.maxValue(Number.MAX_SAFE_INTEGER, `must be at most ${Number.MAX_SAFE_INTEGER}`),
  ),
);

const pageLimit = v.optional(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(MAX_PAGE_MESSAGES, `must be at most ${MAX_PAGE_MESSAGES}`),
  ),
);

const perFrame = <S extends v.GenericSchema>(item: S, what: string) =>
  v.pipe(
    v.array(item, `must be an array of ${what}`),
    v.minLength(1, `must hold at least one of the ${what}`),
    v.maxLength(MAX_CONVERSATIONS_PER_FRAME, `must hold at most ${MAX_CONVERSATIONS_PER_FRAME} ${what}`),
  );

const presenceAction = v.literal('presence');

/** Whether the server pushes changes from now on. Default: nothing changes. */
const watch = v.optional(v.boolean('must be true or false'));

const presenceOfUsers = v.strictObject({
  action: presenceAction,
  id: v.optional(id),
  users: usersSchema(MAX_USERS_PER_PRESENCE),
  watch,
});
const presenceOfRoom = v.strictObject({ action: presenceAction, id: v.optional(id), room: roomNameSchema, watch });

const blockAction = v.literal('block');

/** Blocks or unblocks one user from now on. Without `blocked`, nothing changes. */
const blockOfUser = v.strictObject({
  action: blockAction,
  id: v.optional(id),
  user: userIdSchema,
  blocked: v.optional(v.boolean('must be true or false')),
});
/** Lists all blocked users: one page, after the last user of the previous page. */
const blockOfAll = v.strictObject({ action: blockAction, id: v.optional(id), after: v.optional(userIdSchema) });

/** The markers of a conversation: up to which serial its messages were handed to the application, or a person has read them. */
const markSchema = v.strictObject({
  conversation: conversationSchema,
  received: v.optional(cursorSchema),
  read: v.optional(cursorSchema),
});

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

/** The frames that a client may send, by action. */
export const CLIENT_FRAMES = {
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
  /** Subscribes this connection to a room. It must be registered. */
  join: v.strictObject({
    action: v.literal('join'),
    id: v.optional(id),
    room: roomNameSchema,
    /** Where to resume: as in `register`. Default: now, without earlier messages. */
    cursor: v.optional(cursorSchema),
    /** As in `register`. */
    after: v.optional(cursorSchema),
    /** As in `register`, but for this room. */
    attempt,
  }),
  leave: v.strictObject({
    action: v.literal('leave'),
    id: v.optional(id),
    room: roomNameSchema,
    /**
     * Shares its count with the attempts to join the room: the server refuses a leave that arrives after a later join. Default: higher
     * than all.
     */
    attempt,
  }),
  /** Requests one page of a conversation, in the order of the serials. */
  history: v.strictObject({
    action: v.literal('history'),
    id: v.optional(id),
    conversation: conversationSchema,
    /** The newest messages below this serial. Default, without `after`: the newest of all. */
    before: v.optional(cursorSchema),
    /** The oldest messages above this serial. Not together with `before`. */
    after: v.optional(cursorSchema),
    limit: pageLimit,
  }),
  /** Finds messages that contain every word, the last one as the beginning of a word. The newest come first. */
  search: v.strictObject({
    action: v.literal('search'),
    id: v.optional(id),
    conversation: conversationSchema,
    /** The server checks length and number of words after the gate, because a person can simply type too much. */
    text: v.string('must be a string'),
    /** Only messages below this serial. Default: all. */
    before: v.optional(cursorSchema),
    limit: pageLimit,
  }),
  /** Asks who is online or in a room. */
  presence: v.lazy((frame): typeof presenceOfUsers | typeof presenceOfRoom =>
    has(frame, 'room') ? presenceOfRoom : presenceOfUsers,
  ),
  /** Moves the markers forward; they never move back. The server tells senders with `receipt`. */
  mark: v.strictObject({ action: v.literal('mark'), id: v.optional(id), marks: perFrame(markSchema, 'marks') }),
  /** Counts the messages after the read marker of each conversation. */
  unread: v.strictObject({
    action: v.literal('unread'),
    id: v.optional(id),
    conversations: perFrame(conversationSchema, 'conversations'),
  }),
  /** Blocks or unblocks a user, or lists the blocked users. */
  block: v.lazy((frame): typeof blockOfUser | typeof blockOfAll => (has(frame, 'user') ? blockOfUser : blockOfAll)),
  sendMessage: v.lazy((frame): typeof sendOne | typeof sendBatch => (has(frame, 'messages') ? sendBatch : sendOne)),
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

export type RegisterFrame = v.InferOutput<typeof CLIENT_FRAMES.register>;
export type JoinFrame = v.InferOutput<typeof CLIENT_FRAMES.join>;
export type LeaveFrame = v.InferOutput<typeof CLIENT_FRAMES.leave>;
export type HistoryFrame = v.InferOutput<typeof CLIENT_FRAMES.history>;
export type SearchFrame = v.InferOutput<typeof CLIENT_FRAMES.search>;
export type PresenceFrame = v.InferOutput<typeof CLIENT_FRAMES.presence>;
export type MarkFrame = v.InferOutput<typeof CLIENT_FRAMES.mark>;
export type UnreadFrame = v.InferOutput<typeof CLIENT_FRAMES.unread>;
export type BlockFrame = v.InferOutput<typeof CLIENT_FRAMES.block>;
export type SendMessageFrame = v.InferOutput<typeof CLIENT_FRAMES.sendMessage>;
export type PingFrame = v.InferOutput<typeof CLIENT_FRAMES.ping>;
/** A frame that a client may send. */
export type ClientFrame = v.InferOutput<(typeof CLIENT_FRAMES)[keyof typeof CLIENT_FRAMES]>;
/** What a client can ask for. */
export type Action = keyof typeof CLIENT_FRAMES;
export type MessageInput = v.InferOutput<typeof messageSchema>;
export type Recipient = MessageInput['to'];
export type Conversation = v.InferOutput<typeof conversationSchema>;
export type Shown = v.InferOutput<typeof shownSchema>[number];
export type Mark = v.InferOutput<typeof markSchema>;

function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}
