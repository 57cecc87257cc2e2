import {
  BeckonError,
  isObject,
  isUserId,
  NAME_RULE,
  problem,
  type SendFailure,
  type SendResult,
  toError,
} from '../protocol/index.ts';
import { sendBatch, sendMetrics } from './batch.ts';
import type { Now } from './clock.ts';
import { describeError, type Logger, type LogLine } from './logger.ts';
import type { Send } from './send.ts';

/** The name that recipients see when the event gives none. */
const DEFAULT_SERVICE = 'server';

/** What the function reads of its Lambda context. */
export interface InvocationContext {
  /** The same in each attempt at an asynchronous invocation. */
  readonly awsRequestId: string;
}

/** The `send` function. */
export type ServiceSend = (
  event: unknown,
  context: InvocationContext,
) => Promise<{ readonly results: readonly (SendResult | SendFailure)[] }>;

/**
 * The `send` function: `{ to, data, id?, service? }` or `{ messages: [{ to, data, id? }, …], service? }`. A message without
 * an id gets one of the invocation's, so that it is the same message when Lambda runs an event again.
 * @returns the results, in the order of the messages
 * @throws BeckonError if the event is not of that shape, or its only message cannot be sent: the invocation fails, so
 *   that an asynchronous one is tried again, and ends up where failures are looked at
 */
export function createServiceSend({ send, log, now }: { send: Send; log: Logger; now: Now }): ServiceSend {
  async function sendAll(event: unknown, requestId: string) {
    const { service, messages } = parseEvent(event);
    const identified = messages.map(withIdOf(requestId));
    const sent = await sendBatch(send, { from: { service } }, identified, { isExact });
    if (!sent.ok) throw toError(sent.problem);
    return sent.value;
  }

  return async (event, { awsRequestId: requestId }) => {
    const startedAt = now();
    const finish = (outcome: string, more: Partial<LogLine>) =>
      log({ route: 'send', outcome, requestId, durationMs: now() - startedAt, ...more });
    let results: Awaited<ReturnType<typeof sendAll>>;
    try {
      results = await sendAll(event, requestId);
    } catch (error) {
      if (error instanceof BeckonError) finish('failed', { reason: error.code, metrics: { FramesRefused: 1 } });
      else finish('failed', { error: describeError(error), metrics: { Errors: 1 } });
      throw error;
    }
    const failure = results.find((result) => 'error' in result);
    const metrics = sendMetrics(results);
    finish(failure ? 'failed' : 'ok', { metrics, ...(failure && { reason: failure.error.code }) });
    if (failure && results.length === 1) throw toError(failure.error);
    return { results };
  };
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

function parseEvent(event: unknown): { service: string; messages: readonly unknown[] } {
  if (!isObject(event)) throw invalid('the event must be an object: { to, data } or { messages: [{ to, data }] }');
  const { service = DEFAULT_SERVICE, ...message } = event;
  if (!isUserId(service)) throw invalid(`"service" must be a name: at most 256 ${NAME_RULE}`);
  if (!('messages' in message)) return { service, messages: [message] };
  const { messages, ...others } = message;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw invalid(`unknown field "${unknown}" beside "messages"`);
  if (!Array.isArray(messages) || messages.length === 0) throw invalid('"messages" must be an array of messages');
  return { service, messages };
}

function invalid(message: string): BeckonError {
  return toError(problem('invalid_frame', message));
}
