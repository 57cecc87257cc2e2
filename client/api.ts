import type {
  Bytes,
  ConversationSummary,
  ConversationsReply,
  HistoryReply,
  JsonValue,
  MarkerPush,
  Message,
  Peer,
  PresenceReply,
  ReceiptPush,
  SchemaIssue,
  SearchReply,
  SendResult,
  UnreadReply,
} from '../protocol/index.ts';
import type { BeckonError } from './errors.ts';
import type { ConnectionState, Reason } from './state.ts';

/** The data of a message: any JSON, or bytes. */
export type Payload = JsonValue | Uint8Array;

/** The data to send for `Incoming` to arrive: the same type, or any type of bytes if `Incoming` may be bytes. */
export type Sendable<Incoming> = Incoming | (Uint8Array extends Incoming ? Bytes : never);

/** A message as the application gets it: once, even if it arrives several times. */
export interface ReceivedMessage<Data = Payload> extends Omit<Message, 'data'> {
  /** The sender's data; bytes as `Uint8Array`. Only a `schema` checks it: without one, the type is a promise of the senders. */
  readonly data: Data;
  /** The encoding, if this client does not know it or the data does not match it. Absent: the data is decoded. */
  readonly encoding?: string;
}

/** A message whose data the client's `schema` rejects. */
export interface InvalidMessage {
  /** The message as it arrived. */
  readonly message: ReceivedMessage<unknown>;
  /** What is wrong with its data, as the schema says. */
  readonly issues: readonly SchemaIssue[];
}

/** Tells that messages are permanently missing. */
export interface Gap {
  /** The room whose messages are missing. Absent: messages to the user are missing. */
  readonly room?: string;
  /**
   * The time from which messages are missing, epoch milliseconds by the server's clock. Messages that the server still keeps
   * follow. Absent: the server does not know the time.
   */
  readonly sinceMs?: number;
}

/** The result of a message whose promise is gone with the page that sent it. */
export type LateResult =
  | { readonly id: string; readonly result: SendResult }
  /** `error`: the reason with which `sendToUser` would have rejected. */
  | { readonly id: string; readonly error: BeckonError };

/** Tells that the client is no longer in a room, although the application did not call `leave`. */
export interface Left {
  readonly room: string;
  /** Why the client left: `forbidden` if a new token does not allow the room that an earlier token did. */
  readonly reason: Reason;
}

/** The serials up to which another user has received and read the messages from this user. */
export type Receipt = Omit<ReceiptPush, 'type'>;

/** The serial up to which this user has read a conversation, as marked by another device. */
export type Marker = Omit<MarkerPush, 'type'>;

/** The users whose presence to tell, or the room whose users to tell. */
export type PresenceTarget = readonly string[] | { readonly room: string };

/**
 * The users who are online, or in a room, and since when (epoch milliseconds by the server's clock). For a room, it lists at most
 * 100 users, and `occupancy` has the total.
 */
export type PresenceSnapshot = Omit<PresenceReply, 'type' | 'id'>;

/** The users whose presence has changed. */
export type PresenceChange = Omit<PresenceSnapshot, 'occupancy'>;

/**
 * A page of messages in the order of their serials. To get the next page, pass `next` as `before` or `after`, as for this page; the last
 * page has no `next`. `read`: the serial up to which this user has read. `peer`: the serials up to which the other user has received
 * and read this user's messages.
 */
export interface HistoryPage<Incoming = Payload> extends Pick<HistoryReply, 'next' | 'read' | 'peer'> {
  readonly messages: readonly ReceivedMessage<Incoming>[];
}

/** A page of search results, the newest first. To get the next page, pass `next` as `before`; the last page has no `next`. */
export interface SearchPage<Incoming = Payload> extends Pick<SearchReply, 'next'> {
  readonly messages: readonly ReceivedMessage<Incoming>[];
}

/** The number of messages after the read marker of a conversation: at most 100. `more`: there may be more than 100. */
export type Unread = UnreadReply['conversations'][number];

/** The number of unread messages in the 50 conversations with the newest activity together: at most 100. `more`: there may be more. */
export type UnreadTotal = NonNullable<UnreadReply['total']>;

/** A conversation of the list, with its newest message: absent if none is kept. `read` and `peer`: as in {@link HistoryPage}. */
export interface ListedConversation<Incoming = Payload> extends Omit<ConversationSummary, 'last'> {
  readonly last?: ReceivedMessage<Incoming>;
}

/** A page of the list, the newest activity first. To get the next page, pass `next` as `before`; the last page has no `next`. */
export interface ConversationsPage<Incoming = Payload> extends Pick<ConversationsReply, 'next'> {
  readonly conversations: readonly ListedConversation<Incoming>[];
}

/** The argument of the listeners of each event. */
export interface ClientEvents<Incoming = Payload> {
  /** A message arrived. */
  readonly message: ReceivedMessage<Incoming>;
  /** A message arrived, or is in a page of the history or of a search, and the client's `schema` rejects its data. */
  readonly invalid: InvalidMessage;
  /** Messages are missing: the user was away for longer than the server keeps them, or the server does not know since when. */
  readonly gap: Gap;
  /** The client sent, or gave up, a message that an earlier client of the user had left in the `storage`. */
  readonly result: LateResult;
  /** The client is no longer in a room, although the application did not call `leave`. */
  readonly left: Left;
  /** The presence of watched users, or in a watched room, has changed. */
  readonly presence: PresenceChange;
  /** Another user's application has received messages from this user, or the other user has read them. */
  readonly receipt: Receipt;
  /** Another device of this user has marked messages as read. It may get lost: after a reconnect, ask `unread` or `history`. */
  readonly marker: Marker;
  /** The state of the connection has changed. */
  readonly state: ConnectionState;
  /**
   * Something failed that belongs to no call: `getToken` or the `storage` failed, the server refused a handshake or a registration,
   * or the server could not read a frame.
   */
  readonly error: BeckonError;
}

export interface SendOptions {
  /**
   * Identifies the message: a client that receives it twice drops the second copy. Letters, digits, `_.:-`, at most 64. Pass the same
   * id to repeat a message that may have been delivered. Default: a random UUID.
   */
  readonly id?: string;
  /** Whether only devices that are connected now get the message: the server does not store it. Default: false. */
  readonly ephemeral?: boolean;
  /** How long the server keeps the message, in whole seconds. Default and maximum: the server's retention. */
  readonly ttlSeconds?: number;
  /** Whether the sender's other devices get a copy. Not for a room: its members get its messages anyway. Default: true. */
  readonly echo?: boolean;
  /** Whether the event `receipt` tells that a recipient's application has the message. Default: false. */
  readonly receipt?: boolean;
  /** How long the message may wait to be sent, milliseconds. Default: the client's `messageExpiryMs`. */
  readonly expiresAfterMs?: number;
  /** Takes the message back when it aborts. A message that is already on its way may still arrive. Default: none. */
  readonly signal?: AbortSignal;
}

/** How long a call waits. It then rejects with `expired` or with the signal's reason; the request may still take effect. */
export interface CallOptions {
  /** Stops waiting when it aborts. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** How long to wait, milliseconds: above 0 and at most 2,147,483,647. Default: see each call. */
  readonly timeoutMs?: number | undefined;
}

/** If the call stops waiting before the client is in the room, the client does not join. */
export interface JoinOptions extends CallOptions {
  /** Where to begin: the serial of a message of this room. Default: now. */
  readonly after?: string;
}

export interface SearchOptions extends CallOptions {
  /** Restricts the page to messages below this serial. Default: all messages. */
  readonly before?: string;
  /** The maximum number of messages of the page, at most 100. Default: 50. */
  readonly limit?: number;
}

export interface ConversationsOptions extends CallOptions {
  /** `next` of the page before. Default: the page with the newest activity. */
  readonly before?: string;
  /** The maximum number of conversations of the page, at most 50. Default: 50. */
  readonly limit?: number;
}

export interface HistoryOptions extends SearchOptions {
  /** Gets the oldest messages above this serial; not together with `before`. Default: the newest messages. */
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

/** Counts since the client was created, for dashboards and tests. */
export interface Counters {
  /** Connections that became usable. */
  readonly connections: number;
  /** Messages that arrived again, and that the client dropped. */
  readonly duplicates: number;
  /** Frames of types that this version does not know. */
  readonly ignoredFrames: number;
}

/** Lets `using` close the client, if the project's types have `Symbol.dispose` (`"lib": ["esnext.disposable"]`). */
export type Disposing = { readonly [Key in DisposeKey]: () => void };
type DisposeKey = SymbolConstructor extends { readonly dispose: infer Key extends symbol } ? Key : never;

/**
 * Keeps a user's connection alive until {@link Client.close}.
 *
 * Every call that waits takes a `signal` and a time limit, and rejects with a {@link BeckonError}. For wrong arguments it rejects with
 * a `TypeError`; it never throws.
 * @typeParam Incoming The data of incoming messages. Default: any JSON, or bytes.
 * @typeParam Outgoing The data of outgoing messages. Default: the same; for bytes, any type of bytes.
 */
export interface Client<Incoming = Payload, Outgoing = Sendable<Incoming>> extends Disposing {
  /**
   * The current state of the connection. A new object after each change.
   *
   * ```ts
   * if (client.state.status === 'suspended') showOffline();
   * ```
   */
  readonly state: ConnectionState;

  /**
   * Counts since the client was created.
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
   * @returns Resolves when the client is connected: at once, if it already is. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} with `expired` after this time, or with the reason why the client is closed permanently.
   */
  ready(options?: CallOptions): Promise<void>;

  /**
   * Sends a message to every connected device of a user. Without a connection of its own, the client keeps the message until it has one.
   * Messages arrive in the order of the calls.
   *
   * ```ts
   * const { status } = await client.sendToUser('bob', { text: 'hi' });
   * ```
   * @returns The server's result: `sent` to at least one device; `queued` for delivery to very many devices;
   * `stored` until a device connects; or `dropped`. With `duplicate`, the server had accepted the message before.
   * @throws TypeError if the data is neither JSON nor bytes, or the client's `schema` rejects it; {@link BeckonError} with `message_too_large`, `frame_too_large`,
   * `invalid_frame`, `outbox_full`, `expired`, `closed`, `load_failed`, or the code with which the server refused the message.
   */
  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * Sends a message to up to 100 users at once, as {@link Client.sendToUser} does. The result has a status for each user. The status
   * `not_accepted` says that the user does not accept the message: the server neither delivers nor keeps it for them. If no user accepts
   * the message, the call rejects.
   *
   * ```ts
   * const { users } = await client.sendToUsers(['bob', 'carol'], { text: 'Lunch?' });
   * ```
   */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * Sends a message to everybody in a room, as {@link Client.sendToUser} does. The sender need not be in the room. This device does
   * not get its own message; the user's other devices get it if they are in the room.
   *
   * ```ts
   * await client.sendToRoom('lobby', { text: 'Hello, all' });
   * ```
   */
  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult>;

  /**
   * Joins a room, and stays in it across connections until {@link Client.leave}. Messages to the room arrive as `message`.
   * The client counts the joins of a room: it leaves with the last {@link Client.leave}.
   *
   * ```ts
   * await client.join('lobby');
   * ```
   * @returns Resolves when the client is in the room for the first time. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} with `forbidden`, `too_many_rooms`, `expired`, `closed`, or
   * `join_cancelled` if the application called `leave` before.
   */
  join(room: string, options?: JoinOptions): Promise<void>;

  /**
   * Leaves a room, as often as it was joined: parts of a page need not know of each other. A join that has rejected does not count. From the
   * last call on, the client hands over no more messages of the room.
   *
   * ```ts
   * await client.leave('lobby');
   * ```
   * @returns Resolves when the server has confirmed it, or at once without a connection. Default of `timeoutMs`: no limit.
   */
  leave(room: string, options?: CallOptions): Promise<void>;

  /**
   * Asks which of at most 100 users are online, or who is in a room.
   *
   * ```ts
   * const { users } = await client.presence(['bob', 'carol']);
   * ```
   * @returns The server's answer. Default of `timeoutMs`, as for all calls to the server below: 30,000.
   * @throws {@link BeckonError} with `forbidden`, `expired`, `rate_limited`, `closed`, like all calls to the server below.
   */
  presence(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /**
   * Asks like {@link Client.presence}. Later changes arrive as `presence`, across connections, until {@link Client.unwatch}. The client
   * counts the watches of each user and room.
   *
   * ```ts
   * client.on('presence', ({ users }) => update(users));
   * const { users } = await client.watch({ room: 'lobby' });
   * ```
   */
  watch(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot>;

  /**
   * Stops watching each user or room that was watched as often as this. A watch that has rejected does not count.
   *
   * ```ts
   * await client.unwatch({ room: 'lobby' });
   * ```
   * @returns Resolves when the server has confirmed it.
   */
  unwatch(target: PresenceTarget, options?: CallOptions): Promise<void>;

  /**
   * Reads the messages between this user and another, or those in a room. Default: the newest page.
   *
   * ```ts
   * const newest = await client.history({ user: 'bob' });
   * const earlier = newest.next && (await client.history({ user: 'bob' }, { before: newest.next }));
   * ```
   */
  history(conversation: Peer, options?: HistoryOptions): Promise<HistoryPage<Incoming>>;

  /**
   * Finds the messages that have every word. The last word may be the beginning of a word. The newest messages come first.
   *
   * ```ts
   * const { messages } = await client.search({ room: 'lobby' }, 'lunch tues');
   * ```
   */
  search(conversation: Peer, text: string, options?: SearchOptions): Promise<SearchPage<Incoming>>;

  /**
   * Lists the user's conversations: users, rooms that the user has joined, and services; the newest activity first.
   *
   * ```ts
   * const { conversations, next } = await client.conversations({ limit: 20 });
   * ```
   * @throws BeckonError `conversations_disabled` if the operator has switched the list off.
   */
  conversations(options?: ConversationsOptions): Promise<ConversationsPage<Incoming>>;

  /**
   * Counts the unread messages of all conversations together, for a badge.
   *
   * ```ts
   * const { count } = await client.unread();
   * ```
   * @throws BeckonError `conversations_disabled` if the operator has switched the list off.
   */
  unread(options?: CallOptions): Promise<UnreadTotal>;

  /**
   * Counts the unread messages of at most 50 conversations, in the order of the argument.
   *
   * ```ts
   * const [lobby] = await client.unread([{ room: 'lobby' }]);
   * ```
   */
  unread(conversations: readonly Peer[], options?: CallOptions): Promise<readonly Unread[]>;

  /**
   * Marks all messages up to this one as read, for all devices of the user. Markers only move forward. The client sends all markers
   * that wait for a connection together.
   *
   * ```ts
   * await client.markRead({ user: 'bob' }, message.serial);
   * ```
   * @returns Resolves when the server has the marker. The client sends a marker even if its call has stopped waiting.
   */
  markRead(conversation: Peer, serial: string, options?: CallOptions): Promise<void>;

  /**
   * Blocks a user until {@link Client.unblock}. The server refuses their messages to this user with `not_accepted`, and does not tell
   * them why. Their messages to rooms still arrive.
   *
   * ```ts
   * await client.block('mallory');
   * ```
   * @returns Resolves when the server has confirmed it.
   * @throws {@link BeckonError} with `too_many_blocked`; with `invalid_frame` if users block themselves.
   */
  block(user: string, options?: CallOptions): Promise<void>;

  /**
   * Accepts messages of a user again. The server does not deliver messages later that it refused because of the block.
   *
   * ```ts
   * await client.unblock('mallory');
   * ```
   * @returns Resolves when the server has confirmed it.
   */
  unblock(user: string, options?: CallOptions): Promise<void>;

  /**
   * Lists the users that this user has blocked on any device, sorted by name.
   *
   * ```ts
   * const users = await client.blocked();
   * ```
   */
  blocked(options?: CallOptions): Promise<readonly string[]>;

  /**
   * Asks `getToken` for a token now, and registers the connection with it: for a user whose rights have changed. A token that is refused
   * does not end the connection before its own token does. Without a connection, it waits for the next one, which has a new token.
   *
   * ```ts
   * await client.renewToken();
   * ```
   * @returns Resolves when the server has answered.
   * @throws {@link BeckonError} with `token_failed`, `unauthorized`, `user_changed`, `expired` or `closed`.
   */
  renewToken(options?: CallOptions): Promise<void>;

  /**
   * Closes the client permanently, and forgets what the `storage` has of the user: queued messages and cursors. Does the same in all tabs
   * that share the connection.
   *
   * ```ts
   * await client.signOut();
   * ```
   * @returns Resolves when the storage has nothing of the user any more. Also works after {@link Client.close}.
   * @throws {@link BeckonError} with `storage_failed`, or `load_failed`.
   */
  signOut(): Promise<void>;

  /**
   * Calls `listener` for each later event. The runtime reports an exception of the listener as an uncaught error.
   *
   * ```ts
   * const stop = client.on('message', ({ from, data }) => show(from, data));
   * ```
   * @returns A function that removes the listener.
   */
  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options?: ListenOptions,
  ): () => void;

  /**
   * Waits for the next event of this name.
   *
   * ```ts
   * const { data } = await client.once('message', { timeoutMs: 60_000 });
   * ```
   * @returns The value of the event. Default of `timeoutMs`: no limit.
   * @throws {@link BeckonError} with `expired` after this time, or with the reason why the client is closed permanently.
   */
  once<E extends keyof ClientEvents<Incoming>>(event: E, options?: CallOptions): Promise<ClientEvents<Incoming>[E]>;

  /**
   * Iterates over the messages that arrive from now on, for `for await`. The iteration ends when the client is closed. It throws when
   * the client fails, and throws `slow_consumer` when too many messages wait.
   *
   * ```ts
   * for await (const { from, data } of client.messages()) show(from, data);
   * ```
   */
  messages(options?: MessagesOptions): AsyncIterableIterator<ReceivedMessage<Incoming>>;

  /**
   * Closes the client permanently. The promises of unacknowledged messages reject with `closed`. With a `storage`, the queued messages and
   * the cursors stay for the user's next client, which sends the messages: {@link Client.signOut} forgets them. `using client = connect(…)` calls it at the end of the block.
   *
   * ```ts
   * client.close();
   * ```
   */
  close(): void;
}
