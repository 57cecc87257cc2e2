import type { Json, Message, MessageInput, Peer, SendResult, Shown } from '../protocol/index.ts';
import type { ClientEvents, InvalidMessage, PresenceTarget, ReceivedMessage } from './api.ts';
import type { CallName } from './calls/call-names.ts';
import type { OpenConnection, PushedItem, SendingConnection } from './connection/context.ts';
import type { Fields } from './connection/frames.ts';
import type { BeckonError } from './errors.ts';
import type { Feed } from './receiving/feed.ts';
import type { MessageMemory, OwnMessage } from './receiving/message-memory.ts';
import type { BytesSource, EncodedData } from './sending/data.ts';
import type { Outbox, OutboxChange, WaitOptions } from './sending/outbox.ts';
import type { MessageFields } from './sending/outgoing.ts';
import type { ConnectionState } from './state.ts';
import type { Snapshot } from './storage/storage.ts';

/** What happens inside a client that its parts must know, beside the events of the application. */
export interface InnerEvents {
  /** A message was queued or is settled. */
  readonly outbox: OutboxChange;
  /** The server has accepted a message of this device: of this client, or of a tab that shares its connection. */
  readonly own: OwnMessage;
  /** The application has marked messages as read; told again when the server has the marker. */
  readonly read: { readonly conversation: Peer; readonly read: string };
  /** A signal of another client arrived: its encoding begins with `SIGNAL_PREFIX`. */
  readonly signal: ReceivedMessage;
  /** The cursor of a feed has moved. */
  readonly cursor: Feed;
  /** The application has joined or left a room, or watches other users or rooms. */
  readonly interest: undefined;
  /** A resume has brought messages that the server does not know to have arrived. */
  readonly news: undefined;
  /** The server has told the time. */
  readonly time: undefined;
  /** There is a connection, or another one than before. */
  readonly connected: undefined;
  /** The user signs out, here or in another tab. */
  readonly signOut: undefined;
  /** There will be no connection any more. */
  readonly over: BeckonError;
}

/** Hears of everything that happens in a client. */
export type Observer = (event: keyof ClientEvents | keyof InnerEvents, value: unknown) => void;

/** A part of the client that is loaded when it is first needed. The core tells every part that is loaded what happens. */
export interface Part {
  /** Something has happened: see {@link ClientEvents} and {@link InnerEvents}. */
  onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void;
  /** Whether it is a frame that the part asks for, with what the part needs of it. */
  accepts(frame: Fields): boolean;
  /**
   * Restores on a connection that has just registered what the part keeps on every connection.
   * @param rooms The rooms that the server says the connection is in.
   */
  renew(connection: OpenConnection, rooms: readonly string[]): Promise<unknown> | undefined;
}

/** What the application is interested in. Tabs that share a connection have it in common. */
export interface Interest {
  readonly rooms: readonly string[];
  readonly targets: readonly PresenceTarget[];
}

/** Does the calls of the client that ask the server: about rooms, presence and history. */
export interface CallsPart extends Part {
  /** Does a call of the client, in whichever tab holds the connection. */
  call(name: CallName, args: readonly unknown[]): Promise<unknown>;
  /** Does a call in this tab. */
  invoke(name: CallName, args: readonly unknown[]): Promise<unknown>;
  /** Closes the client, in all tabs that share the connection, and forgets what is stored of the user. */
  signOut(): Promise<void>;
  interest: Interest;
  onPush(push: PushedItem, connection?: OpenConnection): void;
  /** Where a message belongs; `undefined`: to a room that the client has left. */
  feedOf(message: Pick<Message, 'to'>): Feed | undefined;
  /** Tells a sender that the application has got a message. */
  confirm(message: ReceivedMessage): Promise<void>;
  /** The user of the feeds that are stored. */
  setUser(user: string): void;
  /** How far each feed is, and which messages of it were seen. */
  snapshot(): Snapshot['feeds'];
  /** How far this feed is. */
  progress(feed: Feed): Snapshot['feeds'];
  /** Goes on from there, unless a feed is further already. */
  restore(feeds: Snapshot['feeds']): void;
  /** Messages sent later may not have been handed over yet; epoch milliseconds by the server's clock. */
  readonly horizonMs: number;
}

/** Sends messages. A client loads it as soon as it is connected. */
export interface SendingPart extends Part {
  /** The messages that wait to be sent or acknowledged. */
  readonly outbox: Outbox;
  /** The messages of the last moments. */
  readonly memory: MessageMemory;
  /**
   * Resolves with what the server did with the message.
   * @param encode Called in the order of the calls.
   */
  send(fields: MessageFields, encode: () => EncodedData | Promise<EncodedData>, wait: WaitOptions): Promise<SendResult>;
  /** Sends a signal to other clients. It is not worth a retry, nor an error. */
  signal(to: MessageFields['to'], encoding: string, data: Json): void;
  /** Rejects every message: there will be no connection any more. */
  rejectAll(error: BeckonError): void;
  /** There may be something to send. */
  wake(): void;
  /** Expects what this device is about to send: a resume brings it as well, though the sender wants no copy. */
  onSending(message: MessageInput): void;
  /** The messages that the application has and a resume would bring again: the newest, as many as a frame may name. */
  shownOf(feed: Feed): readonly Shown[];
}

/** Encodes bytes, compresses, and decodes both. */
export interface EncodingPart extends Part {
  encodeBytes(source: BytesSource): Promise<EncodedData>;
  /** JSON text, compressed if that takes less of a frame. */
  compressJson(plain: EncodedData): Promise<EncodedData>;
  decode(messages: readonly Message[]): Promise<readonly Message[]>;
  /** Tells the application of a message whose data could not be decoded. */
  tellUndecoded(message: ReceivedMessage): void;
}

/** Returns encoded data. */
type Encode = () => EncodedData | Promise<EncodedData>;

/** Checks data against the schema of the client. Loaded only for a client with a schema. */
export interface SchemaPart extends Part {
  /**
   * Checks data as recipients will get it, and sends it: in the order of the calls.
   * @param post Sends what `encode` has returned.
   * @throws TypeError that names the path and the message of each issue.
   */
  send<R>(encode: Encode, post: (encode: () => EncodedData) => R | Promise<R>): R | Promise<R>;
  /** Checks messages that another tab has told, and then does this: in the order of the calls. */
  hear(messages: readonly Message[], then: () => void): void;
  /** Checks messages that have arrived, and remembers the outcomes. The messages stay as they are. */
  check(messages: readonly Message[]): Promise<readonly Message[]>;
  /** The message with its data as the schema returns it. `undefined`, with the event `invalid`: the schema rejects the data. */
  accept(message: ReceivedMessage): ReceivedMessage | undefined;
  /** Does the same without an event. */
  valid(message: ReceivedMessage): ReceivedMessage | undefined;
  /** The result of a call, without the messages whose data the schema rejects. */
  checkResult(result: unknown): Promise<unknown>;
  /** The message of the event `message` or `invalid` as it arrived. */
  arrived(told: ReceivedMessage | InvalidMessage): ReceivedMessage;
}

/** Keeps what the client knows for the client of the next page. */
export interface StoragePart extends Part {
  /** Goes on where the user's last client stopped. */
  open(user: string): Promise<void>;
  /** Whether a later client sends what is not acknowledged. */
  readonly keeps: boolean;
  /**
   * Deletes everything that is stored of the user, and writes nothing any more.
   * @throws BeckonError `storage_failed`.
   */
  forget(): Promise<void>;
}

/** Shares one connection among the tabs of a user. */
export interface TabsPart extends Part {
  /** Resolves when it is clear which tab connects. */
  open(user: string): Promise<void>;
  /** Does a call in the tab that holds the connection. */
  invoke(name: CallName, args: readonly unknown[]): Promise<unknown>;
  /** The state of the connection while another tab holds it. */
  readonly state: ConnectionState | undefined;
  /** Where to send messages while another tab holds the connection. */
  readonly connection: SendingConnection | undefined;
}

/** Every part, by its name. */
export interface Parts {
  calls: CallsPart;
  encoding: EncodingPart;
  schema: SchemaPart;
  upkeep: Part;
  sending: SendingPart;
  storage: StoragePart;
  tabs: TabsPart;
}
