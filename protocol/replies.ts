import type { Action, Conversation, Json, Recipient, Shown } from './frames.ts';
import type { Limits, MAX_UNREAD_COUNT, MAX_USERS_PER_PRESENCE } from './limits.ts';
import type { Problem } from './problem.ts';
import type { Count, EpochMs, Serial } from './scalars.ts';

/** The sender of a message: a user over their own connection, or a service through `server/` or the function `send`. */
export type Sender = { readonly user: string } | { readonly service: string };

/** A message, as its recipient gets it. */
export interface Message {
  /** The sender chooses it and keeps it on every retry. A receiver drops a message that it has already seen. */
  readonly id: string;
  /** A ULID that the server mints. It sorts by the time of sending. */
  readonly serial: Serial;
  readonly from: Sender;
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
export interface SendFailure {
  readonly id?: string;
  readonly error: Problem;
}

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

export interface AckReply {
  readonly type: 'ack';
  readonly id?: string;
  /** One result for each message of the frame, in their order. */
  readonly results: readonly (SendResult | SendFailure)[];
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

/** The connection is in the room. The fields are those of `registered`, for the room. */
export interface JoinedReply
  extends Pick<RegisteredReply, 'id' | 'recovered' | 'messages' | 'more' | 'cursor' | 'serverTime'> {
  readonly type: 'joined';
  readonly room: string;
}

export interface LeftReply {
  readonly type: 'left';
  readonly id?: string;
  readonly room: string;
}

/** How far one user's messages have come with another user. Each serial covers everything up to it. */
export interface Markers {
  readonly received?: Serial;
  readonly read?: Serial;
}

export interface HistoryReply {
  readonly type: 'history';
  readonly id?: string;
  readonly conversation: Conversation;
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
  readonly conversation: Conversation;
  /** The newest first. */
  readonly messages: readonly Message[];
  /** Returns the next page, as `before`. Absent: this is the last page. */
  readonly next?: Serial;
}

/** Whether a user is online or in a room. Of two states of the same user, the one with the later `sinceMs` holds. */
export interface Presence {
  readonly user: string;
  readonly online: boolean;
  /** Since when, in epoch milliseconds. Absent: Beckon keeps no state of the user. */
  readonly sinceMs?: EpochMs;
}

/** The reply to `presence`. Without `id`, it is a push of the users whose state has changed. */
export interface PresenceReply {
  readonly type: 'presence';
  readonly id?: string;
  /** The presence is in this room. Absent: the presence is anywhere. */
  readonly room?: string;
  /** For a room: the users in it, at most {@link MAX_USERS_PER_PRESENCE}. In a push: the users whose state has changed. */
  readonly users: readonly Presence[];
  /** In the reply for a room: how many users and connections are in it. */
  readonly occupancy?: { readonly users: Count; readonly connections: Count };
}

export interface MarkedReply {
  readonly type: 'marked';
  readonly id?: string;
}

export interface UnreadReply {
  readonly type: 'unread';
  readonly id?: string;
  /** In the order of the frame. */
  readonly conversations: readonly {
    readonly conversation: Conversation;
    /** At most {@link MAX_UNREAD_COUNT}. */
    readonly count: Count;
    readonly more: boolean;
    /** The read marker. */
    readonly read?: Serial;
  }[];
}

/** The users whom the user has blocked. */
export interface BlockedReply {
  readonly type: 'blocked';
  readonly id?: string;
  /** The blocked users, by name: only the user whom the frame names, or all. */
  readonly users: readonly string[];
  /** Whether more blocked users follow after the last one. */
  readonly more: boolean;
}

/** Tells the sender of messages how far they have come with `from`. It comes at most once and may get lost. */
export interface ReceiptPush extends Markers {
  readonly type: 'receipt';
  readonly from: { readonly user: string };
}

/** The server pushes it before it closes the connection. */
export interface ByePush extends Pick<Problem, 'code' | 'message' | 'retryAfterMs'> {
  readonly type: 'bye';
  /** Whether to connect again, with a fresh token and after `retryAfterMs`. */
  readonly reconnect: boolean;
}

export interface ErrorReply extends Problem {
  readonly type: 'error';
  readonly id?: string;
}

/** The server pushes it when messages for the user arrive. */
export interface MessagesPush {
  readonly type: 'messages';
  readonly messages: readonly Message[];
}

/** The reply to each action. The server answers a refused frame with `error`. */
export interface Replies {
  readonly register: RegisteredReply;
  readonly join: JoinedReply;
  readonly leave: LeftReply;
  readonly history: HistoryReply;
  readonly search: SearchReply;
  readonly presence: PresenceReply;
  readonly mark: MarkedReply;
  readonly unread: UnreadReply;
  readonly block: BlockedReply;
  readonly sendMessage: AckReply;
  readonly ping: PongReply;
}

/** What the server sends without a request, by type. */
export interface Pushes {
  readonly messages: MessagesPush;
  readonly presence: PresenceReply;
  readonly receipt: ReceiptPush;
  readonly bye: ByePush;
}

export type Reply = Replies[Action] | ErrorReply;
export type Push = Pushes[keyof Pushes];
export type ServerFrame = Reply | Push;
