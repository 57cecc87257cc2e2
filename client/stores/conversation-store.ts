import { SIGNAL_PREFIX, TYPING_SIGNAL } from '../../protocol/signals.ts';
import type { Client, ClientEvents, HistoryPage, Receipt, ReceivedMessage, SendOptions } from '../api.ts';
import { BeckonError } from '../index.ts';
import { coreOf } from '../inner.ts';
import type { InnerEvents } from '../parts.ts';
import type { OwnMessage } from '../receiving/message-memory.ts';
import type { OutboxChange } from '../sending/outbox.ts';
import { isAttended, onAttention } from './attention.ts';
import {
  type Conversation,
  type ConversationOptions,
  type ConversationState,
  type ConversationStatus,
  checkPageSize,
  resolveConversation,
} from './conversation-state.ts';
import { type Entry, EntryList, keyOfMessage } from './entries.ts';
import { HistoryPages } from './history-pages.ts';
import { entryOf, OutgoingEntries } from './outgoing-entries.ts';
import { checkPeer, isBetween, isFrom, keyOfPeer, type Peer } from './peer.ts';
import { BaseStore } from './store.ts';
import { Typing } from './typing.ts';

/** A conversation that is open: what it shows, and what happens in it. */
export class ConversationStore<Data> extends BaseStore<ConversationState<Data>> implements Conversation<Data> {
  readonly peer: Peer;
  readonly #client: Client<Data, never>;
  readonly #options: Required<ConversationOptions>;
  readonly #list = new EntryList<Data>();
  readonly #outgoing: OutgoingEntries<Data>;
  readonly #pages: HistoryPages<Data>;
  readonly #typing: Typing;
  #stopAttending = () => {};
  #status: ConversationStatus = 'loading';
  #error: BeckonError | undefined;
  #firstUnread: string | undefined;
  /** The serial of the newest message of another that the schema rejects: nobody sees it, and it must not stay unread. */
  #newestInvalid = '';
  #isJoined = false;

  constructor(client: Client<Data, never>, peer: Peer, options: ConversationOptions) {
    super(coreOf('openConversation', client));
    checkPeer('openConversation', peer);
    this.peer = { ...peer };
    this.#client = client;
    this.#options = resolveConversation(options);
    this.#typing = new Typing(this.core.environment, () => this.changed());
    const parts = {
      core: this.core,
      client,
      peer: this.peer,
      list: this.#list,
      signal: this.closing.signal,
      place: (message: ReceivedMessage<Data>) => this.#place(message),
      changed: () => this.changed(),
    };
    this.#pages = new HistoryPages(parts, {
      pageSize: this.#options.pageSize,
      persist: (work) => this.persist(work),
      onMissing: () => this.#setStatus('reloading'),
      enter: () => this.#enter(),
      take: (page) => this.#take(page),
      onComplete: () => this.#onComplete(),
    });
    const defaults = 'user' in peer && this.#options.receipts ? { receipt: true } : {};
    this.#outgoing = new OutgoingEntries(parts, defaults, (sinceMs) => this.#pages.readAgain(sinceMs));
    this.#listen();
    this.#pages.load(true);
  }

  readonly send = (data: Data, options: SendOptions = {}): Entry<Data> => {
    // The others see that it has ended by the message.
    this.#typing.shouldTell(false);
    return this.#outgoing.send(data, options, this.isClosed ? this.closedError : undefined);
  };

  readonly retry = (key: string): void => {
    if (!this.isClosed) this.#outgoing.retry(key);
  };

  readonly discard = (key: string): void => {
    if (!this.isClosed) this.#outgoing.discard(key);
  };

  readonly loadEarlier = async (limit = this.#options.pageSize): Promise<void> => {
    if (this.isClosed) throw this.closedError;
    await this.#pages.loadEarlier(checkPageSize('loadEarlier', 'limit', limit));
  };

  readonly markRead = async (serial = this.#newestOfOthers): Promise<void> => {
    if (this.isClosed) throw this.closedError;
    if (serial !== undefined) await this.#markRead(serial);
  };

  readonly setTyping = (isTyping: boolean): void => {
    if (this.isClosed || 'service' in this.peer || this.core.state.status !== 'connected') return;
    if (this.#typing.shouldTell(isTyping)) this.#signalTyping(isTyping);
  };

  protected render(): ConversationState<Data> {
    const unread = this.#noteUnread();
    return {
      status: this.#status,
      entries: this.#list.all(),
      hasEarlier: this.#list.earlier !== undefined && !this.#list.isFull,
      unread: unread.length,
      ...(this.#firstUnread !== undefined && { firstUnread: this.#firstUnread }),
      typing: this.#typing.users,
      ...(this.#error && { error: this.#error }),
    };
  }

  protected onClose(): void {
    if (this.#typing.shouldTell(false)) this.#signalTyping(false);
    this.#typing.stop();
    this.#pages.stop();
    this.#stopAttending();
    if (this.#isJoined) this.#leave();
  }

  protected fail(error: BeckonError): void {
    if (this.isClosed || this.#status === 'left') return;
    this.#status = 'failed';
    this.#error = error;
    this.changed();
  }

  protected onReconnect(): void {
    if (this.#status !== 'left') this.#pages.load(false);
  }

  protected override onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void {
    super.onEvent(event, value);
    if (event === 'outbox') void this.#outgoing.onOutbox(value as OutboxChange);
    else if (event === 'own') void this.#outgoing.onOwn(value as OwnMessage);
    else if (event === 'signal') this.#onSignal(value as ReceivedMessage);
    else if (event === 'read' || event === 'marker') this.#onRead(value as InnerEvents['read']);
  }

  #listen(): void {
    const { signal } = this.closing;
    const client = this.#client;
    client.on('message', (message) => this.#onMessage(message), { signal });
    client.on('invalid', ({ message }) => this.#onInvalid(message), { signal });
    client.on('receipt', (receipt) => this.#onReceipt(receipt), { signal });
    client.on('gap', ({ room }) => this.#onGap(room), { signal });
    client.on('left', ({ room, reason }) => this.#onLeft(room, reason), { signal });
    if (this.#options.markRead === 'visible') this.#stopAttending = onAttention(() => this.#onAttention());
  }

  #onMessage(message: ReceivedMessage<Data>): void {
    if (!this.#concerns(message)) return;
    this.#place(message);
    if ('user' in message.from) this.#typing.onSignal(message.from.user, false);
    this.#markSeen();
    this.changed();
  }

  #onInvalid(message: ReceivedMessage<unknown>): void {
    if (!this.#concerns(message) || isFrom(this.core.userId, message.from)) return;
    if (message.serial > this.#newestInvalid) this.#newestInvalid = message.serial;
    this.#markSeen();
  }

  #onReceipt({ from, received, read }: Receipt): void {
    const isPeer = 'user' in this.peer && this.peer.user === from.user;
    if (isPeer && this.#list.advance({ received, read })) this.changed();
  }

  #onRead({ conversation, read }: InnerEvents['read']): void {
    const isHere = keyOfPeer(conversation) === keyOfPeer(this.peer);
    if (isHere && this.#list.advance({ ownRead: read })) this.changed();
  }

  #onGap(room: string | undefined): void {
    const isHere = room === undefined ? !('room' in this.peer) : 'room' in this.peer && this.peer.room === room;
    if (isHere) this.#pages.load(true);
  }

  #onLeft(room: string, { code, message }: ClientEvents['left']['reason']): void {
    if (!('room' in this.peer) || this.peer.room !== room) return;
    this.#status = 'left';
    this.#error = new BeckonError(code, message);
    this.changed();
  }

  #onSignal({ from, to, encoding, data }: ReceivedMessage): void {
    const { userId } = this.core;
    if (encoding !== TYPING_SIGNAL || !('user' in from) || from.user === userId) return;
    if (isBetween(this.peer, userId, { from, to })) this.#typing.onSignal(from.user, data === true);
  }

  #signalTyping(isTyping: boolean): void {
    if (!('service' in this.peer)) this.core.parts.sending?.signal(this.peer, TYPING_SIGNAL, isTyping);
  }

  #leave(): void {
    // The client says so itself if it cannot leave, and the view is gone.
    if ('room' in this.peer) this.#client.leave(this.peer.room).catch(() => {});
  }

  #concerns(message: Pick<ReceivedMessage, 'from' | 'to' | 'encoding'>): boolean {
    const isSignal = message.encoding?.startsWith(SIGNAL_PREFIX);
    return !isSignal && isBetween(this.peer, this.core.userId, message);
  }

  #place(message: ReceivedMessage<Data>): void {
    const isOwn = isFrom(this.core.userId, message.from);
    this.#list.place({ ...entryOf(message), serial: message.serial, isOwn });
    if (isOwn) this.#outgoing.forget(keyOfMessage(message, isOwn));
  }

  /** Takes over a page, and what its index may not have yet. A schema may have rejected any number of its messages. */
  #take({ messages, read, peer }: HistoryPage<Data>): void {
    this.#list.advance({ ownRead: read, received: peer?.received, read: peer?.read });
    for (const message of messages) if (this.#concerns(message)) this.#place(message);
    for (const message of this.core.parts.sending?.memory ?? []) {
      if ('text' in message) void this.#outgoing.onOwn(message);
      else if (this.#concerns(message)) this.#place(message as ReceivedMessage<Data>);
    }
  }

  #onComplete(): void {
    this.#noteUnread();
    if (this.#status !== 'left') this.#setStatus('ready');
    this.#markSeen();
  }

  /** Messages that come before the eyes of a person are never unread. */
  #noteUnread(): readonly Entry<Data>[] {
    const unread = this.#list.unread();
    this.#firstUnread = unread[0]?.key ?? this.#firstUnread;
    return unread;
  }

  #onAttention(): void {
    this.#noteUnread();
    this.#markSeen();
  }

  /** The serial up to which the user has read everything. */
  get #newestOfOthers(): string | undefined {
    const { serial = '' } = this.#list.newestOfOthers ?? {};
    if (serial > this.#newestInvalid) return serial;
    return this.#newestInvalid || undefined;
  }

  #markSeen(): void {
    if (this.#options.markRead === 'manual' || this.#status !== 'ready' || !isAttended()) return;
    const newest = this.#newestOfOthers;
    if (newest) void this.#markRead(newest).catch((error) => this.#onMarkFailed(error));
  }

  /** Here it counts as read at once. */
  async #markRead(serial: string): Promise<void> {
    if (!this.#list.advance({ ownRead: serial })) return;
    this.changed();
    await this.#client.markRead(this.peer, serial);
  }

  /** The client sends a marker even if its call has stopped waiting. */
  #onMarkFailed(error: BeckonError): void {
    if (this.isClosed || error.retryable || error.code === 'expired' || this.core.over) return;
    this.#error = error;
    this.changed();
  }

  #setStatus(status: ConversationStatus): void {
    this.#status = status;
    this.#error = undefined;
    this.changed();
  }

  /** In a room, the history is read only after the client is in it: what is sent in between arrives live. */
  async #enter(): Promise<void> {
    const { signal } = this.closing;
    if ('room' in this.peer && !this.#isJoined) {
      await this.#client.join(this.peer.room, { signal });
      this.#isJoined = true;
      if (signal.aborted) this.#leave();
    }
    await this.#client.ready({ signal });
  }
}
