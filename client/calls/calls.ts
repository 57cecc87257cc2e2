import { frameCharge } from '../../protocol/frame-charge.ts';
import type { Action, Reply } from '../../protocol/index.ts';
import { MAX_FRAME_BYTES } from '../../protocol/limits.ts';
import { abortWith, reasonOf } from '../base/abort.ts';
import { type Backoff, retryDelayMs } from '../base/backoff.ts';
import { sleep, unlessAborted } from '../base/timer.ts';
import { encodeRequest, type FieldsOf, type Outcome, problemOf } from '../connection/requests.ts';
import type { Environment } from '../environment.ts';
import { BeckonError, toError } from '../errors.ts';
import type { Line } from '../receiving/subscriptions.ts';

/** How long to wait for an answer, milliseconds. */
const TIMEOUT_MS = 30_000;

/** What the server answers to an action: a reply of the same name, except to `mark` and `block`. */
export type ReplyTo<A extends Action> = Extract<Reply, { readonly type: A extends 'block' ? 'blocked' : A }>;

/** A frame that carries no messages. */
type PacedFrame = Parameters<typeof frameCharge>[0];

/**
 * Asks the server, over whichever connection there is, until it has answered. Only for what may be asked twice: a question
 * whose answer is missing is asked again.
 */
export class Calls {
  readonly #environment: Environment;
  readonly #backoff: Backoff;
  readonly #connection: () => Line | undefined;
  readonly #pending = new Set<AbortController>();
  #wake = () => {};
  #connected = this.#nextConnection();

  constructor(environment: Environment, backoff: Backoff, connection: () => Line | undefined) {
    this.#environment = environment;
    this.#backoff = backoff;
    this.#connection = connection;
  }

  /**
   * @throws BeckonError with the code with which the server refuses, `expired`, or `rate_limited` when the time was over before
   * the rate allowed it; the reason of the signal.
   */
  async call<A extends Action>(
    action: A,
    fields: FieldsOf<A>,
    { signal, timeoutMs = TIMEOUT_MS }: { readonly signal?: AbortSignal | undefined; readonly timeoutMs?: number } = {},
  ): Promise<ReplyTo<A>> {
    const ending = new AbortController();
    const cancelTimer = this.#environment.setTimer(timeoutMs, () => abortWith(ending, this.#timeoutError()));
    this.#pending.add(ending);
    try {
      return await unlessAborted(unlessAborted(this.#ask(action, fields, ending.signal), ending.signal), signal);
    } finally {
      cancelTimer();
      this.#pending.delete(ending);
      ending.abort();
    }
  }

  /** Sends a frame until the server has dealt with it or refuses it, or the connection is lost. It may be dealt with twice. */
  async callOn<A extends Action>(line: Line, action: A, fields: FieldsOf<A>, signal?: AbortSignal): Promise<Outcome> {
    const tariff = line.limits?.tariff;
    const units = tariff && frameCharge({ action, ...fields } as PacedFrame, tariff);
    for (let failures = 0; ; failures += 1) {
      const outcome = await line.request(encodeRequest(action, fields), units, signal);
      const refusal = problemOf(outcome);
      if (outcome.kind === 'reply' || outcome.kind === 'lost' || refusal?.retryable === false) return outcome;
      const delayMs = retryDelayMs(refusal, failures, this.#environment.random, this.#backoff);
      await sleep(this.#environment, delayMs, line.closing);
      if (signal?.aborted) return { kind: 'lost' };
    }
  }

  get isConnected(): boolean {
    return this.#connection() !== undefined;
  }

  /** The most bytes of a frame on the connection that there is. */
  get maxFrameBytes(): number {
    return this.#connection()?.limits?.maxFrameBytes ?? MAX_FRAME_BYTES;
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

  async #ask<A extends Action>(action: A, fields: FieldsOf<A>, signal: AbortSignal): Promise<ReplyTo<A>> {
    while (!signal.aborted) {
      const connection = this.#connection();
      const outcome = await (connection ? this.callOn(connection, action, fields, signal) : this.#connected);
      if (outcome?.kind === 'reply') return outcome.reply as unknown as ReplyTo<A>;
      if (outcome?.kind === 'error') throw toError(outcome.problem);
    }
    throw reasonOf(signal);
  }

  #timeoutError(): BeckonError {
    if (!this.#connection()?.pacer.isBusy) return new BeckonError('expired');
    return new BeckonError('rate_limited', 'More was asked for than the rate allows.', { retryable: true });
  }

  #nextConnection(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
