import type { Action, Message, Peer, Replies } from '../../protocol/index.ts';
import { isObject } from '../../protocol/json.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type {
  CallOptions,
  Client,
  ConversationsOptions,
  ConversationsPage,
  HistoryOptions,
  HistoryPage,
  JoinOptions,
  Payload,
  PresenceSnapshot,
  PresenceTarget,
  ReceivedMessage,
  SearchOptions,
  SearchPage,
  Unread,
  UnreadTotal,
} from '../api.ts';
import { throwIfAborted } from '../base/abort.ts';
import { within } from '../base/timer.ts';
import { CLOSED, ClientPart } from '../client.ts';
import type { OpenConnection, PushedItem } from '../connection/context.ts';
import type { Fields } from '../connection/frames.ts';
import type { FieldsOf } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import type { BeckonError } from '../errors.ts';
import { check, checkCall } from '../options.ts';
import type { CallsPart, Interest } from '../parts.ts';
import type { Feed } from '../receiving/feed.ts';
import { Feeds } from '../rooms/feeds.ts';
import { RoomSubscriptions } from '../rooms/room-subscriptions.ts';
import type { Snapshot } from '../storage/storage.ts';
import type { CallName } from './call-names.ts';
import { isCallsFrame } from './frames.ts';
import { Holds } from './holds.ts';
import { MarkerQueue } from './markers.ts';
import { renewToken } from './renew-token.ts';
import { CALL_TIMEOUT_MS, ServerCalls } from './server-calls.ts';
import { keyOf, partsOf, Watches } from './watches.ts';

/** Does the calls about rooms, presence and history. Checks their arguments. */
export class RoomsPresenceHistory extends ClientPart implements CallsPart, Pick<Client<Payload>, CallName> {
  readonly #feeds: Feeds;
  readonly #calls: ServerCalls;
  readonly #watches: Watches;
  readonly #markers: MarkerQueue;
  readonly #holds = new Holds();
  /** What keeps each connection in the rooms. */
  readonly #subscriptions = new WeakMap<OpenConnection, RoomSubscriptions>();

  constructor(core: Core) {
    super(core);
    const { session } = core;
    this.#calls = new ServerCalls(core);
    this.#feeds = new Feeds(core, {
      join: (name, room) => {
        if (session.connection) void this.#roomsOf(session.connection).join(name, room);
      },
      leave: async (name) => {
        await Promise.all([...session.connections].map((each) => each.limits && this.#roomsOf(each).leave(name)));
      },
    });
    this.#watches = new Watches(core, this.#calls);
    this.#markers = new MarkerQueue(core, this.#calls);
  }

  async invoke(name: CallName, args: readonly unknown[]): Promise<unknown> {
    return Reflect.apply(this[name], this, args);
  }

  async call(name: CallName, args: readonly unknown[]): Promise<unknown> {
    const { core } = this;
    const result = await this.#count(name, args, (fewer) => (core.parts.tabs ?? this).invoke(name, fewer));
    const { messages = [] } = (result ?? {}) as Partial<HistoryPage>;
    for (const message of messages) core.tellUndecoded(message);
    return core.options.schema ? (await core.load('schema')).checkResult(result) : result;
  }

  /**
   * Counts the calls of this tab that join, leave, watch and unwatch.
   * @param invoke Does the call; not called if others in this tab hold what it would end.
   */
  async #count(
    name: CallName,
    args: readonly unknown[],
    invoke: (args: readonly unknown[]) => Promise<unknown>,
  ): Promise<unknown> {
    // Each tab does it for itself.
    if (name === 'signOut') return this.signOut();
    const [what, ...options] = args;
    if (name === 'join' || name === 'leave') {
      checkText(name, 'room', what as string);
      const key = `room ${what}`;
      if (name === 'join') return this.#holds.during([key], () => invoke(args));
      return this.#holds.release(key) ? invoke(args) : undefined;
    }
    if (name !== 'watch' && name !== 'unwatch') return invoke(args);
    const target = what as PresenceTarget;
    checkTarget(name, target);
    if (name === 'watch') return this.#holds.during(partsOf([target]).map(keyOf), () => invoke(args));
    const parts = partsOf([target]);
    const ended = parts.filter((part) => this.#holds.release(keyOf(part)));
    if (ended.length === 0 && parts.length > 0) return undefined;
    return invoke(['room' in target ? target : ended.flat(), ...options]);
  }

  override onEvent(event: string, value: unknown): void {
    if (event === 'connected') for (const part of [this.#calls, this.#markers]) part.wake();
    if (event === 'over')
      for (const part of [this.#feeds, this.#calls, this.#markers]) part.giveUp(value as BeckonError);
  }

  override accepts(frame: Fields): boolean {
    return isCallsFrame(frame);
  }

  override async renew(connection: OpenConnection, rooms: readonly string[]): Promise<void> {
    const maxFrameBytes = connection.limits?.maxFrameBytes ?? MAX_FRAME_BYTES;
    await Promise.all([
      this.#roomsOf(connection).renew(rooms),
      this.#watches.renew((fields) => this.#calls.callOn(connection, 'presence', fields), maxFrameBytes),
    ]);
  }

  onPush(push: PushedItem, connection?: OpenConnection): void {
    if (!('to' in push)) this.#watches.onPush(push);
    else if (connection?.limits && 'room' in push.to) this.#roomsOf(connection).onPush(push.to.room, push);
  }

  get interest(): Interest {
    return { rooms: [...this.#feeds.rooms.keys()], targets: this.#watches.targets };
  }

  set interest({ rooms, targets }: Interest) {
    this.#feeds.follow(rooms);
    this.#watches.follow(targets);
  }

  feedOf(message: Pick<Message, 'to'>): Feed | undefined {
    return this.#feeds.of(message);
  }

  async confirm({ from, to, serial }: ReceivedMessage): Promise<void> {
    const own = this.core.userId;
    // The copy of one's own message is not what the other got.
    if ('user' in to && to.user === own) await this.#markers.add({ ...from }, { received: serial });
  }

  setUser(user: string): void {
    this.#feeds.userAddress = `user#${user}`;
  }

  snapshot(): Snapshot['feeds'] {
    return this.#feeds.snapshot();
  }

  progress(feed: Feed): Snapshot['feeds'] {
    return this.#feeds.progress(feed);
  }

  restore(feeds: Snapshot['feeds']): void {
    this.#feeds.restore(feeds);
  }

  get horizonMs(): number {
    return this.#feeds.horizonMs;
  }

  async join(room: string, options: JoinOptions = {}): Promise<void> {
    checkText('join', 'room', room);
    this.#check('join', options, ['after']);
    if (options.after !== undefined) checkText('join', 'after', options.after);
    await this.#feeds.join(room, options);
  }

  async leave(room: string, options: CallOptions = {}): Promise<void> {
    checkText('leave', 'room', room);
    checkCall('leave', options);
    await within(this.core.environment, this.#feeds.leave(room), options);
  }

  presence(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot> {
    return this.#askPresence('presence', target, undefined, options);
  }

  watch(target: PresenceTarget, options?: CallOptions): Promise<PresenceSnapshot> {
    return this.#askPresence('watch', target, true, options);
  }

  async unwatch(target: PresenceTarget, options?: CallOptions): Promise<void> {
    await this.#askPresence('unwatch', target, false, options);
  }

  async history(conversation: Peer, options: HistoryOptions = {}): Promise<HistoryPage> {
    checkConversation('history', conversation);
    const { before, after, limit } = options;
    const names = ['before', 'after', 'limit'];
    const reply = await this.#ask('history', { conversation, before, after, limit }, options, names);
    const { type: _, id: __, conversation: ___, ...page } = reply;
    return page as HistoryPage;
  }

  async search(conversation: Peer, text: string, options: SearchOptions = {}): Promise<SearchPage> {
    checkConversation('search', conversation);
    checkText('search', 'text', text);
    const { before, limit } = options;
    const reply = await this.#ask('search', { conversation, text, before, limit }, options, ['before', 'limit']);
    const { type: _, id: __, conversation: ___, ...page } = reply;
    return page as SearchPage;
  }

  async conversations(options: ConversationsOptions = {}): Promise<ConversationsPage> {
    const { before, limit } = options;
    const reply = await this.#ask('conversations', { before, limit }, options, ['before', 'limit']);
    const { type: _, id: __, conversations, ...page } = reply;
    const decoded = (await this.core.decode(conversations.flatMap(({ last }) => last ?? []))).values();
    const listed = conversations.map(({ last, ...each }) => ({ ...each, ...(last && { last: decoded.next().value }) }));
    return { conversations: listed, ...page } as ConversationsPage;
  }

  unread(options?: CallOptions): Promise<UnreadTotal>;
  unread(conversations: readonly Peer[], options?: CallOptions): Promise<readonly Unread[]>;
  async unread(
    conversations: readonly Peer[] | CallOptions = {},
    options: CallOptions = {},
  ): Promise<UnreadTotal | readonly Unread[]> {
    if (!Array.isArray(conversations) && isObject(conversations)) {
      const { total = { count: 0, more: false } } = await this.#ask('unread', {}, conversations as CallOptions);
      return total;
    }
    check('unread', 'conversations', conversations, Array.isArray(conversations), 'an array');
    const peers = conversations as readonly Peer[];
    for (const conversation of peers) checkConversation('unread', conversation);
    return (await this.#ask('unread', { conversations: [...peers] }, options)).conversations;
  }

  async markRead(conversation: Peer, serial: string, options: CallOptions = {}): Promise<void> {
    checkConversation('markRead', conversation);
    checkText('markRead', 'serial', serial);
    this.#check('markRead', options);
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    this.core.notify('read', { conversation, read: serial });
    await within(this.core.environment, this.#markers.add(conversation, { read: serial }), { signal, timeoutMs });
  }

  block(user: string, options?: CallOptions): Promise<void> {
    return this.#setBlocked('block', user, true, options);
  }

  unblock(user: string, options?: CallOptions): Promise<void> {
    return this.#setBlocked('unblock', user, false, options);
  }

  async blocked(options: CallOptions = {}): Promise<readonly string[]> {
    this.#check('blocked', options);
    return within(this.core.environment, this.#readBlocked(options), options);
  }

  async renewToken(options: CallOptions = {}): Promise<void> {
    this.#check('renewToken', options);
    const { signal, timeoutMs = CALL_TIMEOUT_MS } = options;
    await within(this.core.environment, renewToken(this.core), { signal, timeoutMs });
  }

  async signOut(): Promise<void> {
    const { core } = this;
    core.notify('signOut');
    const forgotten = core.parts.storage?.forget();
    core.session.stop('closed', CLOSED);
    await forgotten;
  }

  async #readBlocked(options: CallOptions): Promise<readonly string[]> {
    const all: string[] = [];
    for (let more = true; more; ) {
      const page: Replies['block'] = await this.#calls.call('block', { after: all.at(-1) }, options);
      all.push(...page.users);
      more = page.more && page.users.length > 0;
    }
    return all;
  }

  #roomsOf(connection: OpenConnection): RoomSubscriptions {
    const rooms =
      this.#subscriptions.get(connection) ?? new RoomSubscriptions(this.core, connection, this.#feeds, this.#calls);
    this.#subscriptions.set(connection, rooms);
    return rooms;
  }

  async #setBlocked(name: string, user: string, blocked: boolean, options: CallOptions = {}): Promise<void> {
    checkText(name, 'user', user);
    this.#check(name, options);
    await this.#calls.call('block', { user, blocked }, options);
  }

  async #askPresence(
    name: string,
    target: PresenceTarget,
    watch: boolean | undefined,
    options: CallOptions = {},
  ): Promise<PresenceSnapshot> {
    checkTarget(name, target);
    this.#check(name, options);
    return this.#watches.ask(target, watch, options);
  }

  async #ask<A extends Action>(
    action: A,
    fields: FieldsOf<A>,
    options: CallOptions,
    names: readonly string[] = [],
  ): Promise<Replies[A]> {
    this.#check(action, options, names);
    return this.#calls.call(action, fields, options);
  }

  /** @throws TypeError for wrong options; BeckonError when there will be no connection any more. */
  #check(name: string, options: CallOptions, names?: readonly string[]): void {
    checkCall(name, options, names);
    throwIfAborted(options.signal);
    const error = this.core.over;
    if (error) throw error;
  }
}

export function createPart(core: Core): CallsPart {
  return new RoomsPresenceHistory(core);
}

/** @throws TypeError unless `value` is text. */
function checkText(where: string, name: string, value: string): void {
  check(where, name, value, typeof value === 'string', 'a string');
}

/** @throws TypeError unless `value` is a list of texts or has a room. */
function checkTarget(where: string, value: PresenceTarget): void {
  const names: readonly unknown[] = Array.isArray(value) ? value : [(value as { room?: unknown } | undefined)?.room];
  const isTarget = names.every((name) => typeof name === 'string');
  check(where, 'target', value, isTarget, 'an array of users or {room: "…"}');
}

/** @throws TypeError unless `value` has a user, a room or a service, and nothing else. */
function checkConversation(where: string, value: Peer): void {
  const [[key = '', name] = [], ...others] = Object.entries(value ?? {}).filter(([, each]) => each !== undefined);
  const isConversation = /^(user|room|service)$/.test(key) && typeof name === 'string' && others.length === 0;
  check(where, 'conversation', value, isConversation, '{user: "…"}, {room: "…"} or {service: "…"}');
}
