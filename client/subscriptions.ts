import type { Action, Message, PresenceReply, Problem, ReceiptPush, RegisteredReply } from '../protocol/index.ts';
import type { Gap } from './api.ts';
import type { Backoff } from './backoff.ts';
import type { Environment } from './environment.ts';
import type { Feed } from './feed.ts';
import { type FieldsOf, type Outcome, problemOf } from './requests.ts';
import { type Place, Subscription, type SubscriptionHost } from './subscription.ts';

/** What a session wants of each of its connections. */
export interface Interests {
  readonly user: Feed;
  /** Those that a connection has to join, by name. */
  readonly rooms: ReadonlyMap<string, Feed>;
  /** Messages arrived, in the order in which to hand them on. Some may have come before. */
  onMessages(feed: Feed, messages: readonly Message[]): void;
  onGap(gap: Gap): void;
  onReceipt(push: ReceiptPush): void;
  onPresence(push: PresenceReply): void;
  onJoined(room: string): void;
  /** The server does not want to have this connection in the room. */
  onRefused(room: string, problem: Problem): void;
  /** Does what else a connection that has registered is needed for. */
  renew(call: SubscriptionsHost['call']): Promise<void>;
}

/** The connection, as far as its subscriptions are concerned. */
export interface SubscriptionsHost {
  register(place: Place): Promise<Outcome>;
  /** Sends a frame, and registers when that turns out to be missing. */
  request<A extends Action>(action: A, fields: FieldsOf<A>): Promise<Outcome>;
  /** Sends a frame until the server has dealt with it, or the connection is lost. */
  call<A extends Action>(action: A, fields: FieldsOf<A>): Promise<Outcome>;
  onRegistered(reply: RegisteredReply): void;
  onRefused(problem: Problem): void;
  onProblem(problem: Problem): void;
  /** A resume of the user's messages has brought news, which the server does not know to have arrived. */
  onNews(): void;
}

/** What one connection is subscribed to: its user, and after that the rooms. */
export class Subscriptions {
  readonly user: Subscription;
  readonly #environment: Environment;
  readonly #backoff: Backoff;
  readonly #interests: Interests;
  readonly #host: SubscriptionsHost;
  readonly #rooms = new Map<string, Subscription>();
  /** Rooms that are being left, which must not be joined meanwhile: frames may overtake one another. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  #attempts = 0;
  #isRegistered = false;

  constructor(environment: Environment, backoff: Backoff, interests: Interests, host: SubscriptionsHost) {
    this.#environment = environment;
    this.#backoff = backoff;
    this.#interests = interests;
    this.#host = host;
    this.user = this.#subscription(interests.user, {
      ask: host.register,
      onSubscribed: (reply) => {
        this.#isRegistered = true;
        host.onRegistered(reply as RegisteredReply);
      },
      onRefused: host.onRefused,
      onNews: host.onNews,
    });
  }

  /** Joins every room, or joins it again. Resolves when the connection can do what the one before it did. */
  async renew(): Promise<void> {
    const rooms = [...this.#interests.rooms.values()].map((feed) => this.join(feed));
    await Promise.all([...rooms, this.#interests.renew(this.#host.call)]);
  }

  /** Joins a room once the connection is registered. */
  async join(feed: Feed): Promise<void> {
    const { room } = feed;
    if (room === undefined || !this.#isRegistered) return;
    const subscription = this.#rooms.get(room) ?? this.#enter(room, feed);
    await this.#leaving.get(room);
    if (this.#rooms.get(room) === subscription) await subscription.subscribe();
  }

  /** Leaves a room. Resolves when the server knows, or the connection is lost. */
  async leave(room: string): Promise<void> {
    const subscription = this.#rooms.get(room);
    if (!subscription) return;
    this.#rooms.delete(room);
    await this.#leave(room, subscription.stop());
  }

  onPush(messages: readonly Message[]): void {
    for (const message of messages) {
      const room = 'room' in message.to ? message.to.room : undefined;
      const subscription = room === undefined ? this.user : this.#rooms.get(room);
      if (subscription) subscription.onPush([message]);
      // A join that came late, or a leave that got lost.
      else if (room !== undefined && !this.#leaving.has(room)) void this.#leave(room);
    }
  }

  /** The connection is over. */
  stop(): void {
    for (const subscription of [this.user, ...this.#rooms.values()]) void subscription.stop();
  }

  #enter(room: string, feed: Feed): Subscription {
    const subscription = this.#subscription(feed, {
      ask: (place) => this.#host.request('join', { room, ...place }),
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
      .then(() => this.#host.call('leave', { room, attempt: this.#attempts++ }))
      .then((outcome) => {
        const problem = problemOf(outcome);
        if (problem) this.#host.onProblem(problem);
        if (this.#leaving.get(room) === leaving) this.#leaving.delete(room);
      });
    this.#leaving.set(room, leaving);
    await leaving;
  }

  #subscription(
    feed: Feed,
    host: Pick<SubscriptionHost, 'ask' | 'onSubscribed' | 'onRefused' | 'onNews'>,
  ): Subscription {
    return new Subscription(this.#environment, this.#backoff, feed, {
      ...host,
      nextAttempt: () => this.#attempts++,
      onMessages: (messages) => this.#interests.onMessages(feed, messages),
      onGap: this.#interests.onGap,
    });
  }
}
