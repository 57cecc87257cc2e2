import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Clock } from '../clock.ts';
import type { Log } from '../service.ts';
import type { Destinations } from './destinations.ts';
import type { Enqueue } from './enqueue.ts';
import type { Outcome } from './environment.ts';
import type { EventInvokeConfig } from './event-invoke-config.ts';
import { type Condition, deadLetter, destinationRecord, type EndedInvocation } from './invocation-record.ts';
import type { LambdaFunction } from './lambda-function.ts';

/**
 * "Lambda … waits one minute before the first retry, and two minutes before the second" (invocation-async-error-handling).
 */
const RETRY_DELAYS_MS = [60_000, 120_000];
/** Lambda retries a throttled event "from 1 second after the first attempt to a maximum of 5 minutes" (the same). */
const FIRST_THROTTLE_DELAY_MS = 1_000;
const MAX_THROTTLE_DELAY_MS = 300_000;

/** Events accepted for asynchronous invocation. They are in memory: closing loses the events that still wait. */
export interface AsyncInvocations {
  readonly enqueue: Enqueue;
  /** Sends the event of an invocation that Lambda has stopped to the function's destination and dead-letter queue. */
  reportStopped(
    target: LambdaFunction,
    stopped: Pick<EndedInvocation, 'requestId' | 'payload' | 'trace'>,
  ): Promise<void>;
  close(): Promise<void>;
}

export interface AsyncInvocationsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly configOf: (target: LambdaFunction) => EventInvokeConfig;
  readonly destinations: () => Destinations;
}

export function createAsyncInvocations(options: AsyncInvocationsOptions): AsyncInvocations {
  const { clock, log, configOf, destinations } = options;
  const closing = new AbortController();
  // One listener for each waiting event.
  setMaxListeners(0, closing.signal);
  const pending = new Set<Promise<void>>();

  const report = async (target: LambdaFunction, condition: Condition, ended: EndedInvocation) => {
    const { onSuccess, onFailure } = configOf(target);
    const { deadLetterArn } = target.configuration;
    const isSuccess = condition === 'Success';
    const destination = isSuccess ? onSuccess : onFailure;
    const now = clock.now();
    if (destination !== undefined) {
      await destinations().deliver(destination, target, destinationRecord(target, condition, ended, now));
    }
    if (!isSuccess && deadLetterArn !== undefined) {
      await destinations().deliver(deadLetterArn, target, deadLetter(target, ended));
    }
  };

  const giveUp = async (target: LambdaFunction, condition: Exclude<Condition, 'Success'>, ended: EndedInvocation) => {
    await report(target, condition, ended);
    const message = `gave up an asynchronous invocation after ${ended.invokeCount} attempts: ${condition}`;
    log({ level: 'error', source: target.configuration.name, message, detail: { requestId: ended.requestId } });
  };

  /** AWS documents no condition of its own for stopped loops. */
  const reportStopped: AsyncInvocations['reportStopped'] = (target, stopped) =>
    report(target, 'RetriesExhausted', { ...stopped, outcome: undefined, invokeCount: 0 });

  const run = async (target: LambdaFunction, payload: string, requestId: string, upstream: string | undefined) => {
    const { maxRetryAttempts, maxEventAgeSeconds } = configOf(target);
    const latestAt = clock.now() + maxEventAgeSeconds * 1000;
    let throttleDelayMs = FIRST_THROTTLE_DELAY_MS;
    let outcome: Outcome | undefined;
    for (let invokeCount = 0; !closing.signal.aborted; ) {
      const invoked = await target.invoke({ payload, requestId, ...(upstream !== undefined && { trace: upstream }) });
      if (closing.signal.aborted) return;
      const { trace } = invoked;
      if (invoked.kind === 'recursive') return reportStopped(target, { requestId, payload, trace });
      let delayMs = throttleDelayMs;
      if (invoked.kind === 'throttled') {
        throttleDelayMs = Math.min(throttleDelayMs * 2, MAX_THROTTLE_DELAY_MS);
      } else {
        outcome = invoked.outcome;
        const ended = { requestId, payload, outcome, invokeCount: ++invokeCount, trace };
        if (outcome.kind === 'ok') return report(target, 'Success', ended);
        if (invokeCount > maxRetryAttempts) return giveUp(target, 'RetriesExhausted', ended);
        delayMs = RETRY_DELAYS_MS[invokeCount - 1] ?? 0;
      }
      if (clock.now() + delayMs > latestAt) {
        return giveUp(target, 'EventAgeExceeded', { requestId, payload, outcome, invokeCount, trace });
      }
      await clock.sleep(delayMs, closing.signal);
    }
  };

  return {
    reportStopped,
    enqueue(target, payload, trace) {
      const requestId = randomUUID();
      const running: Promise<void> = run(target, payload, requestId, trace)
        .catch((error: unknown) => {
          const message = `an asynchronous invocation is lost: ${error instanceof Error ? error.message : error}`;
          log({ level: 'error', source: target.configuration.name, message, detail: { requestId } });
        })
        .finally(() => pending.delete(running));
      pending.add(running);
      return requestId;
    },
    async close() {
      closing.abort();
      if (pending.size > 0) {
        const message = `${pending.size} asynchronous invocations that had not succeeded yet are lost`;
        log({ level: 'warn', source: 'lambda', message });
      }
      await Promise.all(pending);
    },
  };
}
