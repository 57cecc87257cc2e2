import { isObject, isUserId, NAME_RULE, problem, type SendFailure, type SendResult } from '../protocol/index.ts';
import { sendBatch, sendMetrics } from './batch.ts';
import type { Now } from './clock.ts';
import { BeckonError } from './errors.ts';
import type { Logger } from './logger.ts';
import type { Send } from './send.ts';

/** The name that recipients see when the event gives none. */
const DEFAULT_SERVICE = 'server';

/**
 * The `send` function: `{ to, data, id?, service? }` or `{ messages: [{ to, data, id? }, …], service? }`.
 * @returns the results, in the order of the messages
 * @throws BeckonError if the event is not of that shape, or its only message cannot be sent: the invocation fails, so
 *   that an asynchronous one ends up where failures are looked at
 */
export function createServiceSend({ send, log, now }: { send: Send; log: Logger; now: Now }) {
  return async (event: unknown): Promise<{ results: readonly (SendResult | SendFailure)[] }> => {
    const startedAt = now();
    const { service, messages } = parseEvent(event);
    const sent = await sendBatch(send, { from: { service } }, messages, { isExact });
    if (!sent.ok) throw new BeckonError(sent.problem);
    log({ route: 'send', outcome: 'ok', durationMs: now() - startedAt, metrics: sendMetrics(sent.value) });
    const [first] = sent.value;
    if (sent.value.length === 1 && first && 'error' in first) throw new BeckonError(first.error);
    return { results: sent.value };
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
  return new BeckonError(problem('invalid_frame', message));
}
