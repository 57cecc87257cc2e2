import { frameCharge } from '../../protocol/frame-charge.ts';
import type { Action, Replies } from '../../protocol/index.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { abortWith, reasonOf } from '../base/abort.ts';
import { retryDelayMs } from '../base/backoff.ts';
import { sleep, unlessAborted, type WaitLimits } from '../base/timer.ts';
import type { OpenConnection } from '../connection/context.ts';
import { encodeRequest, type FieldsOf, type Outcome, problemOf } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import { BeckonError, toError } from '../errors.ts';

/** How long a call waits for an answer unless it says otherwise, milliseconds. */
export const CALL_TIMEOUT_MS = 30_000;

/** A frame that carries no messages. */
type PacedFrame = Parameters<typeof frameCharge>[0];

/**
 * Asks the server, over whichever connection there is, until it has answered. Only for requests that may be repeated: the client
 * repeats a request whose answer is missing.
 */
export class ServerCalls {
  readonly #core: Core;
  readonly #pending = new Set<AbortController>();
  #wake = () => {};
  #connected = this.#nextConnection();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * @throws BeckonError with the code with which the server refuses, `expired`, or `rate_limited` when the time was over before
   * the rate allowed it; the reason of the signal.
   */
  async call<A extends Action>(
    action: A,
    fields: FieldsOf<A>,
    { signal, timeoutMs = CALL_TIMEOUT_MS }: WaitLimits = {},
  ): Promise<Replies[A]> {
    const ending = new AbortController();
    const cancelTimer = this.#core.environment.setTimer(timeoutMs, () => abortWith(ending, this.#timeoutError()));
    this.#pending.add(ending);
    try {
      return await unlessAborted(unlessAborted(this.#ask(action, fields, ending.signal), ending.signal), signal);
    } finally {
      cancelTimer();
      this.#pending.delete(ending);
      ending.abort();
    }
  }

  /** Sends a frame until the server has handled or refused it, or the connection is lost. The server may handle it twice. */
  async callOn<A extends Action>(
    connection: OpenConnection,
    action: A,
    fields: FieldsOf<A>,
    signal?: AbortSignal,
  ): Promise<Outcome> {
    const { environment, options } = this.#core;
    const tariff = connection.limits?.tariff;
    const units = tariff && frameCharge({ action, ...fields } as PacedFrame, tariff);
    for (let failures = 0; ; failures += 1) {
      const outcome = await connection.request(encodeRequest(action, fields), units, signal);
      const refusal = problemOf(outcome);
      if (outcome.kind === 'reply' || outcome.kind === 'lost' || refusal?.retryable === false) return outcome;
      const delayMs = retryDelayMs(refusal, failures, environment.random, options);
      await sleep(environment, delayMs, connection.closing);
      if (signal?.aborted) return { kind: 'lost' };
    }
  }

  /** The most bytes of a frame on the connection that there is. */
  get maxFrameBytes(): number {
    return this.#core.session.connection?.limits?.maxFrameBytes ?? MAX_FRAME_BYTES;
  }

  /** There is a connection. */
  wake(): void {
    this.#wake();
    this.#connected = this.#nextConnection();
  }

  /** There will be no connection any more. */
  giveUp(error: BeckonError): void {
    for (const ending of this.#pending) abortWith(ending, error);
  }

  async #ask<A extends Action>(action: A, fields: FieldsOf<A>, signal: AbortSignal): Promise<Replies[A]> {
    while (!signal.aborted) {
      const connection = this.#core.session.connection;
      const outcome = await (connection ? this.callOn(connection, action, fields, signal) : this.#connected);
      if (outcome?.kind === 'reply') return outcome.reply as unknown as Replies[A];
      if (outcome?.kind === 'error') throw toError(outcome.problem);
    }
    throw reasonOf(signal);
  }

  #timeoutError(): BeckonError {
    if (!this.#core.session.connection?.pacer?.isBusy) return new BeckonError('expired');
    return new BeckonError('rate_limited', 'More was asked for than the rate allows.', { retryable: true });
  }

  #nextConnection(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
