type Awaitable<T> = T | Promise<T>;

/**
 * Where the client keeps what must survive a reload: the calls of a `Map` from strings to strings, which may take their
 * time. The client's keys begin with `beckon/`.
 */
export interface ClientStorage {
  get(key: string): Awaitable<string | null | undefined>;
  set(key: string, value: string): unknown;
  delete(key: string): unknown;
  keys(): Awaitable<Iterable<string>>;
}

/** A message that is to be sent, as it is kept. */
export interface StoredMessage {
  /** As it goes into a frame. */
  readonly text: string;
  /** The most that it takes of a frame, in UTF-8. */
  readonly bytes: number;
  /** Until when it may be sent, epoch milliseconds by the server's clock. */
  readonly expiresAt: number;
  /** `expiresAt` is by the device's clock, because the server had not told the time. */
  readonly isLocal?: boolean;
}

/** A message that was handed over: what tells it from others, when it came and when it was sent (by the server's clock). */
export type SeenMessage = readonly [key: string, at: number, sentMs: number];

/** Up to where everything of a feed was handed over, and what was seen of it. */
export interface FeedState {
  readonly cursor?: string | undefined;
  /** What has a lower serial was sent before the room was joined. */
  readonly floor?: string | undefined;
  readonly seen?: readonly SeenMessage[];
}

/** What a client has to know to go on where another one stopped. */
export interface Snapshot {
  /** By address (`user#bob`, `room#lobby`). */
  readonly feeds: Readonly<Record<string, FeedState>>;
  /** What was neither acknowledged nor given up, oldest first. */
  readonly outbox: readonly StoredMessage[];
}
