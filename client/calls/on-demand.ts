import type { Action, Conversation } from '../../protocol/index.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import type {
  CallOptions,
  Client,
  ClientEvents,
  HistoryOptions,
  HistoryPage,
  JoinOptions,
  PresenceSnapshot,
  PresenceTarget,
  SearchOptions,
  SearchPage,
  Unread,
} from '../api.ts';
import { throwIfAborted } from '../base/abort.ts';
import type { Emitter } from '../base/events.ts';
import type { FieldsOf } from '../connection/requests.ts';
import type { Session } from '../connection/session.ts';
import type { Environment } from '../environment.ts';
import type { BeckonError } from '../errors.ts';
import { checkNames, checkSignal, type Options, wrong } from '../options.ts';
import type { Feed } from '../receiving/feed.ts';
import type { Line, RoomsHost } from '../receiving/subscriptions.ts';
import { Feeds } from '../rooms/feeds.ts';
import { RoomSubscriptions } from '../rooms/room-subscriptions.ts';
import type { Companion } from '../tabs/companion.ts';
import { Calls, type ReplyTo } from './calls.ts';
import { Marks } from './markers.ts';
import { Watches } from './watches.ts';

/** The rest of the client, as far as what is loaded on demand is concerned. */
export interface OnDemandHost {
  readonly environment: Environment;
  readonly options: Options;
  readonly emitter: Pick<Emitter<Pick<ClientEvents, 'gap' | 'left' | 'presence' | 'error'>>, 'emit'>;
  readonly session: Session;
  readonly user: Feed;
  /** Why nothing can be asked for any more. `undefined`: it can. */
  over(): BeckonError | undefined;
  /** What keeps records, and shares the connection with other tabs. `undefined`: there is none. */
  companion(): Pick<Companion, 'onMove' | 'onInterest'> | undefined;
}

/** The calls of a client that are loaded with the first one of them, and done by the tab that holds the connection. */
type LateCalls<Incoming> = Pick<
  Client<Incoming>,
  | 'join'
  | 'leave'
  | 'presence'
  | 'watch'
  | 'unwatch'
  | 'history'
  | 'search'
  | 'unread'
  | 'markRead'
  | 'block'
  | 'unblock'
  | 'blocked'
>;

export type LateMethod = keyof LateCalls<unknown>;
export type LateArguments<M extends LateMethod> = Parameters<LateCalls<unknown>[M]>;
export type LateResult<Incoming, M extends LateMethod> = ReturnType<LateCalls<Incoming>[M]>;

/** What a client does beyond sending and receiving: rooms, presence, and what was said before. Checks what it is given. */
export class OnDemand<Incoming> implements LateCalls<Incoming> {
  readonly feeds: Feeds;
  readonly watches: Watches;
  readonly marks: Marks;
  readonly #calls: Calls;
  readonly #host: OnDemandHost;

  constructor(host: OnDemandHost) {
    const { environment, session, emitter } = host;
    this.#host = host;
    this.feeds = new Feeds(host.user, {
      join: (name, room) => void session.connection?.rooms?.join(name, room),
      leave: async (name) => {
        await Promise.all([...session.connections].map(({ rooms }) => rooms?.leave(name)));
      },
      onGap: (gap) => emitter.emit('gap', gap),
      onMove: (feed) => host.companion()?.onMove(feed),
      onRooms: () => host.companion()?.onInterest(),
    });
    this.#calls = new Calls(environment, host.options, () => session.connection);
    this.watches = new Watches(this.#calls, {
      onPresence: (change) => emitter.emit('presence', change),
      onError: (error) => emitter.emit('error', error),
      onTargets: () => host.companion()?.onInterest(),
    });
    this.marks = new Marks(environment, this.#calls, () => session.connection?.acknowledge());
  }

  async join(room: string, options: JoinOptions = {}): Promise<void> {
    checkText('join', 'room', room);
    this.#check('join', options, ['since', 'signal']);
    if (options.since !== undefined) checkText('join', 'since', options.since);
    await this.feeds.join(room, options);
  }

  async leave(room: string): Promise<void> {
    checkText('leave', 'room', room);
    await this.feeds.leave(room);
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
    await this.marks.add(conversation, { read: serial });
  }

  block(user: string, options?: CallOptions): Promise<void> {
    return this.#setBlocked('block', user, true, options);
  }

  unblock(user: string, options?: CallOptions): Promise<void> {
    return this.#setBlocked('unblock', user, false, options);
  }

  async blocked(options: CallOptions = {}): Promise<readonly string[]> {
    this.#check('blocked', options);
    const all: string[] = [];
    for (let more = true; more; ) {
      const page: ReplyTo<'block'> = await this.#calls.call('block', { after: all.at(-1) }, options);
      all.push(...page.users);
      more = page.more && page.users.length > 0;
    }
    return all;
  }

  /** What keeps a connection in the rooms. */
  createRooms(host: RoomsHost): RoomSubscriptions {
    return new RoomSubscriptions(
      {
        rooms: this.feeds.rooms,
        call: (...call) => this.#calls.callOn(...call),
        onJoining: (room) => this.feeds.onJoining(room),
        onJoined: (room) => this.feeds.onJoined(room),
        onRefused: (room, problem) => {
          const left = this.feeds.onRefused(room, problem);
          if (left) this.#host.emitter.emit('left', left);
        },
      },
      host,
    );
  }

  /** Has a connection that has registered watch everybody. */
  renew(line: Line): Promise<void> {
    const maxFrameBytes = line.limits?.maxFrameBytes ?? MAX_FRAME_BYTES;
    return this.watches.renew((fields) => this.#calls.callOn(line, 'presence', fields), maxFrameBytes);
  }

  /** There is a connection, or another one than before. */
  wake(): void {
    this.#calls.wake();
    this.marks.wake();
  }

  /** There will be no connection any more. */
  giveUp(error: BeckonError): void {
    for (const part of [this.feeds, this.#calls, this.marks]) part.giveUp(error);
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
    return this.watches.ask(target, watch, options.signal);
  }

  async #ask<A extends Action>(
    action: A,
    fields: FieldsOf<A>,
    options: CallOptions,
    names: readonly string[] = [],
  ): Promise<ReplyTo<A>> {
    this.#check(action, options, ['signal', ...names]);
    return this.#calls.call(action, fields, options);
  }

  /** @throws TypeError for wrong options; BeckonError when there will be no connection any more. */
  #check(name: string, options: CallOptions, names: readonly string[] = ['signal']): void {
    checkNames(name, options, names);
    throwIfAborted(checkSignal(name, options.signal));
    const error = this.#host.over();
    if (error) throw error;
  }
}

export function createOnDemand<Incoming>(host: OnDemandHost): OnDemand<Incoming> {
  return new OnDemand<Incoming>(host);
}

/** @throws TypeError unless `value` is text. */
function checkText(where: string, name: string, value: string): void {
  if (typeof value !== 'string') throw wrong(where, name, 'a string', value);
}

/** @throws TypeError unless `value` is an array. */
function checkList(where: string, name: string, value: readonly unknown[]): void {
  if (!Array.isArray(value)) throw wrong(where, name, 'an array', value);
}

/** @throws TypeError unless `value` is a list of texts or has a room. */
function checkTarget(where: string, value: PresenceTarget): void {
  const names: readonly unknown[] = Array.isArray(value) ? value : [(value as { room?: unknown } | undefined)?.room];
  if (names.some((name) => typeof name !== 'string'))
    throw wrong(where, 'target', 'an array of users or {room: "…"}', value);
}

/** @throws TypeError unless `value` has a user or a room, and nothing else. */
function checkConversation(where: string, value: Conversation): void {
  const [[key = '', name] = [], ...others] = Object.entries(value ?? {}).filter(([, each]) => each !== undefined);
  const isConversation = /^(user|room)$/.test(key) && typeof name === 'string' && others.length === 0;
  if (!isConversation) throw wrong(where, 'conversation', '{user: "…"} or {room: "…"}', value);
}
