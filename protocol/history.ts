import * as v from 'valibot';
import {
  conversationSchema,
  cursorSchema,
  id,
  listLimit,
  listPosition,
  type Peer,
  pageLimit,
  perFrame,
} from './fields.ts';
import type { MAX_UNREAD_COUNT } from './limits.ts';
import type { Message } from './messages.ts';
import type { Count, Serial } from './scalars.ts';

/** The markers of a conversation: up to which serial its messages were handed to the application, or a person has read them. */
const markSchema = v.strictObject({
  conversation: conversationSchema,
  received: v.optional(cursorSchema),
  read: v.optional(cursorSchema),
});
export type Mark = v.InferOutput<typeof markSchema>;

/** The frames that read conversations, and that move and use their markers. */
export const HISTORY_FRAMES = {
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
  /** Moves the markers forward; they never move back. The server tells senders with `receipt`, and the user's other connections with `marker`. */
  mark: v.strictObject({ action: v.literal('mark'), id: v.optional(id), marks: perFrame(markSchema, 'marks') }),
  /** Lists the user's conversations, the newest activity first. */
  conversations: v.strictObject({
    action: v.literal('conversations'),
    id: v.optional(id),
    /** `next` of the page before. Default: the newest. */
    before: v.optional(listPosition),
    limit: listLimit,
  }),
  /** Counts the messages after the read marker of each conversation; without `conversations`, of all in the list together. */
  unread: v.strictObject({
    action: v.literal('unread'),
    id: v.optional(id),
    conversations: v.optional(perFrame(conversationSchema, 'conversations')),
  }),
} as const;

export type HistoryFrame = v.InferOutput<typeof HISTORY_FRAMES.history>;
export type SearchFrame = v.InferOutput<typeof HISTORY_FRAMES.search>;
export type MarkFrame = v.InferOutput<typeof HISTORY_FRAMES.mark>;
export type ConversationsFrame = v.InferOutput<typeof HISTORY_FRAMES.conversations>;
export type UnreadFrame = v.InferOutput<typeof HISTORY_FRAMES.unread>;

/** How far one user's messages have come with another user. Each serial covers everything up to it. */
export interface Markers {
  readonly received?: Serial;
  readonly read?: Serial;
}

export interface HistoryReply {
  readonly type: 'history';
  readonly id?: string;
  readonly conversation: Peer;
  /** In the order of their serials, each once. */
  readonly messages: readonly Message[];
  /** Returns the next page in the same direction, as `before` or `after`. Absent: this is the last page. */
  readonly next?: Serial;
  /** The asking user's read marker. */
  readonly read?: Serial;
  /** With a user: the other user's markers for the asking user's messages. */
  readonly peer?: Markers;
}

export interface SearchReply {
  readonly type: 'search';
  readonly id?: string;
  readonly conversation: Peer;
  /** The newest first. */
  readonly messages: readonly Message[];
  /** Returns the next page, as `before`. Absent: this is the last page. */
  readonly next?: Serial;
}

export interface MarkedReply {
  readonly type: 'marked';
  readonly id?: string;
}

/** A conversation in the list. */
export interface ConversationSummary {
  readonly conversation: Peer;
  /** The newest message. Absent: the conversation has no message, or Beckon has deleted it after the retention. */
  readonly last?: Message;
  /** The messages of others after the read marker: at most {@link MAX_UNREAD_COUNT}. */
  readonly unread: { readonly count: Count; readonly more: boolean };
  /** The asking user's read marker. */
  readonly read?: Serial;
  /** With a user: the other user's markers for the asking user's messages. */
  readonly peer?: Markers;
}

export interface ConversationsReply {
  readonly type: 'conversations';
  readonly id?: string;
  /** The newest activity first. */
  readonly conversations: readonly ConversationSummary[];
  /** Returns the next page, as `before`. Absent: this is the last page. */
  readonly next?: string;
}

export interface UnreadReply {
  readonly type: 'unread';
  readonly id?: string;
  /** In the order of the frame. */
  readonly conversations: readonly {
    readonly conversation: Peer;
    /** At most {@link MAX_UNREAD_COUNT}. */
    readonly count: Count;
    readonly more: boolean;
    /** The read marker. */
    readonly read?: Serial;
  }[];
  /** Without `conversations` in the frame: what is unread in the 50 conversations with the newest activity together. */
  readonly total?: { readonly count: Count; readonly more: boolean };
}

/** The replies to these frames. */
export interface HistoryReplies {
  readonly history: HistoryReply;
  readonly search: SearchReply;
  readonly mark: MarkedReply;
  readonly conversations: ConversationsReply;
  readonly unread: UnreadReply;
}

/**
 * Tells the other connections of a user up to which serial the user has read a conversation. It comes at most once and may
 * get lost.
 */
export interface MarkerPush extends Markers {
  readonly type: 'marker';
  readonly conversation: Peer;
  readonly read: Serial;
}

/** Tells the sender of messages how far they have come with `from`. It comes at most once and may get lost. */
export interface ReceiptPush extends Markers {
  readonly type: 'receipt';
  readonly from: { readonly user: string };
}
