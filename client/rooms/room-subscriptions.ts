import type { Message, Problem } from '../../protocol/index.ts';
import { encodeRequest, type FieldsOf, type Outcome, problemOf } from '../connection/requests.ts';
import type { Feed } from '../receiving/feed.ts';
import type { Subscription } from '../receiving/subscription.ts';
import type { Line, RoomsHost } from '../receiving/subscriptions.ts';

/** What a session wants of the rooms of each of its connections. */
export interface RoomInterests {
  /** Those that a connection has to join, by name. */
  readonly rooms: ReadonlyMap<string, Feed>;
  /** Sends a frame until the server has dealt with it, or the connection is lost. */
  call(line: Line, action: 'leave', fields: FieldsOf<'leave'>): Promise<Outcome>;
  /** The connection is about to ask to be let in. */
  onJoining(room: string): void;
  onJoined(room: string): void;
  /** The server does not want to have this connection in the room. */
  onRefused(room: string, problem: Problem): void;
}

/** Keeps one connection, which is registered, in the rooms. */
export class RoomSubscriptions {
  readonly #interests: RoomInterests;
  readonly #host: RoomsHost;
  readonly #rooms = new Map<string, Subscription>();
  /** Rooms that are being left, which must not be joined meanwhile: frames may overtake one another. */
  readonly #leaving = new Map<string, Promise<unknown>>();

  constructor(interests: RoomInterests, host: RoomsHost) {
    this.#interests = interests;
    this.#host = host;
  }

  /** Joins every room but those that are `kept`, or joins it again. Resolves when the connection is in them, or is not to be. */
  async renew(kept: readonly string[]): Promise<void> {
    const lost = [...this.#interests.rooms].filter(([room]) => !(kept.includes(room) && this.#rooms.has(room)));
    await Promise.all(lost.map(([room, feed]) => this.join(room, feed)));
  }

  async join(room: string, feed: Feed): Promise<void> {
    const subscription = this.#rooms.get(room) ?? this.#enter(room, feed);
    await this.#leaving.get(room);
    if (this.#rooms.get(room) !== subscription) return;
    this.#interests.onJoining(room);
    await subscription.subscribe();
  }

  /** Leaves a room. Resolves when the server knows, or the connection is lost. */
  async leave(room: string): Promise<void> {
    const subscription = this.#rooms.get(room);
    if (!subscription) return;
    this.#rooms.delete(room);
    await this.#leave(room, subscription.stop());
  }

  onPush(room: string, message: Message): void {
    const subscription = this.#rooms.get(room);
    if (subscription) subscription.onPush([message]);
    // A join that came late, or a leave that got lost.
    else if (!this.#leaving.has(room)) void this.#leave(room);
  }

  /** The connection is over. */
  stop(): void {
    for (const subscription of this.#rooms.values()) void subscription.stop();
  }

  #enter(room: string, feed: Feed): Subscription {
    const subscription = this.#host.subscription(feed, {
      ask: (place) => this.#host.connection.request(encodeRequest('join', { room, ...place })),
      onSubscribed: () => this.#interests.onJoined(room),
      onRefused: (problem) => {
        void subscription.stop();
        this.#rooms.delete(room);
        this.#interests.onRefused(room, problem);
      },
      // Nobody keeps an account of how far one has come in a room.
      onNews: () => {},
    });
    this.#rooms.set(room, subscription);
    return subscription;
  }

  /**
   * Numbered like the joins, because it may be dealt with twice: the second time perhaps after the room was joined again.
   * @param joining A join that may be on its way, and must be dealt with before.
   */
  async #leave(room: string, joining?: Promise<void>): Promise<void> {
    const leaving = Promise.all([this.#leaving.get(room), joining])
      .then(() => this.#interests.call(this.#host.connection, 'leave', { room, attempt: this.#host.nextAttempt() }))
      .then((outcome) => {
        const problem = problemOf(outcome);
        if (problem) this.#host.onProblem(problem);
        if (this.#leaving.get(room) === leaving) this.#leaving.delete(room);
      });
    this.#leaving.set(room, leaving);
    await leaving;
  }
}
