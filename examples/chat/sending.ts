import type { ChatClient } from './chat-message.ts';
import type { Thread } from './thread.ts';
import { type Entry, entryKey } from './timeline.ts';
import { describeFailure } from './words.ts';

/** Sends the user's messages, and records their results. */
export class Sending {
  readonly #client: Pick<ChatClient, 'sendToUser' | 'sendToRoom'>;
  readonly #me: string;
  readonly #onChange: (thread: Thread) => void;

  constructor(client: Pick<ChatClient, 'sendToUser' | 'sendToRoom'>, me: string, onChange: (thread: Thread) => void) {
    this.#client = client;
    this.#me = me;
    this.#onChange = onChange;
  }

  say(thread: Thread, text: string): void {
    const entry = { author: this.#me, id: randomId(), isOwn: true, text, sentAt: Date.now() };
    thread.timeline.put({ ...entry, fate: { kind: 'queued' } });
    this.#onChange(thread);
    void this.#send(thread, entry);
  }

  /** Sends a message again under the same id, so recipients drop a second copy. */
  again(thread: Thread, key: string): void {
    const entry = thread.timeline.find(key);
    if (!entry) return;
    thread.onQueued(entry);
    this.#onChange(thread);
    void this.#send(thread, entry);
  }

  async #send(thread: Thread, entry: Entry): Promise<void> {
    try {
      thread.onAccepted(entry, await this.#post(thread, entry));
    } catch (error) {
      thread.onFailed(entry, describeFailure(error));
    }
    if (thread.timeline.find(entryKey(entry))) this.#onChange(thread);
  }

  #post({ place }: Thread, { id, text }: Entry) {
    if ('room' in place) return this.#client.sendToRoom(place.room, { text }, { id });
    if ('service' in place) throw new TypeError(`${place.service} cannot be written to`);
    return this.#client.sendToUser(place.user, { text }, { id, receipt: true });
  }
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
