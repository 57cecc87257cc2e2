import type { Limits, Message, PresenceReply, Problem, ReceiptPush, RegisteredReply } from '../../protocol/index.ts';
import type { Gap } from '../api.ts';
import type { Backoff } from '../base/backoff.ts';
import type { Pacer } from '../connection/pacer.ts';
import type { Encode, Outcome } from '../connection/requests.ts';
import type { Environment } from '../environment.ts';
import type { RoomSubscriptions } from '../rooms/room-subscriptions.ts';
import type { Feed } from './feed.ts';
import { type Place, Subscription, type SubscriptionHost } from './subscription.ts';

/** What a session wants of each of its connections. */
export interface Interests {
  readonly user: Feed;
  /** What keeps a connection in the rooms. `undefined`: there have never been any. */
  createRooms(host: RoomsHost): RoomSubscriptions | undefined;
  /** Loads what is needed for `createRooms`. Resolves in any case. */
  loadRooms(): Promise<unknown>;
  /** Messages arrived, in the order in which to hand them on. Some may have come before. */
  onMessages(feed: Feed, messages: readonly Message[]): void;
  onGap(gap: Gap): void;
  onReceipt(push: ReceiptPush): void;
  onPresence(push: PresenceReply): void;
  /** Does what else a connection that has registered is needed for. */
  renew(line: Line): Promise<void> | undefined;
}

/** The connection, as far as asking is concerned. */
export interface Line {
  /** What the server said when the connection registered. `undefined` before. */
  readonly limits: Limits | undefined;
  readonly pacer: Pacer;
  /**
   * Sends a frame when the rate of the connection allows it, and registers when that turns out to be missing.
   * @param units What it is charged. Default: 1. With 0 it does not wait.
   * @param signal Aborts when nobody wants it to be sent any more.
   */
  request(encode: Encode, units?: number, signal?: AbortSignal): Promise<Outcome>;
  /** Aborts when the connection is over. */
  readonly closing: AbortSignal;
}

/** The connection, as far as its subscriptions are concerned. */
export interface SubscriptionsHost {
  register(place: Place): Promise<Outcome>;
  readonly connection: Line;
  onRegistered(reply: RegisteredReply): void;
  onRefused(problem: Problem): void;
  onProblem(problem: Problem): void;
  /** A resume of the user's messages has brought news, which the server does not know to have arrived. */
  onNews(): void;
}

/** The connection, as far as its rooms are concerned. */
export interface RoomsHost extends Pick<SubscriptionsHost, 'connection' | 'onProblem'> {
  /** Numbers the frames that subscribe to something, or no longer: an older one that comes late is refused. */
  nextAttempt(): number;
  subscription(feed: Feed, host: Pick<SubscriptionHost, 'ask' | 'onSubscribed' | 'onRefused' | 'onNews'>): Subscription;
}

/** What one connection is subscribed to: its user, and after that the rooms. */
export class Subscriptions {
  readonly user: Subscription;
  readonly #interests: Interests;
  readonly #host: SubscriptionsHost;
  readonly #roomsHost: RoomsHost;
  #rooms: RoomSubscriptions | undefined;
  #isRegistered = false;

  constructor(environment: Environment, backoff: Backoff, interests: Interests, host: SubscriptionsHost) {
    let attempts = 0;
    this.#interests = interests;
    this.#host = host;
    const nextAttempt = () => attempts++;
    this.#roomsHost = {
      ...host,
      nextAttempt,
      subscription: (feed, own) =>
        new Subscription(environment, backoff, feed, {
          ...own,
          nextAttempt,
          onMessages: (messages) => interests.onMessages(feed, messages),
          onGap: interests.onGap,
        }),
    };
    this.user = this.#roomsHost.subscription(interests.user, {
      ask: host.register,
      onSubscribed: (reply) => {
        this.#isRegistered = true;
        host.onRegistered(reply as RegisteredReply);
      },
      onRefused: host.onRefused,
      onNews: host.onNews,
    });
  }

  /**
   * Joins every room, or joins it again. Resolves when the connection can do what the one before it did.
   * @param kept The rooms that the server says the connection is in.
   */
  async renew(kept: readonly string[] = []): Promise<void> {
    await Promise.all([this.rooms?.renew(kept), this.#interests.renew(this.#host.connection)]);
  }

  /** Those that the connection is in, or comes to be in. `undefined`: it is not registered, or there are none. */
  get rooms(): RoomSubscriptions | undefined {
    if (this.#isRegistered) this.#rooms ??= this.#interests.createRooms(this.#roomsHost);
    return this.#rooms;
  }

  onPush(messages: readonly Message[]): void {
    for (const message of messages) {
      if ('room' in message.to) void this.#onRoomPush(message.to.room, message);
      else this.user.onPush([message]);
    }
  }

  async #onRoomPush(room: string, message: Message): Promise<void> {
    if (!this.rooms) await this.#interests.loadRooms();
    this.rooms?.onPush(room, message);
  }

  /** The connection is over. */
  stop(): void {
    void this.user.stop();
    this.#rooms?.stop();
  }
}
