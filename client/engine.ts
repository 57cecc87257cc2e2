import type { Message, MessageInput, SendResult } from '../protocol/index.ts';
import { MAX_DATA_BYTES, MAX_FRAME_BYTES } from '../protocol/limits.ts';
import type { CallOptions, ClientEvents, HistoryPage, ReceivedMessage } from './api.ts';
import { abortWith, throwIfAborted } from './base/abort.ts';
import { createEmitter, type Emitter } from './base/events.ts';
import { createLane } from './base/queue.ts';
import { ServerClock } from './base/server-clock.ts';
import { unlessAborted } from './base/timer.ts';
import type { OnDemand } from './calls/on-demand.ts';
import { Session } from './connection/session.ts';
import { tokenUser } from './connection/token.ts';
import { type EncodedData, prepareData } from './encoding/payload.ts';
import type { Cancel, Environment } from './environment.ts';
import { BeckonError, describeCode, toError } from './errors.ts';
import { checkSignal, type Options } from './options.ts';
import { Feed } from './receiving/feed.ts';
import type { Inbox } from './receiving/inbox.ts';
import type { Interests } from './receiving/subscriptions.ts';
import { Outbox, type WaitOptions } from './sending/outbox.ts';
import { type Envelope, encodeMessage } from './sending/outgoing.ts';
import { type Route, Sender } from './sending/sender.ts';
import type { ConnectionState } from './state.ts';
import type { Companion } from './tabs/companion.ts';

/** What goes as long as the server has not said. */
const DEFAULT_LIMITS = { maxDataBytes: MAX_DATA_BYTES, maxFrameBytes: MAX_FRAME_BYTES };

const EVENTS = ['message', 'gap', 'left', 'presence', 'receipt', 'settled', 'state', 'error'] as const;

/** What is behind a client: puts the parts together, and knows which of them has to hear of what. */
export class Engine<Incoming> {
  readonly emitter: Emitter<ClientEvents<Incoming>> = createEmitter<ClientEvents<Incoming>>(EVENTS, (event, value) =>
    this.#companion?.onEvent(event, value),
  );
  readonly inboxes = new Set<Inbox<ReceivedMessage<Incoming>>>();
  readonly counters = { connections: 0, duplicates: 0, ignoredFrames: 0 };
  readonly session: Session;
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #clock: ServerClock;
  readonly #user: Feed;
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createLane();
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  /** What joins rooms, watches, and asks. `undefined`: not called for, or not loaded yet. */
  #onDemand: OnDemand<Incoming> | undefined;
  #demanded: Promise<OnDemand<Incoming>> | undefined;
  /** Tells the server what was shown when this may be the last moment: the next page is not to show it again. */
  readonly #stopWatching: Cancel;
  /** Aborts when there will be no connection any more. */
  readonly #ending = new AbortController();
  /** What keeps records, and shares the connection with other tabs. `undefined`: not asked for, or not loaded yet. */
  #companion: Companion | undefined;
  readonly #loading: Promise<Companion | undefined> | undefined;
  /** The `sub` of the first token. */
  #owner: string | undefined;

  constructor(environment: Environment, options: Options) {
    this.#environment = environment;
    this.#options = options;
    this.#clock = new ServerClock(environment, () => this.#outbox.onTime());
    this.#user = new Feed(this.#clock, undefined, () => this.#companion?.onMove(this.#user));
    this.#outbox = new Outbox(environment, this.#clock, options.maxQueuedMessages, () => this.#companion?.onChange());
    this.session = this.#createSession();
    this.#sender = new Sender(environment, options, this.#outbox, {
      route: () => this.#route,
      onSending: ({ text }) => this.#onSending(JSON.parse(text)),
    });
    this.#stopWatching = environment.onHide(() => void this.session.connection?.acknowledge());
    if (options.storage || options.shareAcrossTabs) this.#loading = this.#loadCompanion();
  }

  get state(): ConnectionState {
    return this.#companion?.state ?? this.session.state;
  }

  /** Why nothing can be asked for any more. `undefined`: it can. */
  get over(): BeckonError | undefined {
    return overError(this.state);
  }

  /** Resolves with what the server did with the message. */
  async send(envelope: Envelope, data: unknown, wait: WaitOptions): Promise<SendResult> {
    const encode = prepareData(data, this.#options.compress);
    this.#outbox.requireRoom(this.#encoding.length);
    return this.#encoding.run(encode, (encoded) => this.#queue(envelope, encoded, wait));
  }

  /**
   * Has a call done by whichever tab holds the connection.
   * @throws BeckonError `load_failed`, why the client is over, or what the call rejects with; the reason of the signal.
   */
  async call(method: string, args: readonly unknown[]): Promise<unknown> {
    // That of the options, which come last.
    const signal = checkSignal(method, (args.at(-1) as CallOptions | null | undefined)?.signal);
    const companion = this.#companion ?? (await this.#load(signal));
    const result = await (companion ? companion.call(method, args) : this.#invoke(method, args));
    const { messages = [] } = (result ?? {}) as Partial<HistoryPage<Incoming>>;
    for (const message of messages) this.#checkDecoded(message);
    return result;
  }

  /** A loop over the messages just ends when the client was closed, and throws when it failed. */
  endIfOver(inbox: Inbox<ReceivedMessage<Incoming>>): void {
    const error = this.over;
    if (error) inbox.end(error.code === 'closed' ? undefined : error);
  }

  async #invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    const onDemand = await this.#demand();
    return (onDemand as unknown as Record<string, (...values: readonly unknown[]) => unknown>)[method]?.(...args);
  }

  /** Resolves when what a call needs is there: with what shares it, if that is asked for. */
  async #load(signal: AbortSignal | undefined): Promise<Companion | undefined> {
    const loading = this.#loading ?? (!this.#onDemand && this.#demand());
    if (loading) await unlessAborted(unlessAborted<unknown>(loading, signal), this.#ending.signal);
    return this.#companion;
  }

  /** Loads what joins rooms, watches, and asks, unless it is there. */
  #demand(): Promise<OnDemand<Incoming>> {
    this.#demanded ??= this.#loadOnDemand();
    return this.#demanded;
  }

  #queue(envelope: Envelope, data: EncodedData, wait: WaitOptions): Promise<SendResult> {
    throwIfAborted(wait.signal);
    const limits = this.#route?.limits ?? DEFAULT_LIMITS;
    const message = encodeMessage(envelope, data, limits);
    if (this.over) throw this.over;
    const result = this.#outbox.add(message, wait);
    this.#sender.wake();
    return result;
  }

  get #route(): Route | undefined {
    return this.session.connection ?? this.#companion?.route;
  }

  /** The user, as the server says. */
  get #userId(): string {
    return this.state.status === 'connected' ? this.state.userId : '';
  }

  #createSession(): Session {
    const { emit } = this.emitter;
    return new Session(
      {
        environment: this.#environment,
        options: this.#options,
        interests: this.#createInterests(),
        onToken: (token) => this.#onToken(token),
      },
      {
        onState: (state) => this.#onState(state),
        onConnected: (isNew) => this.#onConnected(isNew),
        onProblem: (problem) => emit('error', toError(problem)),
        onError: (error) => emit('error', error),
        onIgnoredFrame: () => {
          this.counters.ignoredFrames += 1;
        },
      },
    );
  }

  #createInterests(): Interests {
    const { emit } = this.emitter;
    return {
      user: this.#user,
      createRooms: (host) => this.#onDemand?.createRooms(host),
      // Should that fail, the next message of the room tries again.
      loadRooms: () => this.#demand().catch(() => {}),
      onMessages: (feed, messages) => {
        for (const message of messages) this.#handOn(feed, message);
      },
      onGap: (gap) => emit('gap', gap),
      onReceipt: ({ type: _, ...receipt }) => emit('receipt', receipt),
      onPresence: (push) => this.#onDemand?.watches.onPush(push),
      renew: (line) => this.#onDemand?.renew(line),
    };
  }

  /** A client is of one user: in the name of another, what is queued would be a forgery. */
  async #onToken(token: string): Promise<void> {
    const user = tokenUser(token);
    this.#owner ??= user;
    if (user !== this.#owner) throw new BeckonError('user_changed');
    if (user === undefined) return;
    await (await this.#loading)?.open(user);
  }

  async #loadOnDemand(): Promise<OnDemand<Incoming>> {
    try {
      const { createOnDemand } = await this.#environment.loadOnDemand();
      this.#onDemand = createOnDemand<Incoming>({
        environment: this.#environment,
        options: this.#options,
        emitter: this.emitter as Emitter<ClientEvents>,
        session: this.session,
        user: this.#user,
        over: () => this.over,
        companion: () => this.#companion,
      });
      return this.#onDemand;
    } catch (cause) {
      this.#demanded = undefined;
      throw new BeckonError('load_failed', undefined, { cause });
    }
  }

  async #loadCompanion(): Promise<Companion | undefined> {
    try {
      const [{ createCompanion }, { feeds, watches }] = await Promise.all([
        this.#environment.loadCompanion(),
        this.#demand(),
      ]);
      this.#companion = createCompanion({
        environment: this.#environment,
        clock: this.#clock,
        options: this.#options,
        emitter: this.emitter as Emitter<ClientEvents>,
        session: this.session,
        feeds,
        watches,
        outbox: this.#outbox,
        sender: this.#sender,
        invoke: (method, args) => this.#invoke(method, args),
        onMessage: (message) => this.#handOn(feeds.of(message), message),
        onSending: (message) => this.#onSending(message),
      });
      if (this.over) this.#companion.close(this.over);
    } catch (cause) {
      this.emitter.emit('error', new BeckonError('storage_failed', undefined, { cause }));
    }
    return this.#companion;
  }

  #onConnected(isNew: boolean): void {
    if (isNew) this.counters.connections += 1;
    this.#companion?.onConnected();
    this.#sender.wake();
    this.#onDemand?.wake();
  }

  /** Expects what this device is about to send: a resume brings it as well, though there was to be no copy for it. */
  #onSending({ to, id = '', echo = false }: MessageInput): void {
    const own = this.#userId;
    const isToOwn = 'users' in to ? to.users.includes(own) : 'user' in to && to.user === own;
    if (isToOwn || echo === 'room' in to) return;
    const feed = 'room' in to ? this.#onDemand?.feeds.of({ to }) : this.#user;
    feed?.addOwn({ id, from: { user: own } });
  }

  #handOn(feed: Feed | undefined, message: Message): void {
    if (feed?.isNew(message)) this.#deliver(message as ReceivedMessage<Incoming>);
    else this.counters.duplicates += 1;
  }

  /** What the application did not expect must not look like what it did. */
  #checkDecoded({ id, from, encoding }: ReceivedMessage<Incoming>): void {
    if (encoding === undefined) return;
    const which = `The encoding is "${encoding}", the id "${id}", the sender ${JSON.stringify(from)}.`;
    this.emitter.emit('error', new BeckonError('undecodable', `${describeCode('undecodable')} ${which}`));
  }

  #deliver(message: ReceivedMessage<Incoming>): void {
    this.#checkDecoded(message);
    const hasReader = this.inboxes.size > 0;
    for (const inbox of this.inboxes) inbox.push(message);
    const hasListener = this.emitter.emit('message', message);
    // Of several tabs, the one that leads speaks for the device.
    if (message.receipt && !this.#companion?.state && (hasReader || hasListener)) this.#confirm(message);
  }

  #confirm({ from, to, serial }: ReceivedMessage<Incoming>): void {
    // The copy of one's own message is not what the other got.
    if (!('user' in from) || !('user' in to) || to.user !== this.#userId) return;
    this.#demand()
      .then(({ marks }) => marks.add({ user: from.user }, { delivered: serial }))
      .catch((error: BeckonError) => {
        if (!this.over) this.emitter.emit('error', error);
      });
  }

  #onState(state: ConnectionState): void {
    // That of the own session: until it is over, what another tab tells goes on.
    const error = overError(state);
    if (error) this.#release(error);
    this.emitter.emit('state', state);
  }

  #release(error: BeckonError): void {
    this.#stopWatching();
    this.#sender.stop();
    this.#companion?.close(error);
    this.#outbox.rejectAll(error, { kept: this.#companion?.keeps ?? false });
    this.#onDemand?.giveUp(error);
    abortWith(this.#ending, error);
    for (const inbox of this.inboxes) this.endIfOver(inbox);
  }
}

/** What calls are rejected with once there will be no connection any more. */
function overError(state: ConnectionState): BeckonError | undefined {
  if (state.status !== 'closed' && state.status !== 'failed') return undefined;
  const { reason } = state;
  return new BeckonError(reason.code, reason.message, { ...reason, retryable: false });
}
