import {
  bytesOf,
  checkServiceMessage,
  type Data,
  encodeJson,
  isBlob,
  isObject,
  type Json,
  type MessageFailure,
  problem,
  type Result,
  type SendResult,
  type ServiceMessageInput,
} from '../../protocol/index.ts';
import { failure, sendBatch } from './batch.ts';
import type { Origin, Send } from './send.ts';

/** The name of a service that gives none. */
export const DEFAULT_SERVICE = 'server';

/** A message from an application. Its data is not JSON yet. */
export type ServiceMessage<Outgoing = Data> = Omit<ServiceMessageInput, 'data'> & { readonly data: Outgoing };

/**
 * Encodes the data of a message as the client does: bytes in base64, everything else as JSON.
 * @throws TypeError for other data; whatever a getter or a `toJSON` of the data throws
 */
export async function encodeMessage<M extends object>(message: M): Promise<M> {
  const { data, encoding } = message as Partial<ServiceMessage>;
  const bytes = isBlob(data) ? new Uint8Array(await data.arrayBuffer()) : bytesOf(data);
  if (!bytes) return { ...message, data: JSON.parse(encodeJson(data)) as Json };
  if (encoding !== undefined)
    throw new TypeError(`The data must be text to have the encoding ${JSON.stringify(encoding)}, and it is bytes`);
  return { ...message, data: Buffer.from(bytes).toString('base64'), encoding: 'base64' };
}

/**
 * Sends messages of an application, and judges each by itself: one whose data cannot be encoded does not stop the
 * others. The results are in the order of the messages.
 */
export async function sendServiceBatch(
  send: Send,
  origin: Origin,
  messages: readonly ServiceMessage[],
): Promise<Result<readonly (SendResult | MessageFailure)[]>> {
  const encoded = await Promise.all(messages.map(tryEncodeMessage));
  const sent = await sendBatch(
    send,
    origin,
    encoded.flatMap((result) => (result.ok ? [result.value] : [])),
    { check: checkServiceMessage },
  );
  if (!sent.ok) return sent;
  const outcomes = sent.value.values();
  const results = encoded.map((result, index) => {
    const outcome = result.ok ? outcomes.next().value : failure(messages[index], result.problem);
    if (!outcome) throw new Error('sendBatch gave fewer results than it got messages');
    return outcome;
  });
  return { ok: true, value: results };
}

async function tryEncodeMessage(message: unknown): Promise<Result<unknown>> {
  try {
    return { ok: true, value: isObject(message) ? await encodeMessage(message) : message };
  } catch (error) {
    return { ok: false, problem: problem('invalid_frame', error instanceof Error ? error.message : String(error)) };
  }
}
