import type { Client, PresenceChange, PresenceSnapshot, PresenceTarget } from '../api.ts';
import type { BeckonError } from '../errors.ts';
import { coreOf } from '../inner.ts';
import { BaseStore, type Store } from './store.ts';

export type { Store } from './store.ts';

/** Whether a user is online, or in the room, and since when (epoch milliseconds by the server's clock). */
export interface UserPresence {
  readonly online: boolean;
  /** Absent: the server keeps no state of the user. */
  readonly sinceMs?: number;
}

export interface PresenceState {
  /** `failed`: the server refuses, or the client is closed, as `error` explains. */
  readonly status: 'loading' | 'ready' | 'failed';
  /** For users, each of them, as soon as the server has told their presence. For a room, the users in it: at most 100 of the snapshot. */
  readonly users: ReadonlyMap<string, UserPresence>;
  /** How many users are online, or in the room. */
  readonly total: number;
  readonly error?: BeckonError;
}

/** The presence of some users, or of those in a room. */
export type PresenceStore = Store<PresenceState>;

/**
 * Watches users or a room: who is there now, and everybody who comes and goes, across connections. `close` stops watching unless
 * somebody else watches the same.
 *
 * ```ts
 * const presence = openPresence(client, { room: 'lobby' });
 * presence.subscribe(() => show(presence.state.total));
 * ```
 * @throws TypeError for a client that `connect` has not made. A wrong target makes the state `failed`.
 */
export function openPresence<Data>(client: Client<Data, never>, target: PresenceTarget): PresenceStore {
  return new WatchedPresence(client, target);
}

class WatchedPresence<Data> extends BaseStore<PresenceState> {
  readonly #client: Client<Data, never>;
  readonly #target: PresenceTarget;
  #users: ReadonlyMap<string, UserPresence> = new Map();
  #total = 0;
  #status: PresenceState['status'] = 'loading';
  #error: BeckonError | undefined;
  #isWatching = false;
  #loading: Promise<void> | undefined;

  constructor(client: Client<Data, never>, target: PresenceTarget) {
    super(coreOf('openPresence', client));
    const { signal } = this.closing;
    this.#client = client;
    this.#target = 'room' in target ? { room: target.room } : [...target];
    client.on('presence', (change) => this.#onChange(change), { signal });
    this.#load();
  }

  protected render(): PresenceState {
    const error = this.#error;
    return { status: this.#status, users: this.#users, total: this.#total, ...(error && { error }) };
  }

  protected onClose(): void {
    if (this.#isWatching) this.#unwatch();
  }

  protected fail(error: BeckonError): void {
    this.#status = 'failed';
    this.#error = error;
    this.changed();
  }

  protected onReconnect(): void {
    this.#load();
  }

  #load(): void {
    this.#loading ??= this.persist(() => this.#watch()).finally(() => {
      this.#loading = undefined;
    });
  }

  /** After a reconnect, it watches once more: the changes that the client then tells have no total. */
  async #watch(): Promise<void> {
    const { signal } = this.closing;
    await this.#client.ready({ signal });
    const snapshot = await this.#client.watch(this.#target, { signal });
    // Each store watches once.
    if (this.#isWatching || signal.aborted) this.#unwatch();
    this.#isWatching = true;
    if (!signal.aborted) this.#take(snapshot);
  }

  #unwatch(): void {
    // The client itself says so if it cannot, and the view is gone.
    this.#client.unwatch(this.#target).catch(() => {});
  }

  #take({ users, occupancy }: PresenceSnapshot): void {
    // What was pushed while the answer was on its way is newer.
    const known = this.#users;
    const all = users.map((told) => {
      const before = known.get(told.user);
      return [told.user, before && (before.sinceMs ?? 0) > (told.sinceMs ?? 0) ? before : presenceOf(told)] as const;
    });
    this.#users = new Map(all);
    this.#total = occupancy?.users ?? this.#online;
    this.#status = 'ready';
    this.#error = undefined;
    this.changed();
  }

  get #online(): number {
    return [...this.#users.values()].filter(({ online }) => online).length;
  }

  #onChange({ room, users }: PresenceChange): void {
    const target = this.#target;
    const isRoom = 'room' in target;
    if ((isRoom ? target.room : undefined) !== room) return;
    const concerned = users.filter(({ user }) => isRoom || target.includes(user));
    if (concerned.length === 0) return;
    const all = new Map(this.#users);
    for (const told of concerned) {
      const wasListed = all.get(told.user)?.online === true;
      // A room may hold more users than the snapshot lists.
      const wasThere = wasListed || (!told.online && this.#total > all.size);
      if (isRoom && told.online !== wasThere) this.#total += told.online ? 1 : -1;
      if (told.online || !isRoom) all.set(told.user, presenceOf(told));
      else all.delete(told.user);
    }
    this.#users = all;
    if (!isRoom) this.#total = this.#online;
    this.changed();
  }
}

function presenceOf({ online, sinceMs }: UserPresence): UserPresence {
  return { online, ...(sinceMs !== undefined && { sinceMs }) };
}
