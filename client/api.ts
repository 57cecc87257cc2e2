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

/** How long a call waits. The call rejects with `expired` or with the reason of the signal; what it asked for may still be done. */
export interface CallOptions {
  /** Stops waiting when it aborts. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, milliseconds: above 0 and at most 2,147,483,647. Default: what the call says. */
  readonly timeoutMs?: number | undefined;
}

/** When the call stops waiting before the client is in the room, the client does not join. */
export interface JoinOptions extends CallOptions {
  /** Where to begin: a serial of a message of this room. Default: now. */
  readonly since?: string;
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

/** Lets `using` close the client, where the types of the project know it (`"lib": ["esnext.disposable"]`). */
export type Disposing = { readonly [Key in DisposeKey]: () => void };
type DisposeKey = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? Key : never;

/**
 * A user's connection, kept alive until {@link Client.close}.
 *
 * Every call that waits takes a `signal` and a time limit, and rejects with a {@link BeckonError}; wrong arguments are a `TypeError`. All
 * of them are rejections, never exceptions.
 * @typeParam Incoming The data of messages that arrive. Default: any JSON, or bytes.
 * @typeParam Outgoing The data of messages that are sent. Default: the same; for bytes, whatever holds them.
 */
export interface Client<Incoming = Payload, Outgoing = Sendable<Incoming>> extends Disposing {
  /**
   * What the connection is doing now. A new object each time it changes.
   *
   * ```ts
   * if (client.state.status === 'suspended') showOffline();
   * ```
   */
  readonly state: ConnectionState;

  /**
   * What happened so far.
   *
   * ```ts
   * metrics.gauge('reconnects', client.counters.connections - 1);
   * ```
   */
  readonly counters: Counters;

  /**
   * Waits until the client is connected.
   *
   * ```ts
   * await client.ready({ timeoutMs: 10_000 });
   * ```
   * @returns When messages flow: at once, if they do already. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} `expired` when the time is over; the reason why the client is closed for good.
   */
  ready(options?: CallOptions): Promise<void>;

  /**
   * Sends to every device on which the user is connected. Without a connection the message waits for one.
   * Messages arrive in the order of the calls.
   *
   * ```ts
   * const { status } = await client.sendToUser('bob', { text: 'hi' });
   * ```
   * @returns What the server did with it: `delivered` to at least one device; `queued`, being delivered to very many;
   * `stored` until a device connects; or `dropped`. With `duplicate`, the server had accepted the message before.
   * @throws TypeError when the data is neither JSON nor bytes; {@link BeckonError} with `message_too_large`, `frame_too_large`,
   * `invalid_frame`, `outbox_full`, `expired`, `closed`, `load_failed`, or the code with which the server refused the message.
   */
  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * As {@link Client.sendToUser}, to up to 100 users at once. The result has a status for each user. The status `not_accepted`
   * says that the user does not accept the message: it was neither delivered to them nor kept. If no user accepts it, the call rejects.
   *
   * ```ts
   * const { users } = await client.sendToUsers(['bob', 'carol'], { text: 'Lunch?' });
   * ```
   */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * As {@link Client.sendToUser}, to everybody in a room; the sender need not be in it. This device does not get its
   * own message without `echo`; the user's other devices do, if they are in the room.
   *
   * ```ts
   * await client.sendToRoom('lobby', { text: 'Hello, all' });
   * ```
   */
  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * Joins a room, and stays in it across connections until {@link Client.leave}: messages to the room arrive as `message`.
   * Joining a room twice is joining it once.
   *
   * ```ts
   * await client.join('lobby');
   * ```
   * @returns When the client is in the room for the first time. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} with `forbidden`, `too_many_rooms`, `expired`, `closed`, or `left` when `leave` was called before.
   */
  join(room: string, options?: JoinOptions): Promise<void>;

  /**
   * Leaves a room. From the call on, the client hands on no message of it.
   *
   * ```ts
   * await client.leave('lobby');
   * ```
   * @returns When the server knows. Default of `timeoutMs`: no limit; without a connection there is nothing to wait for.
   */
  leave(room: string, options?: CallOptions): Promise<void>;

  /**
   * Asks who is online, of at most 100 users, or who is in a room.
   *
   * ```ts
   * const { users } = await client.presence(['bob', 'carol']);
   * ```
   * @returns The answer. Default of `timeoutMs`, as for all calls below: 30,000.
   * @throws {@link BeckonError} with `forbidden`, `expired`, `rate_limited`, `closed`, as all calls below.
   */
  presence(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /**
   * As {@link Client.presence}; from then on changes arrive as `presence`, across connections, until {@link Client.unwatch}.
   *
   * ```ts
   * client.on('presence', ({ users }) => update(users));
   * const { users } = await client.watch({ room: 'lobby' });
   * ```
   */
  watch(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /**
   * Stops watching.
   *
   * ```ts
   * await client.unwatch({ room: 'lobby' });
   * ```
   * @returns When the server knows.
   */
  unwatch(target: PresenceTarget, options?: CallOptions): Promise<void>;

  /**
   * Reads what was said with a user, both ways, or in a room. By default the newest page.
   *
   * ```ts
   * const newest = await client.history({ user: 'bob' });
   * const earlier = newest.next && (await client.history({ user: 'bob' }, { before: newest.next }));
   * ```
   */
  history(conversation: Conversation, options?: HistoryOptions): Promise<HistoryPage<Incoming>>;

  /**
   * Finds the messages that have every word; the last word may be the beginning of one. The newest messages come first.
   *
   * ```ts
   * const { messages } = await client.search({ room: 'lobby' }, 'lunch tues');
   * ```
   */
  search(conversation: Conversation, text: string, options?: SearchOptions): Promise<SearchPage<Incoming>>;

  /**
   * Counts what the user has not read, of at most 50 conversations, in their order.
   *
   * ```ts
   * const [lobby] = await client.unread([{ room: 'lobby' }]);
   * ```
   */
  unread(conversations: readonly Conversation[], options?: CallOptions): Promise<readonly Unread[]>;

  /**
   * Says that the user has read everything up to a message, on every device. Markers move forward only; the client sends all markers
   * that wait for a connection as one.
   *
   * ```ts
   * await client.markRead({ user: 'bob' }, message.serial);
   * ```
   * @returns When the server knows. A marker whose call has stopped waiting is sent all the same.
   */
  markRead(conversation: Conversation, serial: string, options?: CallOptions): Promise<void>;

  /**
   * Accepts no more messages of a user, until {@link Client.unblock}: the server refuses what they send to this user with
   * `not_accepted`, and does not tell them why. What they send to rooms arrives all the same.
   *
   * ```ts
   * await client.block('mallory');
   * ```
   * @returns When the server knows.
   * @throws {@link BeckonError} with `too_many_blocked`; `invalid_frame` for the user themselves.
   */
  block(user: string, options?: CallOptions): Promise<void>;

  /**
   * Accepts messages of a user again. Messages that the block refused are not delivered later.
   *
   * ```ts
   * await client.unblock('mallory');
   * ```
   * @returns When the server knows.
   */
  unblock(user: string, options?: CallOptions): Promise<void>;

  /**
   * Asks whom the user has blocked, on whichever device, by name.
   *
   * ```ts
   * const users = await client.blocked();
   * ```
   */
  blocked(options?: CallOptions): Promise<readonly string[]>;

  /**
   * Calls `listener` from now on. The runtime reports what it throws as an uncaught error.
   *
   * ```ts
   * const stop = client.on('message', ({ from, data }) => show(from, data));
   * ```
   * @returns Removes the listener.
   */
  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options?: ListenOptions,
  ): () => void;

  /**
   * Waits for an event.
   *
   * ```ts
   * const { data } = await client.once('message', { timeoutMs: 60_000 });
   * ```
   * @returns What the event carries, the next time. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} `expired` when the time is over; the reason why the client is closed for good.
   */
  once<E extends keyof ClientEvents<Incoming>>(event: E, options?: CallOptions): Promise<ClientEvents<Incoming>[E]>;

  /**
   * The messages that arrive from now on, for `for await`. Ends when the client is closed; throws when it fails, and
   * `slow_consumer` when too many messages wait.
   *
   * ```ts
   * for await (const { from, data } of client.messages()) show(from, data);
   * ```
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<ReceivedMessage<Incoming>>;

  /**
   * Closes the connection for good. Messages that were not acknowledged are rejected with `closed`; the user's next client
   * sends all the same what is in a `storage`. `using client = connect(…)` calls it at the end of the block.
   *
   * ```ts
   * client.close();
   * ```
   */
  close(): void;
}
