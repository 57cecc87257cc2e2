import * as v from 'valibot';
import {
  MAX_CONVERSATIONS_PER_FRAME,
  MAX_ID_LENGTH,
  MAX_PAGE_MESSAGES,
  MAX_ROOM_NAME_LENGTH,
  MAX_USER_ID_LENGTH,
} from './limits.ts';

/** Any JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** The correlation id of a frame, or the id of a message. */
export const id = v.pipe(
  v.string('must be a string'),
  v.regex(/^[\w.:-]+$/, 'must consist of letters, digits, "_", ".", ":" and "-"'),
  v.maxLength(MAX_ID_LENGTH, `must have at most ${MAX_ID_LENGTH} characters`),
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

/** A yes or no. */
export const flag = v.boolean('must be true or false');

/** A list of users that is not empty. */
export const usersSchema = (maxUsers: number) =>
  v.pipe(
    v.array(userIdSchema, 'must be an array of user ids'),
    v.minLength(1, 'must name at least one user'),
    v.maxLength(maxUsers, `must name at most ${maxUsers} users`),
  );

export const toRoom = v.strictObject({ room: roomNameSchema });

const withUser = v.strictObject({ user: userIdSchema }, 'must be {"user": "…"}, {"room": "…"} or {"service": "…"}');
const withService = v.strictObject({ service: userIdSchema });

/** The messages between two users in both directions, in a room, or from a service to the user. */
export const conversationSchema = v.lazy((conversation): typeof withUser | typeof toRoom | typeof withService => {
  if (has(conversation, 'room')) return toRoom;
  return has(conversation, 'service') ? withService : withUser;
});

/** The other side of a conversation: a user, a room, or a service, which only sends. */
export type Peer = v.InferOutput<typeof conversationSchema>;

/** A position in a log: a serial, or the lowest serial of a moment. The server refuses malformed cursors; foreign ones are harmless. */
export const cursorSchema = v.pipe(
  v.string('must be a string'),
  v.regex(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/, 'must be a cursor or a serial, as the server gave it'),
);

/** At most the largest safe integer of JavaScript. DynamoDB does not accept every JSON number. */
export const attempt = v.optional(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(0, 'must be at least 0'),
    v.maxValue(Number.MAX_SAFE_INTEGER, `must be at most ${Number.MAX_SAFE_INTEGER}`),
  ),
);

/** The most messages of a page. */
export const pageLimit = v.optional(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(MAX_PAGE_MESSAGES, `must be at most ${MAX_PAGE_MESSAGES}`),
  ),
);

/** The most conversations of a page of the list. */
export const listLimit = v.optional(
  v.pipe(
    v.number('must be a number'),
    v.integer('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(MAX_CONVERSATIONS_PER_FRAME, `must be at most ${MAX_CONVERSATIONS_PER_FRAME}`),
  ),
);

/** A position in the list of conversations: a serial and the address of a conversation. */
export const listPosition = v.pipe(v.string('must be a string'), v.maxLength(300, 'must have at most 300 characters'));

/** The conversations of one frame. */
export const perFrame = <S extends v.GenericSchema>(item: S, what: string) =>
  v.pipe(
    v.array(item, `must be an array of ${what}`),
    v.minLength(1, `must hold at least one of the ${what}`),
    v.maxLength(MAX_CONVERSATIONS_PER_FRAME, `must hold at most ${MAX_CONVERSATIONS_PER_FRAME} ${what}`),
  );

/** Whether a value is an object with this key. Schemas that depend on the value choose by it. */
export function has(value: unknown, key: string): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key);
}
