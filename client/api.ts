import type {
  Bytes,
  Conversation,
  HistoryReply,
  JsonValue,
  Message,
  PresenceReply,
  ReceiptPush,
  SearchReply,
  SendResult,
  UnreadReply,
} from '../protocol/index.ts';
import type { BeckonError } from './errors.ts';
import type { ConnectionState, Reason } from './state.ts';

/** What a message carries: any JSON, or bytes. */
export type Payload = JsonValue | Uint8Array;

/** What can be sent for `Incoming` to arrive: the same, or whatever holds bytes where bytes may arrive. */
export type Sendable<Incoming> = Incoming | (Uint8Array extends Incoming ? Bytes : never);

/** A message as the application gets it: once, however often it came. */
export interface ReceivedMessage<Data = Payload> extends Omit<Message, 'data'> {
  /** What the sender sent; bytes as `Uint8Array`. The type is a promise between you and the senders: nothing checks it. */
  readonly data: Data;
  /** Set when the data is encoded in a way that this client does not know, or not what its encoding says. */
  readonly encoding?: string;
}

/** Messages are missing that nothing brings back. */
export interface Gap {
  /** The room whose messages they are. Absent: they are the user's own. */
  readonly room?: string;
  /**
   * From when on, epoch milliseconds by the server's clock; whatever is still kept follows as messages. Absent: nobody
   * knows.
   */
  readonly sinceMs?: number;
}

/** What became of a message whose promise is gone with the page that sent it. */
export type Settled =
  | { readonly id: string; readonly result: SendResult }
  /** As `sendToUser` would have rejected. */
  | { readonly id: string; readonly error: BeckonError };

/** The client is no longer in a room, though nobody called `leave`. */
export interface Left {
  readonly room: string;
  /** Why: `forbidden` when another token does not allow what an earlier one did. */
  readonly reason: Reason;
}

/** How far the messages that one has sent to a user have come: everything up to these serials. */
export type Receipt = Omit<ReceiptPush, 'type'>;

/** Whose presence: that of users, or who is in a room. */
export type PresenceTarget = readonly string[] | { readonly room: string };

/**
 * Who is online, or in a room, and since when (epoch milliseconds by the server's clock). Of a room: at most 100 users,
 * and with `occupancy` how many there are in all.
 */
export type PresenceSnapshot = Omit<PresenceReply, 'type' | 'id'>;

/** Those whose presence has changed. */
export type PresenceChange = Omit<PresenceSnapshot, 'occupancy'>;

/**
 * A page of what was said, in the order of the serials. `next` gives the next page, as `before` or `after` like this one;
 * it is absent when there is none. `read`: up to where the user has read. `peer`: how far one's own messages have come
 * with the other user.
 */
export interface HistoryPage<Incoming = Payload> extends Pick<HistoryReply, 'next' | 'read' | 'peer'> {
  readonly messages: readonly ReceivedMessage<Incoming>[];
}

/** A page of what was found, the newest first. `next` gives the next page, as `before`; it is absent when there is none. */
export interface SearchPage<Incoming = Payload> extends Pick<SearchReply, 'next'> {
  readonly messages: readonly ReceivedMessage<Incoming>[];
}

/** How many messages of a conversation are behind its read marker: at most 100, and then there may be `more`. */
export type Unread = UnreadReply['conversations'][number];

/** What a listener of each event is called with. */
export interface ClientEvents<Incoming = Payload> {
  /** A message arrived. */
  readonly message: ReceivedMessage<Incoming>;
  /** Messages are missing: the user was away for longer than they are kept, or the server does not know since when. */
  readonly gap: Gap;
  /** A message was sent, or given up, that an earlier client of the user had left in the `storage`. */
  readonly settled: Settled;
  /** The client is no longer in a room. */
  readonly left: Left;
  /** The presence of users or of a room has changed that is watched. */
  readonly presence: PresenceChange;
  /** Messages that this user sent have come further: to the other's application, or before their eyes. */
  readonly receipt: Receipt;
  /** The connection does something else than before. */
  readonly state: ConnectionState;
  /**
   * Something failed that belongs to no call: `getToken`, the `storage`, a handshake or a registration that was refused, or
   * a frame that the server could not read.
   */
  readonly error: BeckonError;
}

export interface SendOptions {
  /**
   * The message's identity: whoever gets it twice drops the second. Letters, digits, `_.:-`, at most 64. Give one to
   * send a message again that may have been delivered. Default: a random UUID.
   */
  readonly id?: string;
  /** Whether it is kept for devices that are not connected. Default: true. */
  readonly store?: boolean;
  /** How long it is kept, in whole seconds. Default: as long as the server keeps messages, which is also the most. */
  readonly ttlSeconds?: number;
  /**
   * To users: whether the sender's other devices get a copy. To a room: whether this device gets it as well, if it is in
   * the room. Default: false.
   */
  readonly echo?: boolean;
  /** Whether to tell by the event `receipt` that a recipient's application has got it. Default: false. */
  readonly receipt?: boolean;
  /** How long the message may wait to be sent, milliseconds. Default: the client's `messageExpiryMs`. */
  readonly expiresAfterMs?: number;
  /** Takes the message back when it aborts; one that is on its way may arrive all the same. Default: none. */
  readonly signal?: AbortSignal;
}

export interface JoinOptions {
  /** Where to begin: a serial of a message of this room. Default: now. */
  readonly since?: string;
  /** Gives joining up when it aborts. Default: none. */
  readonly signal?: AbortSignal;
}

export interface CallOptions {
  /** Gives waiting for the answer up when it aborts. Default: none. */
  readonly signal?: AbortSignal;
}

export interface SearchOptions extends CallOptions {
  /** Only messages below this serial. Default: all. */
  readonly before?: string;
  /** The most messages of the page, at most 100. Default: 50. */
  readonly limit?: number;
}

export interface HistoryOptions extends SearchOptions {
  /** The oldest messages above this serial; not together with `before`. Default: the newest messages. */
  readonly after?: string;
}

export interface ListenOptions {
  /** Removes the listener when it aborts. Default: none. */
  readonly signal?: AbortSignal;
}

export interface MessagesOptions {
  /** Ends the iteration when it aborts. Default: none. */
  readonly signal?: AbortSignal;
  /** How many messages may wait for the loop before it ends with `slow_consumer`. Default: 1,000. */
  readonly maxBuffered?: number;
}

/** What happened so far, for dashboards and tests. */
export interface Counters {
  /** Connections that became usable. */
  readonly connections: number;
  /** Messages that came again and were not handed on. */
  readonly duplicates: number;
  /** Frames that this version does not know. */
  readonly ignoredFrames: number;
}

/**
 * A user's connection, kept alive until {@link Client.close}.
 * @typeParam Incoming The data of messages that arrive. Default: any JSON, or bytes.
 * @typeParam Outgoing The data of messages that are sent. Default: the same; for bytes, whatever holds them.
 */
export interface Client<Incoming = Payload, Outgoing = Sendable<Incoming>> {
  /** What the connection is doing now. A new object each time it changes. */
  readonly state: ConnectionState;
  readonly counters: Counters;

  /**
   * Sends to every device on which the user is connected. Without a connection the message waits for one.
   * Messages arrive in the order of the calls.
   * @returns What the server did with it: `delivered` on at least one device; `queued`, being delivered to very many;
   * `stored` for when one comes; or `dropped`. With `duplicate`, it had been accepted before.
   * @throws TypeError when the data is neither JSON nor bytes; {@link BeckonError} with `message_too_large`, `frame_too_large`,
   * `invalid_frame`, `outbox_full`, `expired`, `closed`, or the code with which the server refused it; the reason of the
   * `signal`. All as rejections.
   */
  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * As {@link Client.sendToUser}, to up to 100 users at once. The result has a status for each user. The status `not_accepted`
   * says that the user does not accept the message: it was neither delivered to them nor kept. If no user accepts it, the call rejects.
   */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * As {@link Client.sendToUser}, to everybody in a room, which the sender need not be in. This device does not get its
   * own message without `echo`; the user's other devices do, if they are in the room.
   */
  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * Joins a room, and stays in it across connections until {@link Client.leave}: what is sent to it comes as `message`.
   * Joining a room twice is joining it once.
   * @returns When the client is in the room for the first time.
   * @throws {@link BeckonError} with `forbidden`, `too_many_rooms`, `closed`, or `left` when `leave` was called before;
   * the reason of the `signal`. As rejections.
   */
  join(room: string, options?: JoinOptions): Promise<void>;

  /**
   * Leaves a room. From now on nothing of it is handed on.
   * @returns When the server knows.
   */
  leave(room: string): Promise<void>;

  /**
   * Asks who is online, of at most 100 users, or who is in a room.
   * @throws {@link BeckonError} with `forbidden`, `expired`, `closed`. As rejections, as for everything that is asked.
   */
  presence(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /** As {@link Client.presence}; from then on changes come as `presence`, across connections, until {@link Client.unwatch}. */
  watch(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /**
   * Watches no longer.
   * @returns When the server knows.
   */
  unwatch(target: PresenceTarget): Promise<void>;

  /** Reads what was said with a user, both ways, or in a room. By default the newest page. */
  history(conversation: Conversation, options?: HistoryOptions): Promise<HistoryPage<Incoming>>;

  /** Finds the messages in which every word occurs, the last one as the beginning of a word. The newest come first. */
  search(conversation: Conversation, text: string, options?: SearchOptions): Promise<SearchPage<Incoming>>;

  /** Counts what the user has not read, of at most 50 conversations, in their order. */
  unread(conversations: readonly Conversation[], options?: CallOptions): Promise<readonly Unread[]>;

  /**
   * Says that the user has read everything up to a message, on every device. Markers move forward only; those that wait
   * for a connection are sent as one.
   * @returns When the server knows.
   */
  markRead(conversation: Conversation, serial: string): Promise<void>;

  /**
   * Accepts no more messages of a user, until {@link Client.unblock}: whatever they send to this user is refused with
   * `not_accepted`, and they are not told why. What they send to rooms comes all the same.
   * @returns When the server knows.
   * @throws {@link BeckonError} with `too_many_blocked`; `invalid_frame` for the user themselves. As rejections.
   */
  block(user: string, options?: CallOptions): Promise<void>;

  /**
   * Accepts messages of a user again. Messages that the block refused are not delivered later.
   * @returns When the server knows.
   */
  unblock(user: string, options?: CallOptions): Promise<void>;

  /** Asks whom the user has blocked, on whichever device, by name. */
  blocked(options?: CallOptions): Promise<readonly string[]>;

  /**
   * Calls `listener` from now on. What it throws is reported by the runtime as an uncaught error.
   * @returns Removes the listener.
   */
  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options?: ListenOptions,
  ): () => void;

  /**
   * The messages that arrive from now on, for `for await`. Ends when the client is closed; throws when it fails, and
   * `slow_consumer` when too many wait.
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<ReceivedMessage<Incoming>>;

  /**
   * Closes the connection for good. Messages that were not acknowledged are rejected with `closed`; those that are in a
   * `storage` are sent by the user's next client all the same.
   */
  close(): void;
}
