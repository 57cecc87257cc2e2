import type { Clock } from '../clock.ts';
import type { Authorize, Log } from '../service.ts';
import type { Delivery, Queue } from '../sqs/index.ts';
import type { AsyncInvocations } from './async-invocations.ts';
import type { EventSourceMapping } from './event-source-mapping.ts';
import type { Invoked, LambdaFunction } from './lambda-function.ts';
import { MAX_SYNC_PAYLOAD_BYTES } from './limits.ts';
import { errorOf } from './outcome.ts';
import { roleOf } from './role-permissions.ts';
import { failedMessageIds, toRecord } from './sqs-event.ts';
import { joinTraces } from './trace.ts';

/** The parts that a poller needs. It acts as the function's role. */
export interface PollerOptions {
  readonly mapping: EventSourceMapping;
  readonly queue: Queue;
  readonly target: LambdaFunction;
  readonly clock: Clock;
  readonly authorize: Authorize;
  readonly log: Log;
  readonly reportStopped: AsyncInvocations['reportStopped'];
}

/** Passes a queue's messages to a function until it closes. */
export interface Poller {
  close(): Promise<void>;
}

const LONG_POLL_SECONDS = 20;
const MAX_MESSAGES_PER_RECEIVE = 10;
/** The first pause before a throttled batch is tried again. It doubles. AWS publishes no number: this one is ours. */
const THROTTLE_DELAY_MS = 1_000;
/** The pause after an error of the queue itself. */
const BACKOFF_MS = 10_000;

export function startPoller(options: PollerOptions): Poller {
  const { mapping, target, clock, log } = options;
  const closing = new AbortController();
  const { signal } = closing;
  const running = new Set<Promise<void>>();
  const pace = createPace(mapping);

  const guard = async (work: Promise<void>) => {
    try {
      await work;
    } catch (error) {
      const message = `${mapping.queueArn} → ${target.configuration.name}: ${error instanceof Error ? error.message : error}`;
      log({ level: 'error', source: 'lambda', message });
      await clock.sleep(BACKOFF_MS, signal);
    }
  };

  const pollOnce = async () => {
    const batch = await collect(options, signal);
    for (const part of splitBySize(batch, mapping.queueArn)) {
      const processing: Promise<void> = guard(processBatch(part, options, pace, signal)).finally(() =>
        running.delete(processing),
      );
      running.add(processing);
    }
  };

  const poll = async () => {
    while (!signal.aborted) {
      if (running.size < pace.maxConcurrency()) await guard(pollOnce());
      else await Promise.race(running);
    }
  };

  const polling = poll();
  return {
    async close() {
      closing.abort();
      await polling;
      await Promise.all(running);
    },
  };
}

/**
 * The number of batches at the same time: "Lambda gradually backs off, reducing the amount of concurrency", and
 * "when ReportBatchItemFailures is activated, Lambda doesn't scale down message polling when function invocations fail"
 * (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
 */
interface Pace {
  maxConcurrency(): number;
  succeeded(): void;
  failed(): void;
  throttled(): void;
}

function createPace({ maxConcurrency, reportsBatchItemFailures }: EventSourceMapping): Pace {
  let current = maxConcurrency;
  const slowDown = () => {
    current = Math.max(1, Math.floor(current / 2));
  };
  return {
    maxConcurrency: () => current,
    succeeded() {
      current = Math.min(maxConcurrency, current + 1);
    },
    failed: reportsBatchItemFailures ? () => {} : slowDown,
    throttled: slowDown,
  };
}

/** Receives a batch: the waiting messages, or with a batching window all messages until it ends. */
async function collect(
  { mapping, queue, target, clock, authorize }: PollerOptions,
  signal: AbortSignal,
): Promise<readonly Delivery[]> {
  const receive = (maxMessages: number, waitSeconds: number) => {
    authorize(roleOf(target.configuration), 'sqs:ReceiveMessage', mapping.queueArn);
    return queue.receive({ maxMessages: Math.min(maxMessages, MAX_MESSAGES_PER_RECEIVE), waitSeconds, signal });
  };
  const batch = [...(await receive(mapping.batchSize, LONG_POLL_SECONDS))];
  const endsAt = clock.now() + mapping.batchingWindowSeconds * 1000;
  while (batch.length > 0 && batch.length < mapping.batchSize && !signal.aborted) {
    const waitSeconds = (endsAt - clock.now()) / 1000;
    if (waitSeconds <= 0) break;
    batch.push(...(await receive(mapping.batchSize - batch.length, waitSeconds)));
  }
  return batch;
}

/** Splits messages into events of at most 6 MB. */
function splitBySize(batch: readonly Delivery[], queueArn: string): Delivery[][] {
  const parts: Delivery[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const delivery of batch) {
    const size = Buffer.byteLength(JSON.stringify(toRecord(delivery, queueArn))) + 1;
    if (bytes + size > MAX_SYNC_PAYLOAD_BYTES - EVENT_FRAME_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(delivery);
    bytes += size;
  }
  return parts;
}

const EVENT_FRAME_BYTES = Buffer.byteLength('{"Records":[]}');

/** Invokes the function, and deletes the messages that it processed. The others come back after their visibility timeout. */
async function processBatch(
  batch: readonly Delivery[],
  options: PollerOptions,
  pace: Pace,
  signal: AbortSignal,
): Promise<void> {
  const { mapping, queue, target, authorize, log, reportStopped } = options;
  const Records = batch.map((delivery) => toRecord(delivery, mapping.queueArn));
  const payload = JSON.stringify({ Records });
  const invoked = await invokePatiently(payload, batch, options, pace, signal);
  const fail = (reason: string) => {
    const message = `${batch.length} messages return to ${mapping.queueArn}: ${reason}`;
    log({ level: 'warn', source: target.configuration.name, message, detail: { requestId: invoked.requestId } });
  };
  if (invoked.kind === 'throttled') return fail('the function is throttled');
  if (invoked.kind === 'recursive') {
    fail('Lambda has stopped a recursive loop');
    return reportStopped(target, { ...invoked, payload });
  }
  const { outcome, requestId } = invoked;
  if (outcome.kind !== 'ok') {
    pace.failed();
    return fail(errorOf(outcome, requestId, target.configuration)?.errorType ?? outcome.kind);
  }
  pace.succeeded();
  const ids = new Set(batch.map(({ message }) => message.id));
  const failed = mapping.reportsBatchItemFailures
    ? failedMessageIds(JSON.parse(outcome.payload), ids)
    : new Set<string>();
  if (failed === undefined) return fail('the answer is no list of batchItemFailures');
  for (const { message, receiptHandle } of batch) {
    if (failed.has(message.id)) continue;
    authorize(roleOf(target.configuration), 'sqs:DeleteMessage', mapping.queueArn);
    await queue.delete(receiptHandle);
  }
}

/**
 * Invokes the function. While it is throttled, tries again until the messages become visible in the queue again: the same
 * page, "Lambda continues to retry the message until the message's timestamp exceeds your queue's visibility timeout".
 */
async function invokePatiently(
  payload: string,
  batch: readonly Delivery[],
  { target, clock, log }: PollerOptions,
  pace: Pace,
  signal: AbortSignal,
): Promise<Invoked> {
  const trace = joinTraces(batch.map(({ message }) => message.traceHeader));
  const visibleAt = Math.min(...batch.map(({ message }) => message.visibleAt));
  for (let delayMs = THROTTLE_DELAY_MS; ; delayMs *= 2) {
    const invoked = await target.invoke({ payload, trace });
    if (invoked.kind !== 'throttled') return invoked;
    pace.throttled();
    if (signal.aborted || clock.now() + delayMs >= visibleAt) return invoked;
    const message = `the function is throttled; Lambda tries the batch again in ${delayMs / 1000} s`;
    log({ level: 'debug', source: target.configuration.name, message });
    await clock.sleep(delayMs, signal);
  }
}
