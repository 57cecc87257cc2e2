import type { Conversation as Address } from '../../protocol/index.ts';
import { SIGNAL_PREFIX, TYPING_SIGNAL } from '../../protocol/signals.ts';
import type { Client, ClientEvents, HistoryPage, Receipt, ReceivedMessage, SendOptions } from '../api.ts';
import { BeckonError } from '../index.ts';
import { coreOf } from '../inner.ts';
import { check, checkCount, checkNames } from '../options.ts';
import type { InnerEvents } from '../parts.ts';
import { serialTimeMs } from '../receiving/cursor.ts';
import type { OwnMessage } from '../receiving/message-memory.ts';
import type { OutboxChange } from '../sending/outbox.ts';
import { isAttended, onAttention } from './attention.ts';
import { type Entry, EntryList, keyOfMessage, ownKey } from './entries.ts';
import { checkPeer, isBetween, isFrom, keyOfPeer, type Peer } from './peer.ts';
import { BaseStore, type Store } from './store.ts';
import { Typing } from './typing.ts';

export type { Entry, EntryStatus } from './entries.ts';
export { type Peer, peerOf } from './peer.ts';
export type { Store } from './store.ts';

/**
 * What a conversation is doing.
 *
 * | status | meaning |
 * |---|---|
 * | `loading` | the newest page is being read for the first time |
 * | `ready` | the entries are complete from the oldest on |
 * | `reloading` | messages were missed, and are being read again |
 * | `failed` | the server refuses the history or the room, or the client is closed, as `error` explains |
 * | `left` | a new token does not allow the room |
 */
export type ConversationStatus = 'loading' | 'ready' | 'reloading' | 'failed' | 'left';

export interface ConversationState<Data> {
  readonly status: ConversationStatus;
  /**
   * The messages in the order of the server, each once: from the history, live, from other devices of this user, and sent here. Messages that
   * the server does not have yet come last. At most 1,000, and as many as `loadEarlier` has loaded, at most 10,000.
   */
  readonly entries: readonly Entry<Data>[];
  /** Whether `loadEarlier` finds more. */
  readonly hasEarlier: boolean;
  /** How many of the entries are messages of others that this user has not read. */
  readonly unread: number;
  /** The key of the first entry that was unread, for a line above it. It stays after it is read, until others are unread. */
  readonly firstUnread?: string;
  /** The other users who are typing. */
  readonly typing: readonly string[];
  /** Why the status is `failed` or `left`, or why the last marker failed. */
  readonly error?: BeckonError;
}

export interface ConversationOptions {
  /** How many messages to read at once, at most 100. Default: 50. */
  readonly pageSize?: number;
  /**
   * When messages of others count as read. `visible`: as soon as they are entries of a page that is visible and has the focus; outside of
   * browsers, at once. `manual`: when the application calls `markRead`. Default: `visible`.
   */
  readonly markRead?: 'visible' | 'manual';
  /** Whether to ask the other user's devices for receipts, so that entries become `received`. Default: true. */
  readonly receipts?: boolean;
}

/** A conversation as a view needs it. Its functions need no `this`. */
export interface Conversation<Data> extends Store<ConversationState<Data>> {
  readonly peer: Peer;
  /**
   * Sends a message. It is an entry at once.
   *
   * ```ts
   * conversation.send({ text: 'hi' });
   * ```
   * @returns The entry. It does not throw: an entry that cannot be sent is `failed`, and its `error` says why. After `close`, the entry is
   * not part of the state.
   */
  readonly send: (data: Data, options?: SendOptions) => Entry<Data>;
  /** Sends a failed entry again, under the same id. Without such an entry it does nothing. */
  readonly retry: (key: string) => void;
  /** Removes a failed entry. Without such an entry it does nothing. */
  readonly discard: (key: string) => void;
  /**
   * Loads the page before the oldest entry.
   * @throws BeckonError with the code of `client.history`, as a rejection; `closed` after `close`.
   */
  readonly loadEarlier: (limit?: number) => Promise<void>;
  /**
   * Marks the messages up to this serial as read. Default: all entries.
   * @throws BeckonError with the code of `client.markRead`, as a rejection; `closed` after `close`.
   */
  readonly markRead: (serial?: string) => Promise<void>;
  /**
   * Tells the other side that this user is typing, at most every 4 seconds. Call it with each key, and with `false` when the text is
   * empty; a message that is sent ends it as well. The others forget it after 8 seconds.
   */
  readonly setTyping: (isTyping: boolean) => void;
}

/** The messages that a conversation has when it is opened, and how many messages fill a gap at most. */
const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;
const MAX_BRIDGE_PAGES = 4;

/** How far the index of the server may lag behind, milliseconds. What the client did not see itself is read again after this time. */
const MAX_INDEX_LAG_MS = 10_000;

/** What is to be read again. */
interface Reload {
  /** From this moment on, by the server's clock. */
  readonly fromMs: number;
  /** Messages before it are forgotten if the pages do not reach it. */
  readonly isGap: boolean;
}

/**
 * Opens a conversation: its newest messages, and everything that happens in it from now on.
 *
 * ```ts
 * const conversation = openConversation(client, { user: 'bob' });
 * conversation.subscribe(() => render(conversation.state));
 * conversation.send({ text: 'hi' });
 * ```
 * Several conversations with one peer are independent of each other. In a room, it joins the room, and leaves it with `close` unless
 * somebody else has joined it.
 * @throws TypeError for a wrong client, peer or option.
 */
export function openConversation<Data>(
  client: Client<Data, never>,
  peer: Peer,
  options: ConversationOptions = {},
): Conversation<Data> {
  return new ConversationStore<Data>(client, peer, options);
}

class ConversationStore<Data> extends BaseStore<ConversationState<Data>> implements Conversation<Data> {
  readonly peer: Peer;
  readonly #client: Client<Data, never>;
  readonly #options: Required<ConversationOptions>;
  readonly #list = new EntryList<Data>();
  readonly #typing: Typing;
  /** What `retry` needs, by key. */
  readonly #sendOptions = new Map<string, SendOptions>();
  readonly #stops: (() => void)[] = [];
  #status: ConversationStatus = 'loading';
  #error: BeckonError | undefined;
  #firstUnread: string | undefined;
  #hasLoaded = false;
  #isJoined = false;
  /** `undefined`: nothing is being read. */
  #loading: Promise<void> | undefined;
  #wanted: Reload | undefined;
  #loadingEarlier: Promise<void> | undefined;

  constructor(client: Client<Data, never>, peer: Peer, options: ConversationOptions) {
    super(coreOf('openConversation', client));
    checkPeer('openConversation', peer);
    this.peer = { ...peer };
    this.#client = client;
    this.#options = resolve(options);
    this.#typing = new Typing(this.core.environment, () => this.changed());
    this.#listen();
    for (const { text } of this.core.parts.sending?.outbox.snapshot() ?? []) void this.#onOutbox({ text });
    this.#load({ fromMs: Number.NEGATIVE_INFINITY, isGap: true });
  }

  readonly send = (data: Data, options: SendOptions = {}): Entry<Data> => {
    const { environment, clock, userId } = this.core;
    const { id = environment.randomId() } = options;
    const key = ownKey(id);
    const entry: Entry<Data> = {
      key,
      id,
      from: { user: userId },
      data,
      sentAt: clock.now(),
      isOwn: true,
      status: 'sending',
    };
    if (this.isClosed) return { ...entry, status: 'failed', error: this.closedError };
    this.#sendOptions.set(key, { ...this.#defaultOptions, ...options, id });
    this.#typing.shouldTell(false);
    return this.#transmit(entry);
  };

  readonly retry = (key: string): void => {
    const entry = this.#list.get(key);
    if (entry?.status !== 'failed' || this.isClosed) return;
    const { error: _, ...others } = entry;
    const { signal: __, ...options } = this.#sendOptions.get(key) ?? {};
    this.#sendOptions.set(key, options);
    this.#list.discard(key);
    this.#transmit({ ...others, status: 'sending' });
  };

  readonly discard = (key: string): void => {
    if (this.#list.get(key)?.status !== 'failed') return;
    this.#list.discard(key);
    this.#sendOptions.delete(key);
    this.changed();
  };

  readonly loadEarlier = async (limit = this.#options.pageSize): Promise<void> => {
    if (this.isClosed) throw this.closedError;
    checkPageSize('loadEarlier', 'limit', limit);
    this.#loadingEarlier ??= this.#loadEarlier(limit).finally(() => {
      this.#loadingEarlier = undefined;
    });
    return this.#loadingEarlier;
  };

  readonly markRead = async (serial = this.#list.newestOfOthers?.serial): Promise<void> => {
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
    for (const stop of [...this.#stops, () => this.#typing.stop()]) stop();
    if (this.#isJoined) this.#leave();
  }

  protected fail(error: BeckonError): void {
    if (this.isClosed || this.#status === 'left') return;
    this.#status = 'failed';
    this.#error = error;
    this.changed();
  }

  protected onReconnect(): void {
    if (this.#status !== 'left') this.#load(this.#sinceNewest(false));
  }

  protected override onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void {
    super.onEvent(event, value);
    if (event === 'outbox') void this.#onOutbox(value as OutboxChange);
    else if (event === 'own') void this.#onOwn(value as OwnMessage);
    else if (event === 'signal') this.#onSignal(value as ReceivedMessage);
    else if (event === 'read') this.#onRead(value as InnerEvents['read']);
  }

  #signalTyping(isTyping: boolean): void {
    if (!('service' in this.peer)) this.core.parts.sending?.signal(this.peer, TYPING_SIGNAL, isTyping);
  }

  #leave(): void {
    // The client says so itself if it cannot leave, and the view is gone.
    if ('room' in this.peer) this.#client.leave(this.peer.room).catch(() => {});
  }

  #listen(): void {
    const { signal } = this.closing;
    const client = this.#client;
    client.on('message', (message) => this.#onMessage(message), { signal });
    client.on('receipt', (receipt) => this.#onReceipt(receipt), { signal });
    client.on('gap', ({ room }) => this.#onGap(room), { signal });
    client.on('left', ({ room, reason }) => this.#onLeft(room, reason), { signal });
    if (this.#options.markRead === 'visible') this.#stops.push(onAttention(() => this.#onAttention()));
  }

  #onMessage(message: ReceivedMessage<Data>): void {
    if (!this.#concerns(message)) return;
    this.#place(message);
    if ('user' in message.from) this.#typing.onSignal(message.from.user, false);
    this.#markSeen();
    this.changed();
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
    if (isHere) this.#load(this.#sinceNewest(true));
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

  /** A message was queued or settled, perhaps by another part of the application, or by the page before this one. */
  async #onOutbox({ text, result, error }: OutboxChange): Promise<void> {
    if (result) return;
    const { to, id, data, encoding, ...options } = JSON.parse(text);
    const { userId } = this.core;
    const key = ownKey(id);
    const from = { user: userId };
    const known = this.#list.get(key);
    if (known ? error === undefined : !isBetween(this.peer, userId, { from, to })) return;
    if (error !== undefined) return this.#settle(key, error);
    if (encoding?.startsWith(SIGNAL_PREFIX)) return;
    const queued = { id, from, to, data, sentAt: this.core.clock.now(), serial: '', ...(encoding && { encoding }) };
    const [message = queued] = await this.core.decode([queued]);
    // Meanwhile it may be settled.
    if (this.isClosed || this.#list.get(key) || !this.core.parts.sending?.outbox.has(text)) return;
    if (!this.#sendOptions.has(key)) this.#sendOptions.set(key, { ...options, id });
    this.#list.wait({ ...entryOf(message as ReceivedMessage<Data>), key, isOwn: true, status: 'sending' });
    this.changed();
  }

  async #onOwn({ text, serial }: OwnMessage): Promise<void> {
    const { to, id, data, encoding } = JSON.parse(text);
    const from = { user: this.core.userId };
    const known = this.#list.get(ownKey(id));
    if (!known && (encoding?.startsWith(SIGNAL_PREFIX) || !isBetween(this.peer, from.user, { from, to }))) return;
    const sent = { id, from, to, data, sentAt: serialTimeMs(serial), serial, ...(encoding && { encoding }) };
    // What was sent here is there already.
    const [message = sent] = known ? [{ ...sent, data: known.data }] : await this.core.decode([sent]);
    if (this.isClosed) return;
    this.#place(message as ReceivedMessage<Data>);
    this.changed();
  }

  /** An entry was given up. Who has taken it back knows it. */
  #settle(key: string, error: unknown): void {
    const entry = this.#list.get(key);
    if (!entry || entry.serial !== undefined) return;
    if (error instanceof BeckonError || error instanceof TypeError)
      this.#list.wait({ ...entry, status: 'failed', error });
    else this.#list.discard(key);
    if (error instanceof BeckonError && error.maybeDelivered) this.#readAgain(entry.sentAt);
    this.changed();
  }

  get #defaultOptions(): SendOptions {
    return 'user' in this.peer && this.#options.receipts ? { receipt: true, echo: true } : {};
  }

  #transmit(entry: Entry<Data>): Entry<Data> {
    this.#list.wait(entry);
    this.changed();
    this.#post(entry).catch((error) => {
      if (!this.isClosed) this.#settle(entry.key, error);
    });
    return entry;
  }

  async #post({ key, data }: Entry<Data>): Promise<void> {
    const { peer } = this;
    const options = this.#sendOptions.get(key);
    if ('service' in peer) throw new TypeError('send: a service only sends; send to a user or a room');
    if ('room' in peer) await this.#client.sendToRoom(peer.room, data as never, options);
    else await this.#client.sendToUser(peer.user, data as never, options);
  }

  #concerns(message: Pick<ReceivedMessage, 'from' | 'to' | 'encoding'>): boolean {
    const isSignal = message.encoding?.startsWith(SIGNAL_PREFIX);
    return !isSignal && isBetween(this.peer, this.core.userId, message);
  }

  #place(message: ReceivedMessage<Data>): void {
    const isOwn = isFrom(this.core.userId, message.from);
    this.#list.place({ ...entryOf(message), serial: message.serial, isOwn });
    if (isOwn) this.#sendOptions.delete(keyOfMessage(message, true));
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

  #markSeen(): void {
    if (this.#options.markRead === 'manual' || this.#status !== 'ready' || !isAttended()) return;
    const newest = this.#list.newestOfOthers;
    if (newest) void this.#markRead(newest.serial).catch((error) => this.#onMarkFailed(error));
  }

  /** Here it counts as read at once. */
  async #markRead(serial: string): Promise<void> {
    if (!this.#list.advance({ ownRead: serial })) return;
    this.changed();
    await this.#client.markRead(this.peer as Address, serial);
  }

  /** The client sends a marker even if its call has stopped waiting. */
  #onMarkFailed(error: BeckonError): void {
    if (this.isClosed || error.retryable || error.code === 'expired' || this.core.over) return;
    this.#error = error;
    this.changed();
  }

  /** What may have been missed since the newest entry. */
  #sinceNewest(isGap: boolean): Reload {
    const { newest } = this.#list;
    return { fromMs: newest === undefined ? Number.NEGATIVE_INFINITY : serialTimeMs(newest), isGap };
  }

  #load(reload: Reload): void {
    const { fromMs = reload.fromMs, isGap = false } = this.#wanted ?? {};
    this.#wanted = { fromMs: Math.min(fromMs, reload.fromMs), isGap: isGap || reload.isGap };
    this.#loading ??= this.#loadWanted().finally(() => {
      this.#loading = undefined;
    });
  }

  async #loadWanted(): Promise<void> {
    while (this.#wanted && !this.isClosed) {
      await this.persist(async () => {
        // Anew with each attempt: more may be wanted by then.
        const wanted = this.#wanted;
        if (wanted?.isGap && this.#hasLoaded) this.#setStatus('reloading');
        await this.#enter();
        if (wanted) await this.#read(wanted);
        if (this.#wanted === wanted) this.#wanted = undefined;
      });
      if (this.#status === 'failed') this.#wanted = undefined;
    }
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

  async #read({ fromMs, isGap }: Reload): Promise<void> {
    const { signal } = this.closing;
    const { clock, parts } = this.core;
    const startedMs = clock.now();
    const isFirst = !this.#hasLoaded;
    let page = await this.#history({ limit: this.#options.pageSize });
    const pages = [page];
    const reaches = ({ next }: Pick<HistoryPage, 'next'>) => next === undefined || serialTimeMs(next) < fromMs;
    while (!isFirst && !reaches(page) && pages.length < MAX_BRIDGE_PAGES) {
      page = await this.#history({ limit: MAX_PAGE_SIZE, before: page.next ?? '' });
      pages.push(page);
    }
    if (signal.aborted) return;
    if (isGap && page.next !== undefined && !reaches(page)) this.#list.forgetBelow(page.next);
    this.#hasLoaded = true;
    for (const each of pages) this.#merge(each);
    this.#noteUnread();
    if (this.#status !== 'left') this.#setStatus('ready');
    this.#markSeen();
    const seenFromMs = parts.sending?.memory.fromMs ?? Number.POSITIVE_INFINITY;
    if (seenFromMs > startedMs - MAX_INDEX_LAG_MS && !('room' in this.peer) && isGap) this.#readAgain(startedMs);
  }

  /** What happened just before this client came is perhaps in no index yet, and was handed to the client before it. */
  #readAgain(startedMs: number): void {
    const { environment, over } = this.core;
    if (over) return;
    const cancel = environment.setTimer(MAX_INDEX_LAG_MS, () =>
      this.#load({ fromMs: startedMs - MAX_INDEX_LAG_MS, isGap: false }),
    );
    this.#stops.push(cancel);
  }

  #history(options: { readonly limit: number; readonly before?: string }): Promise<HistoryPage<Data>> {
    return this.#client.history(this.peer as Address, { ...options, signal: this.closing.signal });
  }

  /** Takes over a page, and what its index may not have yet. */
  #merge({ messages, read, peer }: HistoryPage<Data>): void {
    this.#list.advance({ ownRead: read, received: peer?.received, read: peer?.read });
    for (const message of messages) if (this.#concerns(message)) this.#place(message);
    for (const message of this.core.parts.sending?.memory ?? []) {
      if ('text' in message) void this.#onOwn(message);
      else if (this.#concerns(message)) this.#place(message as ReceivedMessage<Data>);
    }
  }

  async #loadEarlier(limit: number): Promise<void> {
    const list = this.#list;
    const before = list.earlier;
    if (before === undefined || list.isFull) return;
    list.isPinned = true;
    try {
      const page = await this.#history({ limit, before });
      // A gap may have emptied the list meanwhile.
      if (this.isClosed || list.earlier !== before) return;
      list.earlier = page.next;
      this.#merge(page);
      list.keepAll();
    } finally {
      list.isPinned = false;
      list.trim();
      this.changed();
    }
  }
}

/** The part of an entry that a message has. */
function entryOf<Data>({ id, from, data, encoding, sentAt }: ReceivedMessage<Data>) {
  return { id, from, data, sentAt, ...(encoding !== undefined && { encoding }) };
}

function resolve(options: ConversationOptions): Required<ConversationOptions> {
  const where = 'openConversation';
  checkNames(where, options, ['pageSize', 'markRead', 'receipts']);
  const { pageSize = DEFAULT_PAGE_SIZE, markRead = 'visible', receipts = true } = options;
  check(where, 'markRead', markRead, /^(visible|manual)$/.test(markRead), '"visible" or "manual"');
  check(where, 'receipts', receipts, typeof receipts === 'boolean', 'true or false');
  return { pageSize: checkPageSize(where, 'pageSize', pageSize), markRead, receipts };
}

function checkPageSize(where: string, name: string, value: number): number {
  return Math.min(MAX_PAGE_SIZE, checkCount(where, name, value));
}
