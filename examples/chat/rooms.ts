import { BeckonError } from '../../client/index.ts';
import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';

export interface RoomsHost {
  readonly client: Pick<ChatClient, 'join' | 'leave' | 'on'>;
  readonly signal: AbortSignal;
  /** Returns the conversation of a room, if it is in the list. */
  find(room: string): Thread | undefined;
  onChange(thread: Thread): void;
}

/** The rooms that the user is in. */
export class Rooms {
  readonly #host: RoomsHost;
  readonly #entering = new Map<string, Promise<void>>();

  constructor(host: RoomsHost) {
    this.#host = host;
    const { client, signal } = host;
    client.on('left', ({ room, reason }) => this.#onLeft(room, reason.message), { signal });
  }

  /** Resolves when the join has succeeded or failed. After it, new messages arrive live. */
  enter(room: string): Promise<void> {
    const entering = this.#entering.get(room) ?? this.#enter(room);
    this.#entering.set(room, entering);
    return entering;
  }

  async leave(room: string): Promise<void> {
    this.#entering.delete(room);
    await this.#host.client.leave(room);
  }

  async #enter(room: string): Promise<void> {
    this.#setOutside(room, undefined);
    try {
      await this.#host.client.join(room);
    } catch (error) {
      // The user left, or the page is closing.
      if (error instanceof BeckonError && ['join_cancelled', 'closed'].includes(error.code)) return;
      this.#onLeft(room, error instanceof BeckonError ? error.message : String(error));
    }
  }

  #onLeft(room: string, why: string): void {
    this.#entering.delete(room);
    this.#setOutside(room, why);
  }

  #setOutside(room: string, why: string | undefined): void {
    const thread = this.#host.find(room);
    if (!thread || thread.outside === why) return;
    thread.outside = why;
    this.#host.onChange(thread);
  }
}
