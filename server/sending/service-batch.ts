import {
  arrivingData,
  checkServiceMessage,
  type Data,
  invalidDataError,
  isObject,
  type Json,
  type MessageFailure,
  problem,
  type Result,
  type Schema,
  type SendResult,
  type ServiceMessageInput,
  validate,
} from '../../protocol/index.ts';
import { failure, sendBatch } from './batch.ts';
import type { Origin, Send } from './send.ts';

/** The name of a service that gives none. */
export const DEFAULT_SERVICE = 'server';

/** A message from an application. Its data is not JSON yet. */
export type ServiceMessage<Outgoing = Data> = Omit<ServiceMessageInput, 'data'> & { readonly data: Outgoing };

/**
 * Encodes the data of a message as the client does: bytes in base64, everything else as JSON.
 * @param schema Checks the data, unless the application has encoded it.
 * @throws TypeError for other data, and for data that the schema rejects; whatever a getter or a `toJSON` of the data throws
 */
export async function encodeMessage<M extends object>(message: M, schema?: Schema): Promise<M> {
  const { data, encoding } = message as Partial<ServiceMessage>;
  const arriving = await arrivingData(data);
  if (schema && encoding === undefined) {
    const { issues } = await validate(schema, arriving);
    if (issues) throw invalidDataError(issues);
  }
  if (!(arriving instanceof Uint8Array)) return { ...message, data: arriving as Json };
  if (encoding !== undefined)
    throw new TypeError(`The data must be text to have the encoding ${JSON.stringify(encoding)}, and it is bytes`);
  return { ...message, data: Buffer.from(arriving).toString('base64'), encoding: 'base64' };
}

/**
 * Sends messages of an application, and judges each by itself: one whose data cannot be encoded does not stop the
 * others. The results are in the order of the messages.
 */
export async function sendServiceBatch(
  send: Send,
  origin: Origin,
  messages: readonly ServiceMessage[],
  schema?: Schema,
): Promise<Result<readonly (SendResult | MessageFailure)[]>> {
  const encoded = await Promise.all(messages.map((message) => tryEncodeMessage(message, schema)));
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

async function tryEncodeMessage(message: unknown, schema?: Schema): Promise<Result<unknown>> {
  try {
    return { ok: true, value: isObject(message) ? await encodeMessage(message, schema) : message };
  } catch (error) {
    return { ok: false, problem: problem('invalid_frame', error instanceof Error ? error.message : String(error)) };
  }
}
