import type { Limits, Message, MessageInput, SendResult } from '../../protocol/index.ts';
import type { ClientEvents, Gap, PresenceChange, PresenceTarget } from '../api.ts';
import type { Emitter } from '../base/events.ts';
import type { ServerClock } from '../base/server-clock.ts';
import type { Watches } from '../calls/watches.ts';
import type { Encode, Outcome } from '../connection/requests.ts';
import type { Session } from '../connection/session.ts';
import type { Environment } from '../environment.ts';
import type { BeckonError } from '../errors.ts';
import type { Options } from '../options.ts';
import type { Feed } from '../receiving/feed.ts';
import type { Feeds } from '../rooms/feeds.ts';
import type { Outbox } from '../sending/outbox.ts';
import type { Route, Sender } from '../sending/sender.ts';
import type { ConnectionState } from '../state.ts';
import { LOCAL_STORAGE, recordPrefix } from '../storage/records.ts';
import type { ClientStorage, Snapshot } from '../storage/storage.ts';
import { Store } from '../storage/store.ts';
import { Tabs, type TabsEnvironment } from './tabs.ts';

/** The parts of a client that are kept in records, or shared with other tabs. */
export interface ClientParts {
  readonly environment: Environment;
  readonly clock: ServerClock;
  readonly options: Options;
  readonly emitter: Emitter<ClientEvents>;
  readonly session: Session;
  readonly feeds: Feeds;
  readonly watches: Watches;
  readonly outbox: Outbox;
  readonly sender: Sender;
  /** Hands a message on, unless it was handed on before. */
  onMessage(message: Message): void;
  /** A message is about to be handed to the network on behalf of another tab. */
  onSending(message: MessageInput): void;
  /** Calls a method of the client. */
  readonly invoke: (method: string, args: readonly unknown[]) => Promise<unknown>;
}

/** What the application is interested in. The tabs have it in common, as they have the connection. */
interface Interest {
  readonly rooms: readonly string[];
  readonly targets: readonly PresenceTarget[];
}

/** What the leader's connection is like. */
interface Status {
  readonly state: ConnectionState;
  readonly limits: Limits | undefined;
  /** By how much the server's clock is ahead of the device's, which all tabs have in common. */
  readonly aheadMs: number | undefined;
}

/**
 * What a client does beyond its own page: it leaves records for the client that comes after it ({@link Store}), and shares
 * its connection with the clients beside it ({@link Tabs}), as far as the options ask for it and the runtime can.
 */
export class Companion {
  readonly #parts: ClientParts;
  readonly #store: Store | undefined;
  readonly #tabs: Tabs | undefined;
  #told: Status | undefined;
  #isOver = false;

  constructor(parts: ClientParts) {
    this.#parts = parts;
    const { storage, shareAcrossTabs } = parts.options;
    const { locks, openChannel } = parts.environment;
    if (storage) this.#store = this.#createStore(storage === 'local' ? LOCAL_STORAGE : storage);
    if (shareAcrossTabs && locks && openChannel) this.#tabs = this.#createTabs({ locks, openChannel });
  }

  /** Where to send frames while another tab holds the connection. */
  get route(): Route | undefined {
    return this.#told?.limits && this.#tabs?.routeWith(this.#told.limits);
  }

  /** The state of the connection while another tab holds it. */
  get state(): ConnectionState | undefined {
    return this.#told?.state;
  }

  /** Whether what is not acknowledged is left for a later client. */
  get keeps(): boolean {
    return this.#store?.keeps ?? false;
  }

  /** Goes on where the user's last client stopped. Resolves when it is clear which tab is to connect. */
  async open(user: string): Promise<void> {
    this.#parts.feeds.userAddress = `user#${user}`;
    const prefix = recordPrefix(this.#parts.options.url, user);
    await this.#store?.open(prefix);
    await this.#tabs?.join(prefix);
  }

  /** There is something else to keep. */
  onChange(): void {
    this.#store?.changed();
  }

  /** The cursor of a feed has moved. */
  onMove(feed: Feed): void {
    this.onChange();
    this.#tabs?.tell('progress', { feeds: this.#parts.feeds.progress(feed) });
  }

  /** Other rooms are joined than before, or others are watched. */
  onInterest(): void {
    this.onChange();
    this.#tabs?.tell('interest', this.#interest);
  }

  /** The client tells its application something. */
  onEvent(event: string, value: unknown): void {
    if (event === 'message') this.#store?.changed();
    this.#tabs?.tell(event, event === 'state' ? this.#status : value);
  }

  onConnected(): void {
    this.#store?.adopt();
  }

  /** Has a call done by the tab that holds the connection. */
  call(method: string, args: readonly unknown[]): Promise<unknown> {
    return this.#tabs ? this.#tabs.call(method, args) : this.#parts.invoke(method, args);
  }

  /** The client is over. */
  close(error: BeckonError): void {
    this.#isOver = true;
    this.#told = undefined;
    this.#tabs?.close(error);
    this.#store?.close();
  }

  get #interest(): Interest {
    const { feeds, watches } = this.#parts;
    return { rooms: [...feeds.rooms.keys()], targets: watches.targets };
  }

  get #status(): Status {
    const { session, clock } = this.#parts;
    return { state: session.state, limits: session.connection?.limits, aheadMs: clock.aheadMs };
  }

  #createStore(storage: ClientStorage): Store {
    const { environment, feeds, outbox, emitter } = this.#parts;
    return new Store(environment, storage, {
      snapshot: () => ({ feeds: feeds.snapshot(), outbox: outbox.snapshot() }),
      restore: (stored) => this.#restore(stored),
      onError: (error) => emitter.emit('error', error),
    });
  }

  #createTabs(needed: Pick<TabsEnvironment, 'locks' | 'openChannel'>): Tabs {
    const { environment, options, session, feeds, invoke } = this.#parts;
    const { now, randomId, setTimer, onWake } = environment;
    return new Tabs({ ...needed, now, randomId, setTimer, onWake }, options.livenessTimeoutMs, {
      invoke,
      request: (encode, units) => this.#request(encode, units),
      lead: () => this.#lead(),
      follow: () => session.pause(),
      onTold: (event, value) => this.#onTold(event, value),
      greeting: () => [
        ['interest', this.#interest],
        ['progress', { feeds: feeds.snapshot() }],
        ['state', this.#status],
      ],
      horizonMs: () => feeds.horizonMs,
    });
  }

  #lead(): void {
    const { status = 'connecting' } = this.#told?.state ?? {};
    this.#told = undefined;
    this.#parts.session.start(status === 'connecting' ? status : 'recovering');
  }

  /** Sends the messages of another tab: on the same connection, so there is no copy for this one either. */
  #request(encode: Encode, units: number | undefined): Promise<Outcome> | undefined {
    const { session, onSending } = this.#parts;
    for (const message of JSON.parse(encode('')).messages) onSending(message);
    return session.connection?.request(encode, units);
  }

  #onTold(event: string, value: unknown): void {
    const { emitter, watches, onMessage } = this.#parts;
    if (event === 'progress') this.#restore(value as Partial<Snapshot>);
    else if (event === 'interest') this.#follow(value as Interest);
    else if (event === 'presence') watches.onPush(value as PresenceChange);
    else if (event === 'message') onMessage(value as Message);
    else if (event === 'state') this.#onStatus(value as Status);
    else emitter.emit(event as 'gap', value as Gap);
  }

  #follow({ rooms, targets }: Interest): void {
    this.#parts.feeds.follow(rooms);
    this.#parts.watches.follow(targets);
  }

  #onStatus(status: Status): void {
    this.#told = status;
    this.#parts.clock.follow(status.aheadMs);
    this.#parts.emitter.emit('state', status.state);
    this.#parts.sender.wake();
  }

  #restore({ feeds = {}, outbox: messages = [] }: Partial<Snapshot>): void {
    const { outbox, sender } = this.#parts;
    this.#parts.feeds.restore(feeds);
    outbox.restore(messages, ({ text }) => this.#tellOf(JSON.parse(text).id));
    sender.wake();
  }

  #tellOf(id: string) {
    const { emitter } = this.#parts;
    return {
      accept: (result: SendResult) => emitter.emit('settled', { id, result }),
      reject: (error: unknown) => {
        // What is left for a later client is not settled.
        if (!this.#isOver || !this.keeps) emitter.emit('settled', { id, error: error as BeckonError });
      },
    };
  }
}

export function createCompanion(parts: ClientParts): Companion {
  return new Companion(parts);
}
