import type { Limits, Message, SendResult } from '../protocol/index.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type {
  Client,
  ClientEvents,
  Counters,
  Gap,
  ListenOptions,
  MessagesOptions,
  ReceivedMessage,
  SendOptions,
} from './api.ts';
import { Cursor } from './cursor.ts';
import { createDedupe, type Dedupe } from './dedupe.ts';
import type { Environment } from './environment.ts';
import { BeckonError, toError } from './errors.ts';
import { createEmitter, type Emitter } from './events.ts';
import { Inbox } from './inbox.ts';
import { createLane } from './lane.ts';
import { checkCount, checkDuration, checkNames, checkSignal, type Options } from './options.ts';
import { Outbox, type WaitOptions } from './outbox.ts';
import { type Envelope, encodeMessage, type To } from './outgoing.ts';
import { type EncodedData, prepareData } from './payload.ts';
import { type Route, Sender } from './sender.ts';
import { Session } from './session.ts';
import type { ConnectionState, Reason } from './state.ts';
import { type ClientStorage, recordPrefix, type Snapshot } from './storage.ts';
import { Store } from './store.ts';
import { shareCalls, Tabs, type TabsHost } from './tabs.ts';
import { tokenUser } from './token.ts';

const DEFAULT_MAX_BUFFERED = 1_000;
const CLOSED: Reason = { code: 'closed', message: 'The client was closed.' };

/** Makes a client, and one of those that share their connection if the options say so. */
export function createClient<Incoming, Outgoing>(
  environment: Environment,
  options: Options,
): Client<Incoming, Outgoing> {
  const client = new SessionClient<Incoming, Outgoing>(environment, options);
  return client.tabs ? shareCalls(client, client.tabs) : client;
}

/** Puts the parts together. Applications call `connect`; tests bring an environment of their own. */
export class SessionClient<Incoming, Outgoing> implements Client<Incoming, Outgoing> {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #emitter: Emitter<ClientEvents<Incoming>> = createEmitter(
    ['message', 'gap', 'settled', 'state', 'error'],
    (event, value) => this.tabs?.tell(event, event === 'state' ? this.#status : value),
  );
  readonly #inboxes = new Set<Inbox<ReceivedMessage<Incoming>>>();
  readonly #cursor: Cursor;
  readonly #dedupe: Dedupe;
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createLane();
  readonly #store: Store | undefined;
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #session: Session;
  /** The other tabs that share the connection. `undefined`: this client has its own. */
  readonly tabs: Tabs | undefined;
  /** What the tab that leads has told of its connection, while this one follows. */
  #told: ConnectionState | undefined;
  readonly #counters = { connections: 0, duplicates: 0, ignoredFrames: 0 };
  /** The `sub` of the first token. */
  #user: string | undefined;
  readonly #onAbort = () => this.close();

  constructor(environment: Environment, options: Options) {
    this.#environment = environment;
    this.#options = options;
    const onChange = () => this.#store?.changed();
    this.#cursor = new Cursor(() => {
      onChange();
      this.tabs?.tell('progress', { cursors: this.#cursors });
    });
    this.#dedupe = createDedupe(environment, this.#cursor);
    this.#outbox = new Outbox(environment, options.maxQueuedMessages, onChange);
    this.#store = options.storage && this.#createStore(options.storage);
    this.#session = new Session(
      { environment, options, cursor: this.#cursor, onToken: (token) => this.#onToken(token) },
      {
        onState: (state) => this.#onState(state),
        onConnected: () => this.#onConnected(),
        onMessages: (messages) => this.#onMessages(messages),
        onGap: (gap) => this.#emitter.emit('gap', gap),
        onProblem: (problem) => this.#emitter.emit('error', toError(problem)),
        onTokenError: (error) => this.#emitter.emit('error', error),
        onIgnoredFrame: () => {
          this.#counters.ignoredFrames += 1;
        },
      },
    );
    this.#sender = new Sender(environment, options, this.#outbox, () => this.#route);
    const { locks, openChannel } = environment;
    if (options.shareAcrossTabs && locks && openChannel)
      this.tabs = new Tabs({ ...environment, locks, openChannel }, this.#createTabsHost());
    this.#start();
  }

  get state(): ConnectionState {
    return this.#told ?? this.#session.state;
  }

  get counters(): Counters {
    return { ...this.#counters };
  }

  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUser', { user }, data, options);
  }

  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUsers', { users }, data, options);
  }

  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options: ListenOptions = {},
  ): () => void {
    checkNames('on', options, ['signal']);
    return this.#emitter.on(event, listener, checkSignal('on', options.signal));
  }

  messages(options: MessagesOptions = {}): AsyncIterableIterator<ReceivedMessage<Incoming>> {
    checkNames('messages', options, ['signal', 'maxBuffered']);
    const signal = checkSignal('messages', options.signal);
    const maxBuffered = checkCount('messages', 'maxBuffered', options.maxBuffered ?? DEFAULT_MAX_BUFFERED);
    const onAbort = () => inbox.end();
    const inbox = new Inbox<ReceivedMessage<Incoming>>(maxBuffered, () => {
      this.#inboxes.delete(inbox);
      signal?.removeEventListener('abort', onAbort);
    });
    this.#inboxes.add(inbox);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) inbox.end();
    this.#endIfOver(inbox);
    return inbox;
  }

  close(): void {
    this.#session.stop('closed', CLOSED);
  }

  #start(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    if (signal?.aborted) this.close();
    else this.#session.start();
  }

  /** Async, so that whatever is wrong with a call arrives as a rejection. */
  async #send(name: string, to: To, data: Outgoing, options: SendOptions = {}): Promise<SendResult> {
    checkNames(name, options, ['id', 'store', 'ttlSeconds', 'echo', 'expiresAfterMs', 'signal']);
    const { id = this.#environment.randomId(), expiresAfterMs = this.#options.messageExpiryMs } = options;
    const { store, ttlSeconds, echo } = options;
    checkDuration(name, 'expiresAfterMs', expiresAfterMs);
    const signal = checkSignal(name, options.signal);
    const encode = prepareData(data, this.#options.compress);
    this.#outbox.requireRoom(this.#encoding.length);
    return this.#encoding.run(encode, (encoded) =>
      this.#queue({ to, id, store, ttlSeconds, echo }, encoded, { expiresAfterMs, signal }),
    );
  }

  #queue(envelope: Envelope, data: EncodedData, wait: WaitOptions): Promise<SendResult> {
    wait.signal?.throwIfAborted();
    const limits = this.#route?.limits ?? DEFAULT_LIMITS;
    const message = encodeMessage(envelope, data, limits);
    const over = overError(this.state);
    if (over) throw over;
    const result = this.#outbox.add(message, wait);
    this.#sender.wake();
    return result;
  }

  /** A client is of one user: in the name of another, what is queued would be a forgery. */
  async #onToken(token: string): Promise<void> {
    const user = tokenUser(token);
    this.#user ??= user;
    if (user !== this.#user) throw new BeckonError('user_changed');
    if (user === undefined) return;
    const prefix = recordPrefix(this.#options.url, user);
    await this.#store?.open(prefix);
    await this.tabs?.join(prefix);
  }

  get #route(): Route | undefined {
    return this.#session.connection ?? this.tabs?.route;
  }

  get #cursors(): Snapshot['cursors'] {
    const { value } = this.#cursor;
    return value === undefined ? {} : { [`user#${this.#user}`]: value };
  }

  get #status() {
    return { state: this.state, limits: this.#session.connection?.limits };
  }

  #createTabsHost(): TabsHost {
    const client = this;
    return {
      invoke: (method, args) => (this as unknown as Record<string, (...args: unknown[]) => unknown>)[method]?.(...args),
      request: (encode) => this.#session.connection?.request(encode),
      lead: () => {
        const { status } = this.state;
        this.#told = undefined;
        this.#session.start(status === 'connecting' ? status : 'recovering');
      },
      follow: () => this.#session.pause(),
      onTold: (event, value) => this.#onTold(event, value),
      greeting: () => [
        ['progress', { cursors: this.#cursors, seen: this.#dedupe.snapshot() }],
        ['state', this.#status],
      ],
      get horizonMs() {
        return client.#cursor.horizonMs;
      },
    };
  }

  #onTold(event: string, value: unknown): void {
    if (event === 'progress') this.#restore(value as Partial<Snapshot>);
    else if (event === 'message') this.#handOn(value as Message);
    else if (event === 'state') this.#onToldState(value as { state: ConnectionState; limits?: Limits });
    else this.#emitter.emit(event as 'gap', value as Gap);
  }

  #onToldState({ state, limits }: { readonly state: ConnectionState; readonly limits?: Limits }): void {
    this.#told = state;
    if (this.tabs) this.tabs.limits = limits;
    this.#emitter.emit('state', state);
    this.#sender.wake();
  }

  #restore({ cursors = {}, seen = [], outbox = [] }: Partial<Snapshot>): void {
    this.#cursor.advance(cursors[`user#${this.#user}`]);
    this.#dedupe.restore(seen);
    this.#outbox.restore(outbox, ({ text }) => this.#tellOf(JSON.parse(text).id));
    this.#sender.wake();
  }

  #createStore(storage: ClientStorage): Store {
    return new Store(this.#environment, storage, {
      snapshot: () => ({
        cursors: this.#cursors,
        seen: this.#dedupe.snapshot(),
        outbox: this.#outbox.snapshot(),
      }),
      restore: (stored) => this.#restore(stored),
      onError: (error) => this.#emitter.emit('error', error),
    });
  }

  #tellOf(id: string) {
    return {
      accept: (result: SendResult) => this.#emitter.emit('settled', { id, result }),
      reject: (error: unknown) => {
        // What is kept is not settled.
        if (!this.#keeps) this.#emitter.emit('settled', { id, error: error as BeckonError });
      },
    };
  }

  #onConnected(): void {
    this.#counters.connections += 1;
    this.#store?.adopt();
    this.#sender.wake();
  }

  #onMessages(messages: readonly Message[]): void {
    for (const message of messages) this.#handOn(message);
  }

  #handOn(message: Message): void {
    if (this.#dedupe.isNew(message)) this.#deliver(message as ReceivedMessage<Incoming>);
    else this.#counters.duplicates += 1;
    this.#store?.changed();
  }

  #deliver(message: ReceivedMessage<Incoming>): void {
    for (const inbox of this.#inboxes) inbox.push(message);
    this.#emitter.emit('message', message);
  }

  #onState(state: ConnectionState): void {
    this.#told = undefined;
    const error = overError(state);
    if (error) this.#release(error);
    this.#emitter.emit('state', state);
  }

  #release(error: BeckonError): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#sender.stop();
    this.tabs?.close(error);
    this.#store?.close();
    this.#outbox.rejectAll(error, { kept: this.#keeps });
    for (const inbox of this.#inboxes) this.#endIfOver(inbox);
  }

  /** Whether what is not acknowledged is the next client's to send. */
  get #keeps(): boolean {
    return this.#store?.keeps === true && overError(this.state) !== undefined;
  }

  /** A loop over the messages just ends when the client was closed, and throws when it failed. */
  #endIfOver(inbox: Inbox<ReceivedMessage<Incoming>>): void {
    const error = overError(this.state);
    if (error) inbox.end(error.code === 'closed' ? undefined : error);
  }
}

/** What sends are rejected with once there will be no connection any more. */
function overError(state: ConnectionState): BeckonError | undefined {
  if (state.status !== 'closed' && state.status !== 'failed') return undefined;
  return new BeckonError(state.reason.code, state.reason.message);
}
