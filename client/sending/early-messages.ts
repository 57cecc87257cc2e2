import type { SendResult } from '../../protocol/index.ts';
import { unlessAborted, within } from '../base/timer.ts';
import type { Environment } from '../environment.ts';
import { BeckonError } from '../errors.ts';
import type { SendingPart } from '../parts.ts';
import type { EncodedData } from './data.ts';
import type { WaitOptions } from './outbox.ts';
import type { MessageFields } from './outgoing.ts';

/** Holds the messages that the application sends before the part that sends them is loaded. */
export class EarlyMessages {
  readonly #environment: Environment;
  readonly #maxMessages: number;
  readonly #ending: AbortSignal;
  /** In the order of the calls. */
  readonly #waiting = new Set<(sending: SendingPart) => void>();

  /**
   * @param maxMessages How many may wait.
   * @param ending Aborts when there will be no connection any more, with the error that says why.
   */
  constructor(environment: Environment, maxMessages: number, ending: AbortSignal) {
    this.#environment = environment;
    this.#maxMessages = maxMessages;
    this.#ending = ending;
  }

  /**
   * Resolves with the server's result.
   * @throws BeckonError `outbox_full`, `expired`, why the client is over; the reason of the signal. All as rejections.
   */
  async add(
    fields: MessageFields,
    encode: () => EncodedData | Promise<EncodedData>,
    { expiresAfterMs, signal }: WaitOptions,
  ): Promise<SendResult> {
    if (this.#waiting.size >= this.#maxMessages) throw new BeckonError('outbox_full');
    const { now } = this.#environment;
    const calledAtMs = now();
    let sent: Promise<SendResult> | undefined;
    let handOver!: (sending: SendingPart) => void;
    const handedOver = new Promise<void>((resolve) => {
      handOver = (sending) => {
        // The clock may have been set meanwhile.
        const waitedMs = Math.max(now() - calledAtMs, 0);
        sent = sending.send(fields, encode, { expiresAfterMs: expiresAfterMs - waitedMs, signal });
        resolve();
      };
      this.#waiting.add(handOver);
    });
    try {
      const untilOver = unlessAborted(handedOver, this.#ending);
      await within(this.#environment, untilOver, { signal, timeoutMs: expiresAfterMs });
    } catch (error) {
      this.#waiting.delete(handOver);
      // Once it is handed over, the part tells what becomes of it.
      if (!sent) throw error;
    }
    return sent as unknown as Promise<SendResult>;
  }

  /** The part is loaded: it takes the messages in the order of the calls. */
  handOver(sending: SendingPart): void {
    for (const handOver of this.#waiting) handOver(sending);
    this.#waiting.clear();
  }
}
