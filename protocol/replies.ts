import type { Action, Conversation, Json, Recipient, Shown } from './frames.ts';
import type { Limits, MAX_UNREAD_COUNT, MAX_USERS_PER_PRESENCE } from './limits.ts';
import type { Problem } from './problem.ts';

/** Who sent a message: a user over their own connection, or a service through `server/` or the `send` function. */
export type Sender = { readonly user: string } | { readonly service: string };

/** A message as its recipient gets it. */
export interface Message {
  /** Chosen by the sender, the same on every retry: a receiver that sees it again drops it. */
  readonly id: string;
  /** A ULID minted by the server: sorts by the time of sending. */
  readonly serial: string;
  readonly from: Sender;
  /** Whom it was delivered to: of several users, each sees themselves alone. The sender's own copy has them all. */
  readonly to: Recipient;
  readonly data: Json;
  /** How `data` is encoded, as its sender says. Absent: it is what it says. */
  readonly encoding?: string;
  /** Epoch milliseconds, by the server's clock. */
  readonly sentAt: number;
  /** The sender wants to hear that the application got it: answer with `mark`. */
  readonly receipt?: true;
}

/** How many of the recipient's connections took the message, had ceased to exist, or could not be reached. */
export interface ConnectionCounts {
  readonly delivered: number;
  readonly gone: number;
  readonly failed: number;
}

/**
 * What became of a message at a recipient, from best to worst.
 * `delivered`: on at least one connection. `queued`: too many connections for one function; being delivered.
 * `stored`: on none, but it is there when one comes. `dropped`: on none, and it is not kept.
 */
export type DeliveryStatus = 'delivered' | 'queued' | 'stored' | 'dropped';

/**
 * What became of a message at one of its recipients. `not_accepted`: nothing was delivered or kept there. That is no
 * acknowledgement, so it is never the status of a message.
 */
export type UserStatus = DeliveryStatus | 'not_accepted';

/** What became of one accepted message. */
export interface SendResult {
  readonly id: string;
  readonly serial: string;
  /** The worst status among the recipients who accepted it, of whom there is at least one. */
  readonly status: DeliveryStatus;
  readonly connections: ConnectionCounts;
  /** The status for each recipient, in the order in which they were named. Empty for a room. */
  readonly users: readonly { readonly user: string; readonly status: UserStatus }[];
  /** A retry found that the message had been accepted before: that one stands, whatever this one said. */
  readonly duplicate?: true;
}

/** What was wrong with one message of a batch; the others are not affected. */
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
  readonly serverTime: number;
  /**
   * False: messages between `since` and the retention are no longer there. Never a silent gap: whatever is kept follows
   * in `messages`, and what is older can be had from nowhere.
   */
  readonly recovered: boolean;
  /** One page of what was missed, in the order of the serials. Some may have been seen before. */
  readonly messages: readonly Message[];
  /**
   * Without `since`: messages that another device of the user has handed to its application. They may be among those that
   * follow, and are not news to the user. Absent: none are known.
   */
  readonly shown?: readonly Shown[];
  /** Whether `register` with `after` gives another page. The resume is complete when it says false. */
  readonly more: boolean;
  /** Where to resume from later, once the resume is complete. It is the first page's that counts. */
  readonly cursor: string;
  /** When the registration ends unless the client is heard before, epoch milliseconds. */
  readonly expiresAt: number;
  readonly limits: Limits;
  /**
   * With `token`: the rooms that this connection is in. Those that are missing the newer token does not allow, or their
   * messages were missed while the older one had expired: join them again to know.
   */
  readonly rooms?: readonly string[];
}

export interface AckReply {
  readonly type: 'ack';
  readonly id?: string;
  /** One for each message of the frame, in its order. */
  readonly results: readonly (SendResult | SendFailure)[];
}

export interface PongReply {
  readonly type: 'pong';
  readonly id?: string;
  /** Epoch milliseconds. */
  readonly serverTime: number;
  /** What is newer than the cursor of the ping, and an overlap before it; empty without a cursor. */
  readonly messages: readonly Message[];
  /** Whether there is more: then `register` with `since` gives all of it. */
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

/** How far somebody's messages have come with somebody: serials, everything up to which is meant. */
export interface Markers {
  readonly delivered?: string;
  readonly read?: string;
}

export interface HistoryReply {
  readonly type: 'history';
  readonly id?: string;
  readonly conversation: Conversation;
  /** In the order of their serials; each once. */
  readonly messages: readonly Message[];
  /** Gives the next page in the same direction, as `before` or `after`. Absent: there is none. */
  readonly next?: string;
  /** What the asking user has read. */
  readonly read?: string;
  /** With a user: how far the asking user's messages have come there. */
  readonly peer?: Markers;
}

export interface SearchReply {
  readonly type: 'search';
  readonly id?: string;
  readonly conversation: Conversation;
  /** The newest first. */
  readonly messages: readonly Message[];
  /** Gives the next page, as `before`. Absent: there is none. */
  readonly next?: string;
}

/** Whether a user is online, or in a room. Of two for the same user the one with the later `since` holds. */
export interface Presence {
  readonly user: string;
  readonly online: boolean;
  /** Since when, epoch milliseconds. Absent: they have not been seen for as long as that is remembered. */
  readonly since?: number;
}

/** The reply to `presence`; without `id` a push: what has changed. */
export interface PresenceReply {
  readonly type: 'presence';
  readonly id?: string;
  /** Whom it is about: the presence is in this room. Absent: anywhere. */
  readonly room?: string;
  /** Of a room: those that are in it, at most {@link MAX_USERS_PER_PRESENCE}. In a push: those that have changed. */
  readonly users: readonly Presence[];
  /** Of a room, in the reply: how many there are in all. */
  readonly occupancy?: { readonly users: number; readonly connections: number };
}

export interface MarkedReply {
  readonly type: 'marked';
  readonly id?: string;
}

export interface UnreadReply {
  readonly type: 'unread';
  readonly id?: string;
  /** In the order in which they were asked for. */
  readonly conversations: readonly {
    readonly conversation: Conversation;
    /** At most {@link MAX_UNREAD_COUNT}. */
    readonly count: number;
    readonly more: boolean;
    /** The read marker. */
    readonly read?: string;
  }[];
}

/** Whose messages the user does not accept. */
export interface BlockedReply {
  readonly type: 'blocked';
  readonly id?: string;
  /** Those who are blocked, by name: of the user whom the frame names, or of all. */
  readonly users: readonly string[];
  /** Whether there are more, behind the last of them. */
  readonly more: boolean;
}

/** Pushed to the senders of messages: how far they have come with `from`. Comes at most once, and may get lost. */
export interface ReceiptPush extends Markers {
  readonly type: 'receipt';
  readonly from: { readonly user: string };
}

/** Pushed before the server closes the connection. */
export interface ByePush extends Pick<Problem, 'code' | 'message' | 'retryAfterMs'> {
  readonly type: 'bye';
  /** Whether to connect again, with a fresh token, and not before `retryAfterMs`. */
  readonly reconnect: boolean;
}

export interface ErrorReply extends Problem {
  readonly type: 'error';
  readonly id?: string;
}

/** Pushed when messages for the user arrive. */
export interface MessagesPush {
  readonly type: 'messages';
  readonly messages: readonly Message[];
}

export type Reply =
  | RegisteredReply
  | JoinedReply
  | LeftReply
  | AckReply
  | HistoryReply
  | SearchReply
  | PresenceReply
  | MarkedReply
  | UnreadReply
  | BlockedReply
  | PongReply
  | ErrorReply;
/** The type of the reply to each action. A refused frame is answered with `error`. */
export const REPLY_TYPES = {
  register: 'registered',
  join: 'joined',
  leave: 'left',
  history: 'history',
  search: 'search',
  presence: 'presence',
  mark: 'marked',
  unread: 'unread',
  block: 'blocked',
  sendMessage: 'ack',
  ping: 'pong',
} as const satisfies Record<Action, Reply['type']>;

export type Push = MessagesPush | PresenceReply | ReceiptPush | ByePush;
export type ServerFrame = Reply | Push;
