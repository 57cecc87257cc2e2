import type { Limits, Message, PresenceReply, RegisteredReply } from '../../protocol/index.ts';
import type { ClientEvents } from '../api.ts';
import type { Environment } from '../environment.ts';
import type { BeckonError } from '../errors.ts';
import type { Options } from '../options.ts';
import type { Feed } from '../receiving/feed.ts';
import type { ConnectionState } from '../state.ts';
import type { ConnectionEnd } from './connection-end.ts';
import type { FrameParts } from './frames.ts';
import type { Liveness } from './liveness.ts';
import type { Pacer } from './pacer.ts';
import type { Encode, Outcome } from './requests.ts';

/** Keeps a connection alive, and tells the server which messages the application has. */
export interface Keeper extends Liveness {
  /** Tells the server which messages the application has, unless the server knows. Resolves when it knows, or when the connection is over. */
  acknowledge(): Promise<void>;
  /** Closes the connection, but first tells the server which messages the application has. */
  takeLeave(): void;
}

/** A connection as the rest of the client uses it. */
export interface OpenConnection {
  /** The limits that the server told when the connection registered. `undefined`: it has not registered yet. */
  readonly limits: Limits | undefined;
  /** Keeps the frames within the rate. The part that sends messages gives one to each connection; without, nothing is held back. */
  pacer: Pacer | undefined;
  /** The part that keeps connections up gives one to each. Without, an unanswered frame ends the connection. */
  keeper: Keeper | undefined;
  /** Aborts when the connection is over. */
  readonly closing: AbortSignal;
  /**
   * Sends a frame when the rate of the connection allows it, waits for the reply, and registers again if the server says that the
   * connection is not registered.
   * @param units What the frame is charged. Default: 1. A frame of 0 units does not wait.
   * @param signal Aborts when nobody wants the frame to be sent any more.
   */
  request(encode: Encode, units?: number, signal?: AbortSignal): Promise<Outcome>;
  /** The token of the last registration that was answered, how long the answer took, and when it came, milliseconds by the device's clock. */
  readonly registration: { readonly token: string; readonly tookMs: number; readonly atMs: number };
  /**
   * Asks the application for a token.
   * @param failures How often in a row it has given none that is good.
   * @throws BeckonError `token_failed`, `unauthorized`, `user_changed`, as a rejection.
   */
  requestToken(failures: number): Promise<string>;
  /** Registers with a newer token, without leaving the connection. */
  registerWith(token: string): Promise<void>;
  /** The server delivers nothing to the connection until it registers again. */
  onUnregistered(error: BeckonError): void;
  /** Ends the connection, unless it is over. */
  end(end: ConnectionEnd): void;
  /**
   * Closes the connection now.
   * @param last A frame to send before, which may wait for its answer a moment.
   */
  close(last?: Encode): void;
  /** The server does not know the cursor. */
  onInvalidCursor(cursor: string | undefined): void;
  /** Numbers the frames that subscribe or unsubscribe: the server refuses an older one that comes late. */
  nextAttempt(): number;
}

/** The session that a connection belongs to. */
export interface ConnectionOwner {
  /**
   * The connection can be used, for the first time or again.
   * @param renewed Resolves when the connection can take the place of another one, or is over.
   */
  onRegistered(connection: OpenConnection, reply: RegisteredReply, renewed: Promise<unknown>): void;
  /** The server delivers nothing to the connection; the connection registers again. */
  onUnregistered(connection: OpenConnection, error: BeckonError): void;
  /** The server did not accept a newer token on this connection. It may accept the token on another one. */
  onTokenRefused(connection: OpenConnection): void;
  /** Called once, unless the connection is closed from this side. */
  onEnded(connection: OpenConnection, end: ConnectionEnd): void;
}

/** A connection, as far as sending is concerned: this client's, or that of another tab. */
export interface SendingConnection {
  readonly limits: Limits | undefined;
  /** Says when a frame may be sent. Absent: {@link request} waits itself. */
  readonly pacer?: Pacer | undefined;
  /** @param units What the frame is charged, unless the pacer has counted it already. */
  request(encode: Encode, units: number): Promise<Outcome>;
}

/** A message that was pushed to a room, or a change of presence. */
export type PushedItem = Message | PresenceReply;

/** What a session, its connections and their subscriptions need of the client. */
export interface Context extends FrameParts {
  readonly environment: Environment;
  readonly options: Options;
  /** The messages to the user. */
  readonly user: Feed;
  readonly counters: { ignoredFrames: number };
  /** Tells the parts what has happened. */
  notify(event: 'news'): void;
  /** Tells the application. */
  emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): void;
  onState(state: ConnectionState): void;
  /**
   * A connection can be used.
   * @param isNew Otherwise the same connection was in use before, and could not be used meanwhile.
   */
  onConnected(isNew: boolean): void;
  /**
   * Looks at each token before anything is asked of the server with it.
   * @throws BeckonError when the token must not be used.
   */
  onToken(token: string): Promise<void>;
  /** Hands a message to the application, unless it has it. Called in the order in which the application gets the messages. */
  handOn(feed: Feed, message: Message): void;
  onPush(push: PushedItem, connection: OpenConnection): void;
  /**
   * Restores on a connection that has just registered what the client keeps on every connection.
   * @param rooms The rooms that the server says the connection is in.
   */
  renew(connection: OpenConnection, rooms: readonly string[]): Promise<unknown>;
}
