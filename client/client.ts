import type { Message, SendResult } from '../protocol/index.ts';
import { DEFAULT_LIMITS } from '../protocol/limits.ts';
import type {
  Client,
  ClientEvents,
  Counters,
  ListenOptions,
  MessagesOptions,
  ReceivedMessage,
  SendOptions,
} from './api.ts';
import type { Companion } from './companion.ts';
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
import { shareCalls } from './shared-calls.ts';
import type { ConnectionState, Reason } from './state.ts';
import { tokenUser } from './token.ts';

const DEFAULT_MAX_BUFFERED = 1_000;
const CLOSED: Reason = { code: 'closed', message: 'The client was closed.' };

/** Makes a client, and one of those that share their connection if the options say so. */
export function createClient<Incoming, Outgoing>(
  environment: Environment,
  options: Options,
): Client<Incoming, Outgoing> {
  const client = new SessionClient<Incoming, Outgoing>(environment, options);
  return options.shareAcrossTabs ? shareCalls(client, (method, args) => client.share(method, args)) : client;
}

/** Puts the parts together. Applications call `connect`; tests bring an environment of their own. */
export class SessionClient<Incoming, Outgoing> implements Client<Incoming, Outgoing> {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #emitter: Emitter<ClientEvents<Incoming>> = createEmitter(
    ['message', 'gap', 'settled', 'state', 'error'],
    (event, value) => this.#companion?.onEvent(event, value),
  );
  readonly #inboxes = new Set<Inbox<ReceivedMessage<Incoming>>>();
  readonly #cursor: Cursor;
  readonly #dedupe: Dedupe;
  /** Encoding may take a while; messages are queued in the order of the calls all the same. */
  readonly #encoding = createLane();
  readonly #outbox: Outbox;
  readonly #sender: Sender;
  readonly #session: Session;
  /** What keeps records, and shares the connection with other tabs. `undefined`: not asked for, or not loaded yet. */
  #companion: Companion | undefined;
  readonly #loading: Promise<Companion | undefined> | undefined;
  readonly #counters = { connections: 0, duplicates: 0, ignoredFrames: 0 };
  /** The `sub` of the first token. */
  #user: string | undefined;
  readonly #onAbort = () => this.close();

  constructor(environment: Environment, options: Options) {
    this.#environment = environment;
    this.#options = options;
    this.#cursor = new Cursor(() => this.#companion?.onProgress());
    this.#dedupe = createDedupe(environment, this.#cursor);
    this.#outbox = new Outbox(environment, options.maxQueuedMessages, () => this.#companion?.onProgress());
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
    if (options.storage || options.shareAcrossTabs) this.#loading = this.#loadCompanion();
    this.#start();
  }

  get state(): ConnectionState {
    return this.#companion?.state ?? this.#session.state;
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

  /** Has a call done by whichever tab holds the connection. Not for applications. */
  async share(method: string, args: readonly unknown[]): Promise<unknown> {
    const companion = await this.#loading;
    if (companion) return companion.call(method, args);
    return (this as unknown as Record<string, (...values: readonly unknown[]) => unknown>)[method]?.(...args);
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
    if (user !== undefined) await (await this.#loading)?.open(user);
  }

  async #loadCompanion(): Promise<Companion | undefined> {
    try {
      const { createCompanion } = await this.#environment.loadCompanion();
      this.#companion = createCompanion({
        environment: this.#environment,
        options: this.#options,
        client: this,
        emitter: this.#emitter as Emitter<ClientEvents>,
        session: this.#session,
        cursor: this.#cursor,
        dedupe: this.#dedupe,
        outbox: this.#outbox,
        sender: this.#sender,
        onMessage: (message) => this.#onMessages([message]),
      });
      const over = overError(this.state);
      if (over) this.#companion.close(over);
    } catch (cause) {
      this.#emitter.emit('error', new BeckonError('storage_failed', undefined, { cause }));
    }
    return this.#companion;
  }

  get #route(): Route | undefined {
    return this.#session.connection ?? this.#companion?.route;
  }

  #onConnected(): void {
    this.#counters.connections += 1;
    this.#companion?.onConnected();
    this.#sender.wake();
  }

  #onMessages(messages: readonly Message[]): void {
    for (const message of messages) {
      if (this.#dedupe.isNew(message)) this.#deliver(message as ReceivedMessage<Incoming>);
      else this.#counters.duplicates += 1;
    }
  }

  #deliver(message: ReceivedMessage<Incoming>): void {
    for (const inbox of this.#inboxes) inbox.push(message);
    this.#emitter.emit('message', message);
  }

  #onState(state: ConnectionState): void {
    const error = overError(state);
    if (error) this.#release(error);
    this.#emitter.emit('state', state);
  }

  #release(error: BeckonError): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#sender.stop();
    this.#companion?.close(error);
    this.#outbox.rejectAll(error, { kept: this.#companion?.keeps ?? false });
    for (const inbox of this.#inboxes) this.#endIfOver(inbox);
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
