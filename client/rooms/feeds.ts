import type { Message, Problem } from '../../protocol/index.ts';
import type { JoinOptions } from '../api.ts';
import { within } from '../base/timer.ts';
import type { Core } from '../core.ts';
import { BeckonError, toError } from '../errors.ts';
import { serialTimeMs } from '../receiving/cursor.ts';
import type { Dedupe } from '../receiving/dedupe.ts';
import { Feed } from '../receiving/feed.ts';
import type { FeedState, SeenMessage, Snapshot } from '../storage/storage.ts';

/** How long the stored state of a room is kept for the next join, counted from its cursor. */
const MAX_STORED_AGE_MS = 24 * 3_600_000;

/** The most stored rooms that the application has not joined again. */
const MAX_STORED_ROOMS = 500;

/** What the feeds need of the connections. */
export interface RoomConnections {
  /** Has the connection join a room, if there is one. */
  join(name: string, room: Feed): void;
  /** Resolves when the server knows that no connection is in the room any more. */
  leave(room: string): Promise<void>;
}

/** A room that the application wants to be in. */
class Room extends Feed {
  isJoined = false;
  /** The application has said where to begin, so the stored state does not count. */
  isPlaced = false;
  /** It begins where an earlier page was. */
  isRestored = false;
  /** How many calls wait for it to be joined. */
  waiting = 0;
  /** The stored state: kept for the next time if the server refuses the join. */
  stored: FeedState | undefined;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;
  readonly joined = new Promise<void>((resolve, reject) => {
    this.#settle = { resolve, reject };
  });

  enter(): void {
    this.isJoined = true;
    this.isRestored = false;
    this.#settle?.resolve();
  }

  giveUp(error: BeckonError): void {
    // There may be no call that waits.
    this.joined.catch(() => {});
    this.#settle?.reject(error);
  }
}

/** The feeds of the client: the user's, and one for each room from `join` to `leave`. */
export class Feeds {
  readonly user: Feed;
  readonly rooms = new Map<string, Room>();
  readonly #core: Core;
  readonly #connections: RoomConnections;
  /** The stored state of rooms that the application has not joined again yet, by address. */
  readonly #stored = new Map<string, FeedState>();
  /** The address of the user's feed in the storage: known once there is a token. */
  userAddress = '';

  constructor(core: Core, connections: RoomConnections) {
    this.user = core.user;
    this.#core = core;
    this.#connections = connections;
  }

  /** Resolves when a connection is in the room for the first time. */
  async join(name: string, { after, ...limits }: JoinOptions): Promise<void> {
    const room = this.rooms.get(name) ?? this.#add(name, after);
    room.waiting += 1;
    try {
      await within(this.#core.environment, room.joined, limits);
    } finally {
      room.waiting -= 1;
      if (!room.isJoined && room.waiting === 0 && this.rooms.get(name) === room) void this.leave(name);
    }
  }

  async leave(name: string): Promise<void> {
    this.#drop(name, new BeckonError('join_cancelled'));
    this.#stored.delete(roomAddress(name));
    await this.#connections.leave(name);
  }

  /** The client is connected, so it knows by the server's clock how long ago an earlier page was in the room. */
  onJoining(name: string): void {
    const room = this.rooms.get(name);
    const cursor = room?.cursor.value;
    if (!room?.isRestored || cursor === undefined || !this.#isLate(cursor)) return;
    room.cursor.drop();
    this.#core.emit('gap', { room: name, sinceMs: serialTimeMs(cursor) });
  }

  onJoined(name: string): void {
    this.rooms.get(name)?.enter();
  }

  /** The server refuses the connection. Tells the application, unless a call of `join` does. */
  onRefused(name: string, problem: Problem): void {
    const wasJoined = this.rooms.get(name)?.isJoined;
    const stored = this.rooms.get(name)?.stored;
    this.#drop(name, toError(problem));
    if (!wasJoined && stored) this.#stored.set(`room#${name}`, stored);
    void this.#connections.leave(name);
    const { code, message } = problem;
    if (wasJoined) this.#core.emit('left', { room: name, reason: { code, message } });
  }

  /** There will be no connection any more. */
  giveUp(error: BeckonError): void {
    for (const room of this.rooms.values()) room.giveUp(error);
  }

  /** Is in the same rooms as the tab that connects. */
  follow(names: readonly string[]): void {
    for (const name of this.rooms.keys()) if (!names.includes(name)) this.rooms.delete(name);
    for (const name of names) if (!this.rooms.has(name)) this.#add(name).enter();
  }

  /** Where a message belongs; `undefined`: to a room that has been left. */
  of({ to }: Pick<Message, 'to'>): Feed | undefined {
    return 'room' in to ? this.rooms.get(to.room) : this.user;
  }

  /** Messages that were sent after this moment may not have been handed over; epoch milliseconds. */
  get horizonMs(): number {
    return Math.max(...[this.user, ...this.rooms.values()].map(({ cursor }) => cursor.horizonMs));
  }

  snapshot(): Snapshot['feeds'] {
    const feeds = [this.user, ...this.rooms.values()].map((feed) => [this.#addressOf(feed), snapshotOf(feed)] as const);
    return Object.fromEntries([...this.#storedRooms(), ...feeds]);
  }

  /** The part of a snapshot that changes when a cursor moves. */
  progress(feed: Feed): Snapshot['feeds'] {
    return { [this.#addressOf(feed)]: { cursor: feed.cursor.value, floor: feed.floor } };
  }

  restore(feeds: Snapshot['feeds']): void {
    const known = new Map([this.user, ...this.rooms.values()].map((feed) => [this.#addressOf(feed), feed]));
    for (const [address, state] of Object.entries(feeds)) {
      const feed = known.get(address);
      if (feed) restoreFeed(feed, state);
      else this.#stored.set(address, merge(this.#stored.get(address), state));
    }
  }

  #add(name: string, after?: string): Room {
    const room: Room = new Room(this.user.clock, name, () => this.#core.notify('cursor', room));
    const address = this.#addressOf(room);
    room.isPlaced = after !== undefined;
    room.stored = this.#stored.get(address);
    room.cursor.advance(after);
    restoreFeed(room, room.stored ?? {});
    this.#stored.delete(address);
    this.rooms.set(name, room);
    this.#core.notify('interest');
    this.#connections.join(name, room);
    return room;
  }

  #drop(name: string, error: BeckonError): void {
    this.rooms.get(name)?.giveUp(error);
    if (this.rooms.delete(name)) this.#core.notify('interest');
  }

  #addressOf({ room }: Feed): string {
    return room === undefined ? this.userAddress : roomAddress(room);
  }

  /** For a room that has waited for too long only its cursor, so that the client can tell a gap. */
  #storedRooms(): readonly (readonly [address: string, FeedState])[] {
    const newestFirst = [...this.#stored].sort(([, { cursor: one = '' }], [, { cursor: other = '' }]) =>
      one < other ? 1 : -1,
    );
    return newestFirst.slice(0, MAX_STORED_ROOMS).map(([address, state]) => {
      const { cursor } = state;
      return [address, cursor !== undefined && this.#isLate(cursor) ? { cursor } : state];
    });
  }

  /** Whether the cursor is too old. False until the server has told the time. */
  #isLate(cursor: string): boolean {
    const { clock } = this.user;
    return clock.aheadMs !== undefined && clock.now() - serialTimeMs(cursor) >= MAX_STORED_AGE_MS;
  }
}

function roomAddress(name: string): string {
  return `room#${name}`;
}

/** The state that another session needs to go on where this one stops. */
function snapshotOf({ cursor, floor, dedupe }: Feed): FeedState {
  return { cursor: cursor.value, ...(floor && { floor }), seen: seenOf(dedupe) };
}

/** The newest messages, which another session must know. */
function seenOf({ seen, minCount, isOld }: Dedupe): readonly SeenMessage[] {
  return [...seen]
    .slice(-minCount)
    .map(([key, { at, sentMs }]) => [key, at, sentMs] as const)
    .filter(([, at, sentMs]) => !isOld(at, sentMs));
}

/** Moves a feed to a stored state, unless the feed is further already or begins elsewhere. */
function restoreFeed(feed: Feed, { cursor, floor = '', seen = [] }: FeedState): void {
  for (const message of seen) feed.dedupe.remember(...message);
  if (cursor === undefined) return;
  if (feed instanceof Room && !feed.isJoined) {
    if (feed.isPlaced) return;
    feed.isRestored = true;
  }
  if (feed.cursor.value === undefined || floor < feed.floor) feed.floor = floor;
  feed.cursor.advance(cursor);
}

/** Merges the states of a room from two pages: the later cursor, and the messages of both. */
function merge(one: FeedState | undefined, other: FeedState): FeedState {
  if (one?.cursor === undefined || other.cursor === undefined) return one?.cursor === undefined ? other : one;
  const [earlier, later] = one.cursor < other.cursor ? [one, other] : [other, one];
  const floor = (earlier.floor ?? '') < (later.floor ?? '') ? earlier.floor : later.floor;
  return { cursor: later.cursor, floor, seen: [...(earlier.seen ?? []), ...(later.seen ?? [])] };
}
