import type { Json, Message, SendResult } from '../protocol/index.ts';
import type { BeckonError } from './errors.ts';
import type { ConnectionState } from './state.ts';

/** What a message carries: any JSON, or bytes. */
export type Payload = Json | Uint8Array;

/** What can be sent for `Incoming` to arrive: the same, or whatever holds bytes where bytes may arrive. */
export type Sendable<Incoming> =
  | Incoming
  | (Uint8Array extends Incoming ? ArrayBuffer | ArrayBufferView | Blob : never);

/** A message as the application gets it: once, however often it came. */
export interface ReceivedMessage<Data = Payload> extends Omit<Message, 'data'> {
  /** What the sender sent; bytes as `Uint8Array`. The type is a promise between you and the senders: nothing checks it. */
  readonly data: Data;
  /** Set when the data is encoded in a way that this client does not know, or not what its encoding says. */
  readonly encoding?: string;
}

/** Messages are missing that nothing brings back. */
export interface Gap {
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

/** What a listener of each event is called with. */
export interface ClientEvents<Incoming = Payload> {
  /** A message arrived. */
  readonly message: ReceivedMessage<Incoming>;
  /** Messages are missing: the user was away for longer than they are kept, or the server does not know since when. */
  readonly gap: Gap;
  /** A message was sent, or given up, that an earlier client of the user had left in the `storage`. */
  readonly settled: Settled;
  /** The connection does something else than before. */
  readonly state: ConnectionState;
  /** Something failed that belongs to no call: `getToken`, the `storage`, or a frame that the server could not read. */
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
  /** Whether the sender's other devices get a copy. Default: false. */
  readonly echo?: boolean;
  /** How long the message may wait to be sent, milliseconds. Default: the client's `messageExpiryMs`. */
  readonly expiresAfterMs?: number;
  /** Takes the message back when it aborts; one that is on its way may arrive all the same. Default: none. */
  readonly signal?: AbortSignal;
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

  /** As {@link Client.sendToUser}, to up to 100 users at once; the result has a status for each. */
  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult>;

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
