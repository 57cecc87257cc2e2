import type { Message } from '../../protocol/index.ts';
import { onAbort } from '../base/abort.ts';
import type { ServerCalls } from '../calls/server-calls.ts';
import type { OpenConnection } from '../connection/context.ts';
import { encodeRequest, problemOf } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import { toError } from '../errors.ts';
import type { Feed } from '../receiving/feed.ts';
import { Subscription } from '../receiving/subscription.ts';
import type { Feeds } from './feeds.ts';

/** Keeps one connection, which is registered, in the rooms. */
export class RoomSubscriptions {
  readonly #core: Core;
  readonly #connection: OpenConnection;
  readonly #feeds: Feeds;
  readonly #calls: ServerCalls;
  readonly #rooms = new Map<string, Subscription>();
  /** Rooms that the connection is leaving. It must not join them meanwhile, as frames may overtake one another. */
  readonly #leaving = new Map<string, Promise<unknown>>();

  constructor(core: Core, connection: OpenConnection, feeds: Feeds, calls: ServerCalls) {
    this.#core = core;
    this.#connection = connection;
    this.#feeds = feeds;
    this.#calls = calls;
    onAbort(connection.closing, () => this.#stop());
  }

  /** Joins every room again, except the `kept` rooms. Resolves when the server has accepted or refused each join. */
  async renew(kept: readonly string[]): Promise<void> {
    const lost = [...this.#feeds.rooms].filter(([room]) => !(kept.includes(room) && this.#rooms.has(room)));
    await Promise.all(lost.map(([room, feed]) => this.join(room, feed)));
  }

  async join(room: string, feed: Feed): Promise<void> {
    const subscription = this.#rooms.get(room) ?? this.#enter(room, feed);
    await this.#leaving.get(room);
    if (this.#rooms.get(room) !== subscription) return;
    this.#feeds.onJoining(room);
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

  #stop(): void {
    for (const subscription of this.#rooms.values()) void subscription.stop();
  }

  #enter(room: string, feed: Feed): Subscription {
    const subscription = new Subscription(this.#core, feed, this.#connection, {
      ask: (place) => this.#connection.request(encodeRequest('join', { room, ...place })),
      onSubscribed: () => this.#feeds.onJoined(room),
      onRefused: (problem) => {
        void subscription.stop();
        this.#rooms.delete(room);
        this.#feeds.onRefused(room, problem);
      },
    });
    this.#rooms.set(room, subscription);
    return subscription;
  }

  /**
   * Numbered like the joins, because the server may handle it twice: the second time perhaps after the next join.
   * @param joining A join that may be on its way, and must be handled before.
   */
  async #leave(room: string, joining?: Promise<void>): Promise<void> {
    const leaving = Promise.all([this.#leaving.get(room), joining])
      .then(() => this.#calls.callOn(this.#connection, 'leave', { room, attempt: this.#connection.nextAttempt() }))
      .then((outcome) => {
        const problem = problemOf(outcome);
        if (problem) this.#core.emit('error', toError(problem));
        if (this.#leaving.get(room) === leaving) this.#leaving.delete(room);
      });
    this.#leaving.set(room, leaving);
    await leaving;
  }
}
