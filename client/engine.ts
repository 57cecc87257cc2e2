import type { Message, MessageInput, SendResult } from '../protocol/index.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type { ClientEvents, ReceivedMessage } from './api.ts';
import { Calls } from './calls.ts';
import type { ClientParts, Companion } from './companion.ts';
import type { Environment } from './environment.ts';
import { BeckonError, toError } from './errors.ts';
import { createEmitter, type Emitter } from './events.ts';
import type { Feed } from './feed.ts';
import { Feeds } from './feeds.ts';
import type { Inbox } from './inbox.ts';
import { createLane } from './lane.ts';
import { Marks } from './marks.ts';
import type { Options } from './options.ts';
import { Outbox, type WaitOptions } from './outbox.ts';
import { type Envelope, encodeMessage } from './outgoing.ts';
import { type EncodedData, prepareData } from './payload.ts';
import { type Route, Sender } from './sender.ts';
import { Session } from './session.ts';
import type { ConnectionState } from './state.ts';
import type { Interests } from './subscriptions.ts';
import { tokenUser } from './token.ts';
import { Watches } from './watches.ts';

const EVENTS = ['message', 'gap', 'left', 'presence', 'receipt', 'settled', 'state', 'error'] as const;

/** What is behind a client: puts the parts together, and knows which of them has to hear of what. */
export class Engine<Incoming> {
  readonly emitter: Emitter<ClientEvents<Incoming>> = createEmitter<ClientEvents<Incoming>>(EVENTS, (event, value) =>
    this.#companion?.onEvent(event, value),
  );
  readonly inboxes = new Set<Inbox<ReceivedMessage<Incoming>>>();
  readonly counters = { connections: 0, duplicates: 0, ignoredFrames: 0 };
  readonly feeds: Feeds;
  readonly watches: Watches;
  readonly marks: Marks;
  readonly calls: Calls;
  readonly session: Session;
  readonly #environment: Environment;
  readonly #options: Options;
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createLane();
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  /** What keeps records, and shares the connection with other tabs. `undefined`: not asked for, or not loaded yet. */
  #companion: Companion | undefined;
  readonly #loading: Promise<Companion | undefined> | undefined;
  /** The `sub` of the first token. */
  #owner: string | undefined;
  readonly #invoke: ClientParts['invoke'];

  /** @param invoke Calls a method of the client, on behalf of another tab. */
  constructor(environment: Environment, options: Options, invoke: ClientParts['invoke']) {
    this.#environment = environment;
    this.#options = options;
    this.#invoke = invoke;
    const { emit } = this.emitter;
    this.feeds = new Feeds(environment, {
      join: (room) => this.session.join(room),
      leave: (room) => this.session.leave(room),
      onMove: (feed) => this.#companion?.onMove(feed),
      onRooms: () => this.#companion?.onInterest(),
    });
    this.calls = new Calls(environment, () => this.session.connection);
    this.watches = new Watches(this.calls, {
      onPresence: (change) => emit('presence', change),
      onError: (error) => emit('error', error),
      onTargets: () => this.#companion?.onInterest(),
    });
    this.marks = new Marks(environment, this.calls);
    this.#outbox = new Outbox(environment, options.maxQueuedMessages, () => this.#companion?.onChange());
    this.session = this.#createSession();
    this.#sender = new Sender(environment, options, this.#outbox, {
      route: () => this.#route,
      onSending: ({ text }) => this.#onSending(JSON.parse(text)),
    });
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

  /** Has a call done by whichever tab holds the connection. */
  async share(method: string, args: readonly unknown[]): Promise<unknown> {
    const companion = await this.#loading;
    return companion ? companion.call(method, args) : this.#invoke(method, args);
  }

  /** A loop over the messages just ends when the client was closed, and throws when it failed. */
  endIfOver(inbox: Inbox<ReceivedMessage<Incoming>>): void {
    const error = this.over;
    if (error) inbox.end(error.code === 'closed' ? undefined : error);
  }

  #queue(envelope: Envelope, data: EncodedData, wait: WaitOptions): Promise<SendResult> {
    wait.signal?.throwIfAborted();
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
        onConnected: () => this.#onConnected(),
        onProblem: (problem) => emit('error', toError(problem)),
        onTokenError: (error) => emit('error', error),
        onIgnoredFrame: () => {
          this.counters.ignoredFrames += 1;
        },
      },
    );
  }

  #createInterests(): Interests {
    const { emit } = this.emitter;
    return {
      user: this.feeds.user,
      rooms: this.feeds.rooms,
      onMessages: (feed, messages) => {
        for (const message of messages) this.#handOn(feed, message);
      },
      onGap: (gap) => emit('gap', gap),
      onReceipt: ({ type: _, ...receipt }) => emit('receipt', receipt),
      onPresence: (push) => this.watches.onPush(push),
      onJoined: (room) => this.feeds.onJoined(room),
      onRefused: (room, problem) => {
        const left = this.feeds.onRefused(room, problem);
        if (left) emit('left', left);
      },
      renew: (call) => this.watches.renew((fields) => call('presence', fields)),
    };
  }

  /** A client is of one user: in the name of another, what is queued would be a forgery. */
  async #onToken(token: string): Promise<void> {
    const user = tokenUser(token);
    this.#owner ??= user;
    if (user !== this.#owner) throw new BeckonError('user_changed');
    if (user === undefined) return;
    this.feeds.userAddress = `user#${user}`;
    await (await this.#loading)?.open(user);
  }

  async #loadCompanion(): Promise<Companion | undefined> {
    try {
      const { createCompanion } = await this.#environment.loadCompanion();
      this.#companion = createCompanion({
        environment: this.#environment,
        options: this.#options,
        emitter: this.emitter as Emitter<ClientEvents>,
        session: this.session,
        feeds: this.feeds,
        watches: this.watches,
        outbox: this.#outbox,
        sender: this.#sender,
        invoke: this.#invoke,
        onMessage: (message) => this.#handOn(this.feeds.of(message), message),
        onSending: (message) => this.#onSending(message),
      });
      if (this.over) this.#companion.close(this.over);
    } catch (cause) {
      this.emitter.emit('error', new BeckonError('storage_failed', undefined, { cause }));
    }
    return this.#companion;
  }

  #onConnected(): void {
    this.counters.connections += 1;
    this.#companion?.onConnected();
    this.#sender.wake();
    this.calls.wake();
    this.marks.wake();
  }

  /** A resume brings what this device has sent as well. */
  #onSending(message: MessageInput): void {
    this.feeds.addOwn(message, this.#userId);
  }

  #handOn(feed: Feed | undefined, message: Message): void {
    if (feed?.dedupe.isNew(message)) this.#deliver(message as ReceivedMessage<Incoming>);
    else this.counters.duplicates += 1;
  }

  #deliver(message: ReceivedMessage<Incoming>): void {
    const hasReader = this.inboxes.size > 0;
    for (const inbox of this.inboxes) inbox.push(message);
    const hasListener = this.emitter.emit('message', message);
    // Of several tabs, the one that leads speaks for the device.
    if (message.receipt && !this.#companion?.state && (hasReader || hasListener)) this.#confirm(message);
  }

  #confirm({ from, to, serial }: ReceivedMessage<Incoming>): void {
    // The copy of one's own message is not what the other got.
    if (!('user' in from) || !('user' in to) || to.user !== this.#userId) return;
    this.marks.add({ user: from.user }, { delivered: serial }).catch((error: BeckonError) => {
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
    this.#sender.stop();
    this.#companion?.close(error);
    this.#outbox.rejectAll(error, { kept: this.#companion?.keeps ?? false });
    this.feeds.giveUp(error);
    this.calls.giveUp(error);
    this.marks.giveUp(error);
    for (const inbox of this.inboxes) this.endIfOver(inbox);
  }
}

/** What calls are rejected with once there will be no connection any more. */
function overError(state: ConnectionState): BeckonError | undefined {
  if (state.status !== 'closed' && state.status !== 'failed') return undefined;
  return new BeckonError(state.reason.code, state.reason.message);
}
