import type { Action, Conversation, SendResult } from '../protocol/index.ts';
import type {
  CallOptions,
  Client,
  ClientEvents,
  Counters,
  HistoryOptions,
  HistoryPage,
  JoinOptions,
  ListenOptions,
  MessagesOptions,
  PresenceSnapshot,
  PresenceTarget,
  ReceivedMessage,
  SearchOptions,
  SearchPage,
  SendOptions,
  Unread,
} from './api.ts';
import type { ReplyTo } from './calls.ts';
import { Engine } from './engine.ts';
import type { Environment } from './environment.ts';
import { Inbox } from './inbox.ts';
import {
  checkConversation,
  checkCount,
  checkDuration,
  checkList,
  checkNames,
  checkSignal,
  checkTarget,
  checkText,
  type Options,
} from './options.ts';
import type { To } from './outgoing.ts';
import type { FieldsOf } from './requests.ts';
import { shareCalls } from './shared-calls.ts';
import type { ConnectionState, Reason } from './state.ts';

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

/** What the application calls: checks what it is given. Applications call `connect`; tests bring an environment of their own. */
export class SessionClient<Incoming, Outgoing> implements Client<Incoming, Outgoing> {
  readonly #environment: Environment;
  readonly #options: Options;
  readonly #engine: Engine<Incoming>;
  readonly #onAbort = () => this.close();

  constructor(environment: Environment, options: Options) {
    this.#environment = environment;
    this.#options = options;
    this.#engine = new Engine<Incoming>(environment, options, (method, args) => this.#invoke(method, args));
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

  async join(room: string, options: JoinOptions = {}): Promise<void> {
    checkText('join', 'room', room);
    this.#check('join', options, ['since', 'signal']);
    await this.#engine.feeds.join(room, options);
  }

  async leave(room: string): Promise<void> {
    checkText('leave', 'room', room);
    await this.#engine.feeds.leave(room);
  }

  presence(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot> {
    return this.#askPresence('presence', target, undefined, options);
  }

  watch(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot> {
    return this.#askPresence('watch', target, true, options);
  }

  async unwatch(target: PresenceTarget): Promise<void> {
    await this.#askPresence('unwatch', target, false);
  }

  async history(conversation: Conversation, options: HistoryOptions = {}): Promise<HistoryPage<Incoming>> {
    checkConversation('history', conversation);
    const { before, after, limit } = options;
    const names = ['before', 'after', 'limit'];
    const reply = await this.#ask('history', { conversation, before, after, limit }, options, names);
    const { type: _, id: __, conversation: ___, ...page } = reply;
    return page as HistoryPage<Incoming>;
  }

  async search(conversation: Conversation, text: string, options: SearchOptions = {}): Promise<SearchPage<Incoming>> {
    checkConversation('search', conversation);
    checkText('search', 'text', text);
    const { before, limit } = options;
    const reply = await this.#ask('search', { conversation, text, before, limit }, options, ['before', 'limit']);
    const { type: _, id: __, conversation: ___, ...page } = reply;
    return page as SearchPage<Incoming>;
  }

  async unread(conversations: readonly Conversation[], options: CallOptions = {}): Promise<readonly Unread[]> {
    checkList('unread', 'conversations', conversations);
    for (const conversation of conversations) checkConversation('unread', conversation);
    return (await this.#ask('unread', { conversations: [...conversations] }, options)).conversations;
  }

  async markRead(conversation: Conversation, serial: string): Promise<void> {
    checkConversation('markRead', conversation);
    checkText('markRead', 'serial', serial);
    this.#check('markRead', {});
    await this.#engine.marks.add(conversation, { read: serial });
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
    const onAbort = () => inbox.end();
    const inbox = new Inbox<ReceivedMessage<Incoming>>(maxBuffered, () => {
      inboxes.delete(inbox);
      signal?.removeEventListener('abort', onAbort);
    });
    inboxes.add(inbox);
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) inbox.end();
    this.#engine.endIfOver(inbox);
    return inbox;
  }

  close(): void {
    this.#engine.session.stop('closed', CLOSED);
  }

  /** Has a call done by whichever tab holds the connection. Not for applications. */
  share(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#engine.share(method, args);
  }

  async #invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    return (this as unknown as Record<string, (...values: readonly unknown[]) => unknown>)[method]?.(...args);
  }

  #start(): void {
    const { signal } = this.#options;
    signal?.addEventListener('abort', this.#onAbort);
    this.#engine.emitter.on('state', () => {
      if (this.#engine.over) signal?.removeEventListener('abort', this.#onAbort);
    });
    if (signal?.aborted) this.close();
    else this.#engine.session.start();
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

  async #askPresence(
    name: string,
    target: PresenceTarget,
    watch: boolean | undefined,
    options: CallOptions = {},
  ): Promise<PresenceSnapshot> {
    checkTarget(name, target);
    this.#check(name, options);
    return this.#engine.watches.ask(target, watch, options.signal);
  }

  async #ask<A extends Action>(
    action: A,
    fields: FieldsOf<A>,
    options: CallOptions,
    names: readonly string[] = [],
  ): Promise<ReplyTo<A>> {
    this.#check(action, options, ['signal', ...names]);
    return this.#engine.calls.call(action, fields, options);
  }

  /** @throws TypeError for wrong options; BeckonError when there will be no connection any more. */
  #check(name: string, options: CallOptions, names: readonly string[] = ['signal']): void {
    checkNames(name, options, names);
    checkSignal(name, options.signal)?.throwIfAborted();
    if (this.#engine.over) throw this.#engine.over;
  }
}
