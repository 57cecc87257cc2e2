import {
  checkSendEvent,
  isObject,
  type Problem,
  problem,
  type SendEvent,
  type SendFailure,
  type SendResult,
} from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import { describeError, type Logger, type LogLine } from '../logger.ts';
import { sendBatch, sendMetrics } from './batch.ts';
import type { Send } from './send.ts';

/** The name that recipients see when the event gives none. */
const DEFAULT_SERVICE = 'server';

/** How many failures an error lists: it has to fit into a record of Lambda's beside the event. */
const MAX_TOLD_FAILURES = 10;

/** What the function reads of its Lambda context. */
export interface InvocationContext {
  /** The same in each attempt at an asynchronous invocation. */
  readonly awsRequestId: string;
}

type Results = readonly (SendResult | SendFailure)[];

/** The `send` function. */
export type ServiceSend = (event: unknown, context: InvocationContext) => Promise<{ readonly results: Results }>;

/** Why an invocation fails, as its caller reads it. */
export interface SendError extends Problem {
  /** With `failIfAnyFails`: the first ten messages that were not sent. */
  readonly failures?: readonly SendFailure[];
}

/**
 * Fails an invocation. Of what a function throws, Lambda passes on the name, as `errorType`, and the message, as
 * `errorMessage`: so the name is the code, by which Step Functions retry and catch, and the message is all of it in JSON.
 */
export class InvocationError extends Error {
  constructor({ code, message, retryable, ...more }: SendError, options?: ErrorOptions) {
    super(JSON.stringify({ code, message, retryable, ...more }), options);
    this.name = code;
  }
}

/**
 * The `send` function: `{ to, data, id?, service? }` or `{ messages: [{ to, data, id? }, …], service?, failIfAnyFails? }`. A
 * message without an id gets one of the invocation's, so that it is the same message when Lambda runs an event again.
 *
 * It throws rather than return an error: the function cannot know whether it was invoked asynchronously, and only an
 * invocation that fails is tried again then, and ends up where failures are looked at.
 * @returns the results, in the order of the messages
 * @throws InvocationError if the event is not of that shape, if its only message cannot be sent, or, with `failIfAnyFails`, one
 *   of several; with the code `internal` if nobody knows what became of them
 */
export function createServiceSend({ send, log, now }: { send: Send; log: Logger; now: Now }): ServiceSend {
  async function sendAll({ service, messages }: Batch, requestId: string): Promise<Results> {
    const sent = await sendBatch(send, { from: { service } }, messages.map(withIdOf(requestId)), { isExact });
    if (!sent.ok) throw new InvocationError(sent.problem);
    return sent.value;
  }

  return async (event, { awsRequestId: requestId }) => {
    const startedAt = now();
    const finish = (outcome: string, more: Partial<LogLine>) =>
      log({ route: 'send', outcome, requestId, durationMs: now() - startedAt, ...more });
    const checked = checkSendEvent(event);
    if (!checked.ok) {
      finish('failed', { reason: checked.problem.code, metrics: { FramesRefused: 1 } });
      throw new InvocationError(checked.problem);
    }
    const batch = toBatch(checked.value);
    let results: Results;
    try {
      results = await sendAll(batch, requestId);
    } catch (error) {
      finish('failed', { error: describeError(error), metrics: { Errors: 1 } });
      throw error instanceof InvocationError ? error : new InvocationError(problem('internal'), { cause: error });
    }
    const failures = results.filter((result) => 'error' in result);
    const metrics = sendMetrics(results);
    const [failure] = failures;
    finish(failure ? 'failed' : 'ok', { metrics, ...(failure && { reason: failure.error.code }) });
    if (failure && batch.failIfAnyFails) throw new InvocationError(errorOf(failures, results.length));
    return { results };
  };
}

/** The messages of an event, which are yet to be judged one by one. */
interface Batch {
  readonly service: string;
  readonly messages: readonly unknown[];
  readonly failIfAnyFails: boolean;
}

function toBatch(event: SendEvent): Batch {
  if ('messages' in event) {
    const { service = DEFAULT_SERVICE, messages, failIfAnyFails = false } = event;
    return { service, messages, failIfAnyFails };
  }
  const { service = DEFAULT_SERVICE, ...message } = event;
  return { service, messages: [message], failIfAnyFails: true };
}

/** Of several failures one that another attempt can mend comes first: it decides whether there is to be one. */
function errorOf(failures: readonly SendFailure[], messages: number): SendError {
  const worth = failures.find(({ error }) => error.retryable) ?? failures[0];
  const error = worth?.error ?? problem('internal');
  if (messages === 1) return error;
  const message = `${failures.length} of ${messages} messages could not be sent: ${error.message}`;
  return { ...error, message, failures: failures.slice(0, MAX_TOLD_FAILURES) };
}

/** The id of a message that has none. It may have been sent under it before. */
function withIdOf(requestId: string) {
  return (message: unknown, index: number, { length }: readonly unknown[]): unknown => {
    if (!isObject(message) || 'id' in message) return message;
    return { retry: true, ...message, id: length === 1 ? requestId : `${requestId}.${index}` };
  };
}

/** The runtime has read the numbers of the event: beyond the safe integers nobody can tell any more which one was sent. */
function isExact(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}
