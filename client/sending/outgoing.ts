import { messageCharge } from '../../protocol/charges.ts';
import type { Limits, MessageInput } from '../../protocol/index.ts';
import type { Tariff } from '../../protocol/limits.ts';
import { utf8Length } from '../../protocol/utf8.ts';
import { countFitting, LONGEST_FRAME_ID } from '../connection/frame-size.ts';
import { tooLarge } from '../connection/requests.ts';
import { toError } from '../errors.ts';
import { checkSize, type EncodedData } from './data.ts';

/** Whom a message is for. */
export type To = { readonly user: string } | { readonly users: readonly string[] } | { readonly room: string };

/** What a message says besides its data. Fields that are `undefined` are left out. */
export type MessageFields = { readonly to: To } & Pick<
  MessageInput,
  'id' | 'ephemeral' | 'ttlSeconds' | 'echo' | 'receipt'
>;

/**
 * A message as it goes into a frame: encoded once, so that it cannot change while it waits. The text is put together, rather than
 * parsed and encoded again: for a message of 2 KB that takes 3 µs instead of 95, for a frame of twenty 23 µs instead of 2 ms. A
 * stored message has nothing but its text.
 */
export interface OutgoingMessage {
  readonly text: string;
  /** The most that it takes of a frame, in UTF-8. */
  readonly bytes: number;
}

/** The end of a message that may have been sent before. */
const RETRY = ',"retry":true}';

/**
 * Encodes a message, and refuses one that would close the connection. The server judges the other fields: their schema
 * would be a fifth of this client.
 * @throws BeckonError `message_too_large`, `frame_too_large`.
 */
export function encodeMessage(
  fields: MessageFields,
  { json, bytes, encoding }: EncodedData,
  limits: Pick<Limits, 'maxDataBytes' | 'maxFrameBytes'>,
): OutgoingMessage {
  checkSize(bytes, limits.maxDataBytes);
  const text = `${JSON.stringify({ ...fields, encoding }).slice(0, -1)},"data":${json}}`;
  // Room for saying that it is sent again: a message that fitted once must fit then, too.
  const message = { text, bytes: utf8Length(text) - 1 + RETRY.length };
  const frameBytes = message.bytes + EMPTY_FRAME_BYTES;
  if (frameBytes > limits.maxFrameBytes) throw toError(tooLarge(frameBytes, limits.maxFrameBytes));
  return message;
}

/** The frame that carries the messages; those marked as retries may have been sent before. */
export function encodeFrame(
  id: string,
  messages: readonly (Pick<OutgoingMessage, 'text'> & { readonly retry: boolean })[],
): string {
  const texts = messages.map(({ text, retry }) => (retry ? text.slice(0, -1) + RETRY : text));
  return `{"action":"sendMessage","id":"${id}","messages":[${texts.join()}]}`;
}

/** The bytes of a frame without its messages and the commas between them. */
const EMPTY_FRAME_BYTES = encodeFrame(LONGEST_FRAME_ID, []).length;

/** How many of the first messages fit into one frame. */
export function countMessages(messages: readonly OutgoingMessage[], limits: Limits): number {
  return countFitting(
    messages.map(({ bytes }) => bytes),
    { emptyBytes: EMPTY_FRAME_BYTES, maxBytes: limits.maxFrameBytes, maxItems: limits.maxMessagesPerFrame },
  );
}

/** Counts the first messages that fit into one frame and cost at most `maxUnits` together, at least one; and what they cost. */
export function fillFrame(messages: readonly OutgoingMessage[], limits: Limits, maxUnits: number) {
  let units = 0;
  let count = 0;
  for (const { text } of messages.slice(0, countMessages(messages, limits))) {
    const charge = chargeOf(text, limits.tariff);
    if (count > 0 && units + charge > maxUnits) break;
    units += charge;
    count += 1;
  }
  return { count, units };
}

/**
 * Tells what a message is charged, as the server computes it: from its text, because a message that was stored has nothing else,
 * and the tariff may have changed meanwhile.
 * @param tariff `undefined`: the server tells none, and charges one unit for each message.
 */
function chargeOf(text: string, tariff: Tariff | undefined): number {
  try {
    const message = JSON.parse(text);
    return messageCharge(message, utf8Length(JSON.stringify(message.data)), tariff as Tariff);
  } catch {
    // Without a tariff; or with recipients that nobody can count, and then the server refuses the message.
    return 1;
  }
}
