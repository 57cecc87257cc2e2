import type { AckReply, MessageFailure, Problem, SendResult } from '../../protocol/index.ts';
import { retryDelayMs } from '../base/backoff.ts';
import { sleep } from '../base/timer.ts';
import type { SendingConnection } from '../connection/context.ts';
import { type Outcome, problemOf } from '../connection/requests.ts';
import type { Core } from '../core.ts';
import { toError, wordlessProblem } from '../errors.ts';
import type { Outbox, QueuedMessage } from './outbox.ts';
import { encodeFrame } from './outgoing.ts';

/**
 * Empties the outbox over whichever connection there is. **One frame is in flight at a time**, because API Gateway runs
 * the frames of one connection concurrently; messages that wait meanwhile go into the next frame. That keeps messages in order,
 * holds them back while the server is slow, and bills fewer frames. Messages that wait for the rate of the connection stay
 * in the outbox, where they can expire and be taken back.
 */
export class MessageSender {
  readonly #core: Core;
  readonly #outbox: Outbox;
  readonly #onSending: (message: QueuedMessage) => void;
  readonly #stopping = new AbortController();
  #running = false;
  /** Frames in a row that were not acknowledged. */
  #failures = 0;
  /** Why the last frame or message failed. */
  #problem: Problem | undefined;

  /** @param onSending Called when a message is about to be handed to the network. */
  constructor(core: Core, outbox: Outbox, onSending: (message: QueuedMessage) => void) {
    this.#core = core;
    this.#outbox = outbox;
    this.#onSending = onSending;
  }

  /** There may be something to do: a message was added, or there is a connection. */
  wake(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run();
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopping.abort();
  }

  async #run(): Promise<void> {
    // Messages that the application sends in one go go into one frame.
    await undefined;
    for (let { connection } = this.#core; connection?.limits; { connection } = this.#core) {
      const { limits, pacer } = connection;
      const { units } = this.#outbox.next(limits, pacer?.units ?? limits.ratePerSecond);
      if (units === 0) break;
      if (pacer) {
        await pacer.turn(units);
        // The connection whose pacer counted the units is over.
        if (connection !== this.#core.connection) continue;
      }
      const messages = this.#outbox.take(limits, units);
      // The messages may have expired while they waited.
      if (messages.length > 0) await this.#send(messages, connection, units);
    }
    this.#running = false;
  }

  async #send(messages: readonly QueuedMessage[], connection: SendingConnection, units: number): Promise<void> {
    for (const message of messages) this.#onSending(message);
    const outcome = await connection.request((id) => encodeFrame(id, messages), connection.pacer ? 0 : units);
    connection.pacer?.settle(units);
    this.#settle(messages, outcome);
    this.#outbox.putBack({ maybeSent: outcome.kind !== 'refused' && problemOf(outcome)?.code !== 'rate_limited' });
    if (this.#failures > 0) await this.#waitBeforeRetry();
  }

  /**
   * Settles each message that the server has decided about. The others are sent again: after a wait, except after a lost
   * connection, as the client has waited for the next one already.
   */
  #settle(messages: readonly QueuedMessage[], outcome: Outcome): void {
    this.#failures = outcome.kind === 'lost' ? 0 : this.#failures + 1;
    this.#problem = problemOf(outcome);
    if (outcome.kind === 'error' && !outcome.problem.retryable) {
      this.#failures = 0;
      for (const message of messages) message.reject(toError(outcome.problem));
    }
    if (outcome.kind === 'reply' && outcome.reply.type === 'ack') this.#settleEach(messages, outcome.reply);
  }

  #settleEach(messages: readonly QueuedMessage[], { results }: AckReply): void {
    const problems = messages.map((message, index) => settleOne(message, results[index]));
    this.#problem = problems.findLast((problem) => problem !== undefined);
    if (!this.#problem) this.#failures = 0;
  }

  #waitBeforeRetry(): Promise<void> {
    const { environment, options } = this.#core;
    const delayMs = retryDelayMs(this.#problem, this.#failures - 1, environment.random, options);
    return sleep(environment, delayMs, this.#stopping.signal);
  }
}

/** @returns Why to send the message again. `undefined`: it is settled. */
function settleOne(message: QueuedMessage, result: SendResult | MessageFailure | undefined): Problem | undefined {
  const failure = result === undefined ? wordlessProblem('internal') : 'error' in result ? result.error : undefined;
  if (failure?.retryable) return failure;
  if (failure) message.reject(toError(failure));
  else message.accept(result as SendResult);
  return undefined;
}
