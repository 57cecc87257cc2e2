import { BeckonError, type Presence } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';

/** The maximum number of users in one call. */
const MAX_USERS = 100;

export interface PresenceHost {
  readonly client: Pick<ChatClient, 'watch' | 'on'>;
  readonly signal: AbortSignal;
  onChange(user: string): void;
  onError(error: unknown): void;
}

/** The presence of the contacts, as far as the token allows. */
export class PresenceBook {
  readonly #host: PresenceHost;
  readonly #watched = new Set<string>();
  readonly #wanted: string[] = [];
  readonly #known = new Map<string, Presence>();

  constructor(host: PresenceHost) {
    this.#host = host;
    const { client, signal } = host;
    client.on('presence', ({ room, users }) => this.#take(room === undefined ? users : []), { signal });
  }

  of(user: string): Presence | undefined {
    return this.#known.get(user);
  }

  /** Watches a user from now on. One call covers all users that are added together. */
  watch(user: string): void {
    if (this.#watched.has(user)) return;
    this.#watched.add(user);
    this.#wanted.push(user);
    if (this.#wanted.length === 1) queueMicrotask(() => void this.#watchAll(this.#wanted.splice(0)));
  }

  async #watchAll(users: readonly string[]): Promise<void> {
    for (let first = 0; first < users.length; first += MAX_USERS) {
      await this.#watch(users.slice(first, first + MAX_USERS));
    }
  }

  async #watch(users: readonly string[]): Promise<void> {
    const { client, signal, onError } = this.#host;
    try {
      this.#take((await client.watch(users, { signal })).users);
    } catch (error) {
      if (signal.aborted) return;
      const isForbidden = error instanceof BeckonError && error.code === 'forbidden';
      if (!isForbidden) for (const user of users) this.#watched.delete(user);
      // The server refuses the whole call, so try each user alone. A user whom the token forbids has no presence here.
      if (isForbidden && users.length > 1) for (const user of users) await this.#watch([user]);
      else if (!isForbidden) onError(error);
    }
  }

  #take(users: readonly Presence[]): void {
    for (const presence of users) {
      this.#known.set(presence.user, presence);
      this.#host.onChange(presence.user);
    }
  }
}
