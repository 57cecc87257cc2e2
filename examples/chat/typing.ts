import type { Conversation } from '../../client/index.ts';
import type { ChatClient, ChatMessage } from './chat-message.ts';
import { keyOf, type Place } from './place.ts';

/** How often to say that somebody is still typing, and how long it is believed without being said again. */
const REPEAT_MS = 3_000;
const BELIEVED_MS = 5_000;

/** It is of no use later. */
const SIGNAL = { store: false, expiresAfterMs: 2_000 } as const;

/** Tells others that the user is typing: at most every few seconds, and only over a connection that is there. */
export class TypingSignal {
  readonly #client: Pick<ChatClient, 'sendToUser' | 'sendToRoom' | 'state'>;
  #place: Conversation | undefined;
  #saidAt = 0;

  constructor(client: Pick<ChatClient, 'sendToUser' | 'sendToRoom' | 'state'>) {
    this.#client = client;
  }

  onInput(place: Place, text: string, nowMs: number): void {
    if ('service' in place) return;
    if (text.trim() === '') this.#say(false);
    else if (this.#place !== place || nowMs - this.#saidAt >= REPEAT_MS) {
      if (this.#place !== place) this.#say(false);
      this.#place = place;
      this.#saidAt = nowMs;
      this.#say(true);
    }
  }

  /** The text was sent: who gets it knows that it has been typed. */
  onSent(): void {
    this.#place = undefined;
  }

  /** The text was left. */
  stop(): void {
    this.#say(false);
  }

  #say(typing: boolean): void {
    const place = this.#place;
    if (!typing) this.#place = undefined;
    if (!place || this.#client.state.status !== 'connected') return;
    const data: ChatMessage = { typing };
    const sent =
      'room' in place
        ? this.#client.sendToRoom(place.room, data, SIGNAL)
        : this.#client.sendToUser(place.user, data, SIGNAL);
    // Whether anybody saw it does not matter.
    sent.catch(() => {});
  }
}

/** Who is typing where. */
export class Typists {
  readonly #timers = new Map<string, Map<string, ReturnType<typeof setTimeout>>>();
  readonly #onChange: (place: Place) => void;

  constructor(onChange: (place: Place) => void, signal: AbortSignal) {
    this.#onChange = onChange;
    signal.addEventListener('abort', () => {
      for (const names of this.#timers.values()) for (const timer of names.values()) clearTimeout(timer);
    });
  }

  at(place: Place): readonly string[] {
    return [...(this.#timers.get(keyOf(place))?.keys() ?? [])];
  }

  /** Somebody says that they are typing, or no longer. Whoever has sent a message is not. */
  heard(place: Place, name: string, isTyping: boolean): void {
    const key = keyOf(place);
    const names = this.#timers.get(key) ?? new Map<string, ReturnType<typeof setTimeout>>();
    const timer = names.get(name);
    clearTimeout(timer);
    names.delete(name);
    if (isTyping) {
      const forget = () => this.heard(place, name, false);
      names.set(name, setTimeout(forget, BELIEVED_MS));
    }
    this.#timers.set(key, names);
    if (isTyping || timer !== undefined) this.#onChange(place);
  }
}
