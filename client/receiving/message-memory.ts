import type { Message } from '../../protocol/index.ts';
import type { ReceivedMessage } from '../api.ts';
import type { ServerClock } from '../base/server-clock.ts';
import { serialTimeMs } from './cursor.ts';

/** How long a message is remembered, milliseconds: far longer than the index of the server lags behind. */
const MAX_AGE_MS = 30_000;

/** The most messages that are remembered. */
const MAX_COUNT = 500;

/** A message of this device that the server has accepted. */
export interface OwnMessage {
  /** The message, as it went into a frame. */
  readonly text: string;
  readonly serial: string;
}

/** A message that was handed on, or one of this device. */
type RememberedMessage = ReceivedMessage | OwnMessage;

/**
 * The messages of the last moments. The history may not have them yet, because the index of the server lags behind, and a store that is
 * opened now does not get them live.
 */
export class MessageMemory {
  readonly #clock: Pick<ServerClock, 'now'>;
  #messages: RememberedMessage[] = [];
  /** From when on it has everything, epoch milliseconds by the server's clock. Infinity: not yet. */
  fromMs = Number.POSITIVE_INFINITY;

  constructor(clock: Pick<ServerClock, 'now'>) {
    this.#clock = clock;
  }

  /** The client is connected. */
  begin(): void {
    this.fromMs = Math.min(this.fromMs, this.#clock.now());
  }

  /** Something of the last moments is not known: messages are missing, or the server may have a message that was given up. */
  beginAnew(): void {
    this.fromMs = this.#clock.now();
  }

  add(message: RememberedMessage): void {
    this.#messages.push(message);
    if (this.#messages.length > MAX_COUNT) {
      const forgotten = this.#messages.shift() as Pick<Message, 'serial'>;
      this.fromMs = Math.max(this.fromMs, serialTimeMs(forgotten.serial) + 1);
    }
    const isOld = ({ serial }: Pick<Message, 'serial'>) => serialTimeMs(serial) < this.#clock.now() - MAX_AGE_MS;
    while (this.#messages[0] && isOld(this.#messages[0])) this.#messages.shift();
  }

  [Symbol.iterator](): Iterator<RememberedMessage> {
    return this.#messages[Symbol.iterator]();
  }
}
