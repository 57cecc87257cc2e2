import { BeckonError, type Presence } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';

/** Who is in a room. */
export interface Attendance {
  /** The members whose names are known. */
  readonly users: readonly string[];
  readonly count: number;
}

export interface RoomWatchHost {
  readonly client: Pick<ChatClient, 'watch' | 'unwatch' | 'on'>;
  readonly signal: AbortSignal;
  onChange(): void;
  onError(error: unknown): void;
}

/** Watches the members of the open room. */
export class RoomWatch {
  readonly #host: RoomWatchHost;
  readonly #there = new Set<string>();
  #room: string | undefined;
  /** The number of members that the server did not name, because there are too many. `undefined`: no answer yet. */
  #unnamed: number | undefined;

  constructor(host: RoomWatchHost) {
    this.#host = host;
    const { client, signal } = host;
    client.on('presence', ({ room, users }) => this.#onPresence(room, users), { signal });
  }

  /** The occupancy; `undefined` if unknown. */
  get attendance(): Attendance | undefined {
    if (this.#unnamed === undefined) return undefined;
    return { users: [...this.#there].sort(), count: this.#there.size + this.#unnamed };
  }

  /** Watches another room instead, or none. */
  async watch(room: string | undefined): Promise<void> {
    if (room === this.#room) return;
    const previous = this.#room;
    this.#room = room;
    this.#unnamed = undefined;
    this.#there.clear();
    try {
      await Promise.all([
        previous !== undefined && this.#host.client.unwatch({ room: previous }),
        room !== undefined && this.#begin(room),
      ]);
    } catch (error) {
      const isForbidden = error instanceof BeckonError && error.code === 'forbidden';
      if (!this.#host.signal.aborted && !isForbidden) this.#host.onError(error);
    }
  }

  async #begin(room: string): Promise<void> {
    const { users, occupancy } = await this.#host.client.watch({ room }, { signal: this.#host.signal });
    if (room !== this.#room) return;
    this.#unnamed = Math.max(0, (occupancy?.users ?? 0) - users.length);
    this.#onPresence(room, users);
  }

  #onPresence(room: string | undefined, users: readonly Presence[]): void {
    if (room === undefined || room !== this.#room) return;
    for (const { user, online } of users) {
      if (online) this.#there.add(user);
      else this.#there.delete(user);
    }
    this.#host.onChange();
  }
}
