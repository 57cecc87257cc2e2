import { MAX_UNREAD_COUNT } from '../../protocol/limits.ts';
import { SIGNAL_PREFIX } from '../../protocol/signals.ts';
import type { Client, ClientEvents, ListedConversation, ReceivedMessage } from '../api.ts';
import { createTimer, type Timer } from '../base/timer.ts';
import type { BeckonError } from '../errors.ts';
import { coreOf } from '../inner.ts';
import { checkCount, checkNames } from '../options.ts';
import type { InnerEvents } from '../parts.ts';
import { serialTimeMs } from '../receiving/cursor.ts';
import type { OwnMessage } from '../receiving/message-memory.ts';
import { readOwn } from './own-messages.ts';
import { isFrom, keyOfPeer, type Peer, peerOf } from './peer.ts';
import { BaseStore, type Store } from './store.ts';

export { type Peer, peerOf } from './peer.ts';
export type { Store } from './store.ts';

/** A conversation of the list. */
export interface InboxConversation<Data> {
  /** Identifies the conversation in the list. */
  readonly key: string;
  readonly peer: Peer;
  /** How many messages of others this user has not read: at most 100 of those that were there before the list was read. */
  readonly unread: number;
  /** The newest message. Absent: the conversation has no message, or Beckon has deleted it after the retention. */
  readonly last?: ReceivedMessage<Data>;
}

export interface InboxState<Data> {
  /** `failed`: the server refuses the list, or the client is closed, as `error` explains. */
  readonly status: 'loading' | 'ready' | 'failed';
  /** How many messages are unread in all conversations, for a badge. The server counts to 100. */
  readonly unread: number;
  /** The conversations, the newest activity first. */
  readonly conversations: readonly InboxConversation<Data>[];
  /** Whether there are more conversations: `loadMore()` gets them. */
  readonly hasMore: boolean;
  readonly error?: BeckonError;
}

export interface InboxOptions {
  /** How many conversations to list at first, at most 50. New ones are added. Default: 50. */
  readonly limit?: number;
}

/** The user's conversations. */
export interface Inbox<Data> extends Store<InboxState<Data>> {
  /** Lists more conversations: `limit` more than now. Does nothing without `hasMore`. */
  readonly loadMore: () => void;
}

const MAX_LIMIT = 50;

/** How long the server's list waits for a marker, milliseconds: the client sends one within a second. */
const REFRESH_MS = 2_000;

interface Item<Data> extends InboxConversation<Data> {
  /** The serial up to which this user has read. */
  readonly read: string;
}

/**
 * Opens the list of the user's conversations, with the unread messages of each and of all, kept up to date by messages and by what the user
 * reads on any device.
 *
 * ```ts
 * const inbox = openInbox(client);
 * inbox.subscribe(() => showBadge(inbox.state.unread));
 * ```
 * @throws TypeError for a wrong client or option.
 */
export function openInbox<Data>(client: Client<Data, never>, options: InboxOptions = {}): Inbox<Data> {
  return new InboxStore<Data>(client, options);
}

class InboxStore<Data> extends BaseStore<InboxState<Data>> implements Inbox<Data> {
  readonly #client: Client<Data, never>;
  readonly #limit: number;
  /** How many conversations to list. */
  #wanted: number;
  #hasMore = false;
  /** The oldest activity first. */
  #items = new Map<string, Item<Data>>();
  #total = 0;
  #status: InboxState<Data>['status'] = 'loading';
  #error: BeckonError | undefined;
  #loading: Promise<void> | undefined;
  #isStale = false;
  readonly #refresh: Timer;
  /** What came while the list was on its way. */
  #meanwhile: ReceivedMessage<Data>[] = [];

  constructor(client: Client<Data, never>, options: InboxOptions) {
    super(coreOf('openInbox', client));
    checkNames('openInbox', options, ['limit']);
    this.#client = client;
    this.#limit = Math.min(MAX_LIMIT, checkCount('openInbox', 'limit', options.limit ?? MAX_LIMIT));
    this.#wanted = this.#limit;
    this.#refresh = createTimer(this.core.environment);
    const { signal } = this.closing;
    client.on('message', (message) => this.#onMessage(message), { signal });
    client.on('gap', () => this.#load(), { signal });
    this.#load();
  }

  readonly loadMore = (): void => {
    if (!this.#hasMore || this.isClosed) return;
    this.#hasMore = false;
    this.#wanted += this.#limit;
    this.#load();
  };

  protected render(): InboxState<Data> {
    const newestFirst = [...this.#items.values()].reverse();
    return {
      status: this.#status,
      unread: this.#total,
      conversations: newestFirst.map(({ read: _, ...item }) => item),
      hasMore: this.#hasMore,
      ...(this.#error && { error: this.#error }),
    };
  }

  protected onClose(): void {
    this.#refresh.stop();
  }

  protected fail(error: BeckonError): void {
    this.#status = 'failed';
    this.#error = error;
    this.changed();
  }

  protected onReconnect(): void {
    this.#load();
  }

  protected override onEvent(event: keyof ClientEvents | keyof InnerEvents, value: unknown): void {
    super.onEvent(event, value);
    if (event === 'own') void this.#onOwn(value as OwnMessage);
    else if (event === 'read' || event === 'marker') this.#onRead(value as InnerEvents['read']);
  }

  #load(): void {
    this.#isStale = true;
    this.#loading ??= this.#loadUntilFresh().finally(() => {
      this.#loading = undefined;
    });
  }

  async #loadUntilFresh(): Promise<void> {
    while (this.#isStale && !this.isClosed) {
      this.#isStale = false;
      await this.persist(() => this.#read());
    }
  }

  async #read(): Promise<void> {
    const { signal } = this.closing;
    await this.#client.ready({ signal });
    this.#meanwhile = [];
    const { listed, hasMore } = await this.#list();
    // A count of all is charged like a whole page.
    const total = hasMore ? (await this.#client.unread({ signal })).count : sumOf(listed);
    if (this.isClosed) return;
    // A conversation that moved to the top between two pages is where it came first.
    this.#items = new Map();
    for (const each of [...listed].reverse()) this.#put(itemOf(each));
    this.#hasMore = hasMore;
    this.#total = total;
    this.#status = 'ready';
    this.#error = undefined;
    for (const message of this.#meanwhile.splice(0)) this.#add(message);
    this.changed();
  }

  async #list() {
    const { signal } = this.closing;
    const listed: ListedConversation<Data>[] = [];
    let next: string | undefined;
    do {
      const options = { limit: Math.min(MAX_LIMIT, this.#wanted - listed.length), signal };
      const page = await this.#client.conversations({ ...options, ...(next !== undefined && { before: next }) });
      listed.push(...page.conversations);
      next = page.next;
    } while (next !== undefined && listed.length < this.#wanted);
    return { listed, hasMore: next !== undefined };
  }

  /** Puts a conversation at the top. */
  #put(item: Item<Data>): void {
    this.#items.delete(item.key);
    this.#items.set(item.key, item);
  }

  #onMessage(message: ReceivedMessage<Data>): void {
    if (message.encoding?.startsWith(SIGNAL_PREFIX)) return;
    if (this.#loading !== undefined) this.#meanwhile.push(message);
    this.#add(message);
    this.changed();
  }

  async #onOwn({ text, serial }: OwnMessage): Promise<void> {
    const { to, id, data, encoding } = JSON.parse(text);
    const sent = {
      id,
      serial,
      from: { user: this.core.userId },
      to,
      data,
      sentAt: serialTimeMs(serial),
      ...(encoding && { encoding }),
    };
    const message = await readOwn<Data>(this.core, sent);
    if (message && !this.isClosed) this.#onMessage(message);
  }

  /** What the list has already changes nothing. */
  #add(message: ReceivedMessage<Data>): void {
    const { userId } = this.core;
    const { from, to, serial } = message;
    const peers: readonly Peer[] =
      isFrom(userId, from) && 'users' in to ? to.users.map((user) => ({ user })) : [peerOf(message, userId)];
    for (const peer of peers) {
      const key = keyOfPeer(peer);
      const known = this.#items.get(key) ?? { key, peer, unread: 0, read: '' };
      if (serial <= (known.last?.serial ?? '')) continue;
      const isUnread = !isFrom(userId, from) && serial > known.read;
      this.#put({ ...known, last: message, unread: known.unread + (isUnread ? 1 : 0) });
      if (isUnread) this.#total += 1;
    }
  }

  /** Of a conversation that is not read to its end, or not listed, only the server knows what is left, once it has the marker. */
  #onRead({ conversation, read }: InnerEvents['read']): void {
    const key = keyOfPeer(conversation);
    const item = this.#items.get(key);
    if (item && read <= item.read) return;
    if (!item || read < (item.last?.serial ?? '')) {
      this.#refresh.start(REFRESH_MS, () => this.#load());
      return;
    }
    this.#items.set(key, { ...item, read, unread: 0 });
    this.#total = Math.max(0, this.#total - item.unread);
    this.changed();
  }
}

/** What is unread in conversations that are all there are. Ends where the server's count ends. */
function sumOf(listed: readonly ListedConversation<unknown>[]): number {
  const sum = listed.reduce((count, { unread }) => count + unread.count, 0);
  return Math.min(sum, MAX_UNREAD_COUNT);
}

function itemOf<Data>({ conversation, last, unread, read = '' }: ListedConversation<Data>): Item<Data> {
  return { key: keyOfPeer(conversation), peer: conversation, unread: unread.count, read, ...(last && { last }) };
}
