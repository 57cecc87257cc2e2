import type { SendResult } from '../protocol/index.ts';
import type {
  Client,
  ClientEvents,
  Counters,
  ListenOptions,
  MessagesOptions,
  ReceivedMessage,
  SendOptions,
} from './api.ts';
import { onAbort } from './base/abort.ts';
import type { LateArguments, LateMethod, LateResult } from './calls/on-demand.ts';
import { Engine } from './engine.ts';
import type { Environment } from './environment.ts';
import { describeCode } from './errors.ts';
import { checkCount, checkDuration, checkNames, checkSignal, type Options } from './options.ts';
import { Inbox } from './receiving/inbox.ts';
import type { To } from './sending/outgoing.ts';
import type { ConnectionState, Reason } from './state.ts';

const DEFAULT_MAX_BUFFERED = 1_000;
const CLOSED: Reason = { code: 'closed', message: describeCode('closed') };

/** What the application calls: checks what it is given. Applications call `connect`; tests bring an environment of their own. */
export class SessionClient<Incoming, Outgoing> implements Client<Incoming, Outgoing> {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #engine: Engine<Incoming>;

  constructor(environment: Environment, options: Options) {
    this.#environment = environment;
    this.#options = options;
    this.#engine = new Engine<Incoming>(environment, options);
    this.#start();
  }

  get state(): ConnectionState {
    return this.#engine.state;
  }

  get counters(): Counters {
    return { ...this.#engine.counters };
  }

  sendToUser(user: string, data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUser', { user }, data, options);
  }

  sendToUsers(users: readonly string[], data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToUsers', { users }, data, options);
  }

  sendToRoom(room: string, data: Outgoing, options?: SendOptions): Promise<SendResult> {
    return this.#send('sendToRoom', { room }, data, options);
  }

  join(...args: LateArguments<'join'>): LateResult<Incoming, 'join'> {
    return this.#call('join', args);
  }

  leave(...args: LateArguments<'leave'>): LateResult<Incoming, 'leave'> {
    return this.#call('leave', args);
  }

  presence(...args: LateArguments<'presence'>): LateResult<Incoming, 'presence'> {
    return this.#call('presence', args);
  }

  watch(...args: LateArguments<'watch'>): LateResult<Incoming, 'watch'> {
    return this.#call('watch', args);
  }

  unwatch(...args: LateArguments<'unwatch'>): LateResult<Incoming, 'unwatch'> {
    return this.#call('unwatch', args);
  }

  history(...args: LateArguments<'history'>): LateResult<Incoming, 'history'> {
    return this.#call('history', args);
  }

  search(...args: LateArguments<'search'>): LateResult<Incoming, 'search'> {
    return this.#call('search', args);
  }

  unread(...args: LateArguments<'unread'>): LateResult<Incoming, 'unread'> {
    return this.#call('unread', args);
  }

  markRead(...args: LateArguments<'markRead'>): LateResult<Incoming, 'markRead'> {
    return this.#call('markRead', args);
  }

  block(...args: LateArguments<'block'>): LateResult<Incoming, 'block'> {
    return this.#call('block', args);
  }

  unblock(...args: LateArguments<'unblock'>): LateResult<Incoming, 'unblock'> {
    return this.#call('unblock', args);
  }

  blocked(...args: LateArguments<'blocked'>): LateResult<Incoming, 'blocked'> {
    return this.#call('blocked', args);
  }

  on<E extends keyof ClientEvents<Incoming>>(
    event: E,
    listener: (value: ClientEvents<Incoming>[E]) => void,
    options: ListenOptions = {},
  ): () => void {
    checkNames('on', options, ['signal']);
    return this.#engine.emitter.on(event, listener, checkSignal('on', options.signal));
  }

  messages(options: MessagesOptions = {}): AsyncIterableIterator<ReceivedMessage<Incoming>> {
    checkNames('messages', options, ['signal', 'maxBuffered']);
    const signal = checkSignal('messages', options.signal);
    const maxBuffered = checkCount('messages', 'maxBuffered', options.maxBuffered ?? DEFAULT_MAX_BUFFERED);
    const { inboxes } = this.#engine;
    let stopWaiting = () => {};
    const inbox = new Inbox<ReceivedMessage<Incoming>>(maxBuffered, () => {
      inboxes.delete(inbox);
      stopWaiting();
    });
    inboxes.add(inbox);
    stopWaiting = onAbort(signal, () => inbox.end());
    this.#engine.endIfOver(inbox);
    return inbox;
  }

  close(): void {
    this.#engine.session.stop('closed', CLOSED);
  }

  #start(): void {
    const { signal } = this.#options;
    const stopWaiting = onAbort(signal, () => this.close());
    this.#engine.emitter.on('state', () => {
      if (this.#engine.over) stopWaiting();
    });
    if (!this.#engine.over) this.#engine.session.start();
  }

  /** Async, so that whatever is wrong with a call arrives as a rejection. */
  async #send(name: string, to: To, data: Outgoing, options: SendOptions = {}): Promise<SendResult> {
    checkNames(name, options, ['id', 'store', 'ttlSeconds', 'echo', 'receipt', 'expiresAfterMs', 'signal']);
    const { id = this.#environment.randomId(), expiresAfterMs = this.#options.messageExpiryMs } = options;
    const { store, ttlSeconds, echo, receipt } = options;
    checkDuration(name, 'expiresAfterMs', expiresAfterMs);
    const signal = checkSignal(name, options.signal);
    return this.#engine.send({ to, id, store, ttlSeconds, echo, receipt }, data, { expiresAfterMs, signal });
  }

  /** Has a call done by what is loaded with the first one of them, which checks the arguments. */
  #call<M extends LateMethod>(method: M, args: LateArguments<M>): LateResult<Incoming, M> {
    return this.#engine.call(method, args) as LateResult<Incoming, M>;
  }
}
