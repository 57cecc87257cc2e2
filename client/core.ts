import type { Message, SendResult } from '../protocol/index.ts';
import { SIGNAL_PREFIX } from '../protocol/signals.ts';
import type { ClientEvents, ReceivedMessage } from './api.ts';
import { abortWith } from './base/abort.ts';
import { backoffDelayMs } from './base/backoff.ts';
import { createEmitter, type Emitter } from './base/events.ts';
import { ServerClock } from './base/server-clock.ts';
import { sleep, unlessAborted } from './base/timer.ts';
import type { CallName } from './calls/call-names.ts';
import type { Context, OpenConnection, PushedItem, SendingConnection } from './connection/context.ts';
import type { Fields } from './connection/frames.ts';
import { Session } from './connection/session.ts';
import { tokenUser } from './connection/token.ts';
import { type Cancel, createEnvironment, type Environment } from './environment.ts';
import { BeckonError } from './errors.ts';
import type { Options } from './options.ts';
import type { InnerEvents, Observer, Parts } from './parts.ts';
import { Feed } from './receiving/feed.ts';
import { prepareData } from './sending/data.ts';
import { EarlyMessages } from './sending/early-messages.ts';
import type { WaitOptions } from './sending/outbox.ts';
import type { MessageFields } from './sending/outgoing.ts';
import type { ConnectionState } from './state.ts';

/** The events of a client. The compiler asks for each of {@link ClientEvents}. */
const EVENTS: Readonly<Record<keyof ClientEvents, 1>> = {
  message: 1,
  invalid: 1,
  gap: 1,
  left: 1,
  presence: 1,
  receipt: 1,
  marker: 1,
  result: 1,
  state: 1,
  error: 1,
};

/** How to load each part. */
export type Loaders = {
  readonly [Name in keyof Parts]: () => Promise<{ readonly createPart: (core: Core) => Parts[Name] }>;
};

/** Puts together what every page needs, and loads the other parts. */
export class Core implements Context {
  readonly environment: Environment;
  readonly options: Options;
  readonly emitter: Emitter<ClientEvents> = createEmitter<ClientEvents>(
    Object.keys(EVENTS) as (keyof ClientEvents)[],
    (event, value) => this.notify(event, value),
  );
  readonly emit = this.emitter.emit;
  readonly counters = { connections: 0, duplicates: 0, ignoredFrames: 0 };
  readonly clock: ServerClock;
  readonly user: Feed;
  readonly #observers = new Set<Observer>();
  /** The messages that the application sent before the part that sends them was loaded. */
  readonly early: EarlyMessages;
  readonly session: Session;
  /** The parts that are loaded. */
  readonly parts: Partial<Parts> = {};
  readonly #loaders: Loaders;
  readonly #loading: { [Name in keyof Parts]?: Promise<Parts[Name]> | undefined } = {};
  /** Resolves when everything is loaded that every page needs soon after it connects. */
  #rest: Promise<void> | undefined;
  /** Resolves when the parts are there without which the client must not connect. `undefined`: it may. */
  #opening: Promise<unknown> | undefined;
  /** Tells the server what was shown when this may be the last moment: the next page must not show it again. */
  readonly #stopWatching: Cancel;
  /** Aborts when there will be no connection any more. */
  readonly #ending = new AbortController();
  /** The `sub` of the first token. */
  #owner: string | undefined;

  /** @throws TypeError when the runtime has no WebSocket, and no environment is given. */
  constructor(options: Options, loaders: Loaders, environment: Environment = createEnvironment(options.webSocket)) {
    this.environment = environment;
    this.options = options;
    this.#loaders = loaders;
    this.clock = new ServerClock(environment, () => this.notify('time'));
    this.user = new Feed(this.clock, undefined, () => this.notify('cursor', this.user));
    this.early = new EarlyMessages(environment, options.maxQueuedMessages, this.#ending.signal);
    this.session = new Session(this);
    this.#stopWatching = environment.onHide(() => void this.session.connection?.keeper?.acknowledge());
    if (options.storage || options.shareAcrossTabs) this.#opening = this.#loadOpening();
  }

  get state(): ConnectionState {
    return this.parts.tabs?.state ?? this.session.state;
  }

  /** Where to send messages: on the connection of this client, or of the tab that connects. */
  get connection(): SendingConnection | undefined {
    return this.session.connection ?? this.parts.tabs?.connection;
  }

  /** Why nothing can be asked for any more. `undefined`: it can. */
  get over(): BeckonError | undefined {
    return overError(this.state);
  }

  /** Tells the parts and the stores what has happened. */
  notify(event: keyof ClientEvents | keyof InnerEvents, value?: unknown): void {
    for (const observer of this.#observers) observer(event, value);
  }

  /**
   * Has a part or a store hear of what happens.
   * @returns Ends it.
   */
  observe(observer: Observer): Cancel {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /**
   * Loads a part, unless it is there.
   * @throws BeckonError `load_failed`, as a rejection: the next call tries again.
   */
  load<Name extends keyof Parts>(name: Name): Promise<Parts[Name]> {
    this.#loading[name] ??= this.#load(name) as never;
    return this.#loading[name] as Promise<Parts[Name]>;
  }

  /** Resolves with what the server did with the message. */
  async send(fields: MessageFields, data: unknown, wait: WaitOptions): Promise<SendResult> {
    const encode = prepareData(data, this.options.compress, () => this.load('encoding'));
    const post = (encoding: typeof encode) => {
      const { sending } = this.parts;
      return sending ? sending.send(fields, encoding, wait) : this.early.add(fields, encoding, wait);
    };
    return this.options.schema ? (await this.load('schema')).send(encode, post) : post(encode);
  }

  /**
   * Does a call that asks the server, in whichever tab holds the connection.
   * @throws BeckonError `load_failed`, why the client is over, or what the call rejects with; the reason of the signal.
   */
  async call(name: CallName, args: readonly unknown[], signal: AbortSignal | undefined): Promise<unknown> {
    const loading = this.#opening ?? (!this.parts.calls && this.load('calls'));
    if (loading) await unlessAborted(unlessAborted<unknown>(loading, signal), this.#ending.signal);
    return (await this.load('calls')).call(name, args);
  }

  /** Hands a message to the application, unless it has it. */
  handOn(feed: Feed | undefined, message: Message): void {
    if (feed?.isNew(message)) this.#deliver(message as ReceivedMessage);
    else this.counters.duplicates += 1;
  }

  onState(state: ConnectionState): void {
    // That of the own session: until it is over, what another tab tells goes on.
    const error = overError(state);
    if (error) this.#release(error);
    this.emit('state', state);
  }

  onConnected(isNew: boolean): void {
    if (isNew) this.counters.connections += 1;
    this.notify('connected');
    this.#rest ??= this.#loadRest();
  }

  /** A client is of one user: in the name of another, what is queued would be a forgery. */
  async onToken(token: string): Promise<void> {
    const user = tokenUser(token);
    this.#owner ??= user;
    if (user !== this.#owner) throw new BeckonError('user_changed');
    await this.#opening;
    if (user === undefined) return;
    this.parts.calls?.setUser(user);
    await this.parts.storage?.open(user);
    await this.parts.tabs?.open(user);
  }

  onPush(push: PushedItem, connection: OpenConnection): void {
    void this.#use('calls', (calls) => calls.onPush(push, connection));
  }

  accepts(frame: Fields): boolean {
    return Object.values(this.parts).some((part) => part.accepts(frame));
  }

  decode(messages: readonly Message[]): readonly Message[] | Promise<readonly Message[]> {
    const isEncoded = messages.some(({ encoding }) => encoding !== undefined);
    const decoded = isEncoded ? this.load('encoding').then((encoding) => encoding.decode(messages)) : messages;
    return this.options.schema ? this.load('schema').then(async (schema) => schema.check(await decoded)) : decoded;
  }

  renew(connection: OpenConnection, rooms: readonly string[]): Promise<unknown> {
    return Promise.all(Object.values(this.parts).map((part) => part.renew(connection, rooms)));
  }

  async #load<Name extends keyof Parts>(name: Name): Promise<Parts[Name]> {
    try {
      const { createPart } = await this.#loaders[name]();
      const part = createPart(this);
      this.parts[name] = part;
      this.observe((event, value) => part.onEvent(event, value));
      for (const each of this.session.connections) if (each.isRegistered) void part.renew(each, []);
      if (this.over) part.onEvent('over', this.over);
      return part;
    } catch (cause) {
      this.#loading[name] = undefined;
      throw new BeckonError('load_failed', undefined, { cause });
    }
  }

  /**
   * Loads what every page needs soon after it connects. The network is good now, and may not be when the page needs it: if
   * something does not load, the client tries again and again.
   */
  async #loadRest(): Promise<void> {
    const { environment, options } = this;
    for (let failures = 0; !this.over; failures += 1) {
      try {
        await Promise.all([this.load('sending'), this.load('upkeep')]);
        return;
      } catch (error) {
        if (failures === 0) this.emit('error', error as BeckonError);
        await sleep(environment, backoffDelayMs(failures, environment.random, options), this.#ending.signal);
      }
    }
  }

  /** The client goes on without what does not load. */
  async #loadOpening(): Promise<void> {
    const { storage, shareAcrossTabs } = this.options;
    try {
      await Promise.all([this.load('calls'), this.load('sending')]);
      await Promise.all([storage && this.load('storage'), shareAcrossTabs && this.load('tabs')]);
    } catch (cause) {
      this.emit('error', new BeckonError('storage_failed', undefined, { cause }));
    }
    this.#opening = undefined;
  }

  /** The user, as the server says; without a connection, as the token says. Empty if neither has said it. */
  get userId(): string {
    const { userId = this.#owner ?? '' } = this.state as { readonly userId?: string };
    return userId;
  }

  /** Has a part do something, at once if it is loaded, and tells the application if that fails. */
  async #use<Name extends keyof Parts>(name: Name, act: (part: Parts[Name]) => unknown): Promise<void> {
    try {
      await act(this.parts[name] ?? (await this.load(name)));
    } catch (error) {
      if (!this.over) this.emit('error', error as BeckonError);
    }
  }

  /** Data that could not be decoded must not look like what the application expects. */
  tellUndecoded(message: ReceivedMessage): void {
    if (message.encoding !== undefined) void this.#use('encoding', (encoding) => encoding.tellUndecoded(message));
  }

  #deliver(arrived: ReceivedMessage): void {
    if (arrived.encoding?.startsWith(SIGNAL_PREFIX)) {
      this.notify('signal', arrived);
      return;
    }
    this.tellUndecoded(arrived);
    const { schema } = this.parts;
    const message = schema ? schema.accept(arrived) : arrived;
    if (!message) return;
    const hasListener = this.emit('message', message);
    // Of several tabs, the one that holds the connection speaks for the device.
    if (message.receipt && hasListener && !this.parts.tabs?.state) {
      void this.#use('calls', (calls) => calls.confirm(message));
    }
  }

  #release(error: BeckonError): void {
    this.#stopWatching();
    // The storage writes what waits before it is rejected.
    this.notify('over', error);
    this.parts.sending?.rejectAll(error);
    abortWith(this.#ending, error);
  }
}

/** What calls are rejected with once there will be no connection any more. */
function overError(state: ConnectionState): BeckonError | undefined {
  if (state.status !== 'closed' && state.status !== 'failed') return undefined;
  const { reason } = state;
  return new BeckonError(reason.code, reason.message, { ...reason, retryable: false });
}
