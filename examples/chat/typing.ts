import type { Peer } from '../../client/index.ts';
import type { ChatClient, ChatMessage } from './chat-message.ts';
import { keyOf, type Place } from './place.ts';

/** The interval of the signals while the user types, and how long a signal is valid. */
const REPEAT_MS = 3_000;
const BELIEVED_MS = 5_000;

/** A signal is useless later, so the server does not store it. */
const SIGNAL = { ephemeral: true, expiresAfterMs: 2_000 } as const;

/** Tells others that the user is typing: every few seconds at most, and only while connected. */
export class TypingSignal {
  readonly #client: Pick<ChatClient, 'sendToUser' | 'sendToRoom' | 'state'>;
  #place: Peer | undefined;
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

  /** The user sent the text. The message itself ends the signal at the recipients. */
  onSent(): void {
    this.#place = undefined;
  }

  /** The user left the text. */
  stop(): void {
    this.#say(false);
  }

  #say(typing: boolean): void {
    const place = this.#place;
    if (!typing) this.#place = undefined;
    if (!place || this.#client.state.status !== 'connected') return;
    const data: ChatMessage = { typing };
    if ('service' in place) return;
    const sent =
      'room' in place
        ? this.#client.sendToRoom(place.room, data, SIGNAL)
        : this.#client.sendToUser(place.user, data, { ...SIGNAL, echo: false });
    // A lost signal does no harm.
    sent.catch(() => {});
  }
}

/** The users who are typing, by conversation. */
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

  /** Records that a user is typing, or no longer types. A message from the user ends the typing, too. */
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
