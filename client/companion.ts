import type { Limits, Message, SendResult } from '../protocol/index.ts';
import type { ClientEvents, Gap } from './api.ts';
import type { Cursor } from './cursor.ts';
import type { Dedupe } from './dedupe.ts';
import type { Environment } from './environment.ts';
import type { BeckonError } from './errors.ts';
import type { Emitter } from './events.ts';
import type { Options } from './options.ts';
import type { Outbox } from './outbox.ts';
import { LOCAL_STORAGE, recordPrefix } from './records.ts';
import type { Route, Sender } from './sender.ts';
import type { Session } from './session.ts';
import type { ConnectionState } from './state.ts';
import type { ClientStorage, Snapshot } from './storage.ts';
import { Store } from './store.ts';
import { Tabs, type TabsEnvironment } from './tabs.ts';

/** The parts of a client that are kept in records, or shared with other tabs. */
export interface ClientParts {
  readonly environment: Environment;
  readonly options: Options;
  readonly client: object;
  readonly emitter: Emitter<ClientEvents>;
  readonly session: Session;
  readonly cursor: Cursor;
  readonly dedupe: Dedupe;
  readonly outbox: Outbox;
  readonly sender: Sender;
  /** Hands a message on, unless it was handed on before. */
  onMessage(message: Message): void;
}

/** What the leader's connection is like. */
interface Status {
  readonly state: ConnectionState;
  readonly limits: Limits | undefined;
}

/**
 * What a client does beyond its own page: it leaves records for the client that comes after it ({@link Store}), and shares
 * its connection with the clients beside it ({@link Tabs}), as far as the options ask for it and the runtime can.
 */
export class Companion {
  readonly #parts: ClientParts;
  readonly #store: Store | undefined;
  readonly #tabs: Tabs | undefined;
  #user = '';
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
    this.#user = user;
    const prefix = recordPrefix(this.#parts.options.url, user);
    await this.#store?.open(prefix);
    await this.#tabs?.join(prefix);
  }

  /** Something was queued, settled or handed over. */
  onProgress(): void {
    this.#store?.changed();
    this.#tabs?.tell('progress', { cursors: this.#cursors });
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
    return this.#tabs ? this.#tabs.call(method, args) : this.#invoke(method, args);
  }

  /** The client is over. */
  close(error: BeckonError): void {
    this.#isOver = true;
    this.#told = undefined;
    this.#tabs?.close(error);
    this.#store?.close();
  }

  get #cursors(): Snapshot['cursors'] {
    const { value } = this.#parts.cursor;
    return value === undefined ? {} : { [`user#${this.#user}`]: value };
  }

  get #status(): Status {
    const { state, connection } = this.#parts.session;
    return { state, limits: connection?.limits };
  }

  #createStore(storage: ClientStorage): Store {
    const { environment, dedupe, outbox, emitter } = this.#parts;
    return new Store(environment, storage, {
      snapshot: () => ({ cursors: this.#cursors, seen: dedupe.snapshot(), outbox: outbox.snapshot() }),
      restore: (stored) => this.#restore(stored),
      onError: (error) => emitter.emit('error', error),
    });
  }

  #createTabs(needed: Pick<TabsEnvironment, 'locks' | 'openChannel'>): Tabs {
    const { environment, session, dedupe, cursor } = this.#parts;
    return new Tabs(
      { ...needed, randomId: environment.randomId },
      {
        invoke: (method, args) => this.#invoke(method, args),
        request: (encode) => session.connection?.request(encode),
        lead: () => this.#lead(),
        follow: () => session.pause(),
        onTold: (event, value) => this.#onTold(event, value),
        greeting: () => [
          ['progress', { cursors: this.#cursors, seen: dedupe.snapshot() }],
          ['state', this.#status],
        ],
        horizonMs: () => cursor.horizonMs,
      },
    );
  }

  #lead(): void {
    const { status = 'connecting' } = this.#told?.state ?? {};
    this.#told = undefined;
    this.#parts.session.start(status === 'connecting' ? status : 'recovering');
  }

  async #invoke(method: string, args: readonly unknown[]): Promise<unknown> {
    const client = this.#parts.client as Record<string, (...values: readonly unknown[]) => unknown>;
    return client[method]?.(...args);
  }

  #onTold(event: string, value: unknown): void {
    const { emitter, onMessage } = this.#parts;
    if (event === 'progress') this.#restore(value as Partial<Snapshot>);
    else if (event === 'message') onMessage(value as Message);
    else if (event === 'state') this.#onStatus(value as Status);
    else emitter.emit(event as 'gap', value as Gap);
  }

  #onStatus(status: Status): void {
    this.#told = status;
    this.#parts.emitter.emit('state', status.state);
    this.#parts.sender.wake();
  }

  #restore({ cursors = {}, seen = [], outbox: messages = [] }: Partial<Snapshot>): void {
    const { cursor, dedupe, outbox, sender } = this.#parts;
    cursor.advance(cursors[`user#${this.#user}`]);
    dedupe.restore(seen);
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
