import {
  checkSendEvent,
  checkServiceMessage,
  isObject,
  type MessageFailure,
  problem,
  type SendEvent,
  type SendResult,
} from '../../protocol/index.ts';
import type { Now } from '../clock.ts';
import { type InvocationContext, type InvocationProblem, invocationEdge } from '../edge/invocation.ts';
import type { Logger } from '../logger.ts';
import { sendBatch, sendMetrics } from './batch.ts';
import type { Send } from './send.ts';
import { DEFAULT_SERVICE } from './service-batch.ts';

/** The most failures that an error lists: Lambda's record of the invocation must hold it beside the event. */
const MAX_TOLD_FAILURES = 10;

type Results = readonly (SendResult | MessageFailure)[];

/** The `send` function. */
export type ServiceSend = (event: unknown, context: InvocationContext) => Promise<{ readonly results: Results }>;

/**
 * The `send` function: `{ to, data, id?, service? }` or `{ messages: [{ to, data, id? }, …], service?, failIfAnyFails? }`. A
 * message without an id gets one of the invocation's, so that it is the same message when Lambda repeats the invocation.
 * @returns the results, in the order of the messages
 * @throws InvocationError if the event does not have that shape, if its only message cannot be sent, or, with
 *   `failIfAnyFails`, one of several; with the code `internal` if the messages may or may not have been sent
 */
export function createServiceSend({ send, log, now }: { send: Send; log: Logger; now: Now }): ServiceSend {
  return invocationEdge('send', { log, now }, async (event, { awsRequestId: requestId }) => {
    const checked = checkSendEvent(event);
    if (!checked.ok) return { problem: checked.problem, line: { metrics: { FramesRefused: 1 } } };
    const { service, messages, failIfAnyFails } = toBatch(checked.value);
    const sent = await sendBatch(send, { from: { service } }, messages.map(withIdOf(requestId)), {
      check: checkServiceMessage,
      isExact,
    });
    if (!sent.ok) return { problem: sent.problem };
    const results = sent.value;
    const metrics = sendMetrics(results);
    const failures = results.filter((result) => 'error' in result);
    const [failure] = failures;
    if (!failure) return { result: { results }, line: { metrics } };
    const line = { outcome: 'failed', reason: failure.error.code, metrics };
    return failIfAnyFails ? { problem: problemOf(failures, results.length), line } : { result: { results }, line };
  });
}

/** The messages of an event, before each is judged. */
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

/** Tells a retryable failure, if there is one: it decides whether the caller tries again. */
function problemOf(failures: readonly MessageFailure[], messages: number): InvocationProblem {
  const worth = failures.find(({ error }) => error.retryable) ?? failures[0];
  const error = worth?.error ?? problem('internal');
  if (messages === 1) return error;
  const message = `${failures.length} of ${messages} messages could not be sent: ${error.message}`;
  return { ...error, message, failures: failures.slice(0, MAX_TOLD_FAILURES) };
}

/** Gives an id to messages that have none. An earlier attempt of the invocation may have sent them under it. */
function withIdOf(requestId: string) {
  return (message: unknown, index: number, { length }: readonly unknown[]): unknown => {
    if (!isObject(message) || 'id' in message) return message;
    return { retry: true, ...message, id: length === 1 ? requestId : `${requestId}.${index}` };
  };
}

/** The runtime has parsed the numbers of the event: beyond the safe integers, the original number is lost. */
function isExact(number: number): boolean {
  return Math.abs(number) <= Number.MAX_SAFE_INTEGER;
}
