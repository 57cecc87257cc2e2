import type { Limits, MessageInput } from '../protocol/index.ts';
import { BeckonError } from './errors.ts';
import { countFitting, LONGEST_FRAME_ID } from './frame-size.ts';
import { checkSize, type EncodedData } from './payload.ts';
import { utf8Length } from './utf8.ts';

/** Whom a message is for. */
export type To = { readonly user: string } | { readonly users: readonly string[] } | { readonly room: string };

/** What a message says besides its data. Fields that are `undefined` are left out. */
export type Envelope = { readonly to: To } & Pick<MessageInput, 'id' | 'store' | 'ttlSeconds' | 'echo' | 'receipt'>;

/** A message as it goes into a frame: encoded once, so that it cannot change while it waits. */
export interface OutgoingMessage {
  readonly text: string;
  /** The most that it takes of a frame, in UTF-8. */
  readonly bytes: number;
}

/** What a message that may have been sent before ends with. */
const RETRY = ',"retry":true}';

/**
 * Encodes a message, and refuses what would close the connection. The envelope is the server's to judge: its schema
 * would be a fifth of this client.
 * @throws BeckonError `message_too_large`, `frame_too_large`.
 */
export function encodeMessage(
  envelope: Envelope,
  { json, bytes, encoding }: EncodedData,
  limits: Pick<Limits, 'maxDataBytes' | 'maxFrameBytes'>,
): OutgoingMessage {
  checkSize(bytes, limits.maxDataBytes);
  const text = `${JSON.stringify({ ...envelope, encoding }).slice(0, -1)},"data":${json}}`;
  // Room for saying that it is sent again: a message that fitted once must fit then, too.
  const message = { text, bytes: utf8Length(text) - 1 + RETRY.length };
  const frameBytes = message.bytes + FRAME_ENVELOPE_BYTES;
  if (frameBytes > limits.maxFrameBytes) {
    throw new BeckonError(
      'frame_too_large',
      `With its envelope the message takes a frame of ${frameBytes} bytes; at most ${limits.maxFrameBytes} are allowed.`,
    );
  }
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

/** What a frame takes besides its messages and the commas between them. */
const FRAME_ENVELOPE_BYTES = encodeFrame(LONGEST_FRAME_ID, []).length;

/** How many of the first messages fit into one frame. */
export function countMessages(messages: readonly OutgoingMessage[], limits: Limits): number {
  return countFitting(
    messages.map(({ bytes }) => bytes),
    { envelopeBytes: FRAME_ENVELOPE_BYTES, maxBytes: limits.maxFrameBytes, maxItems: limits.maxMessagesPerFrame },
  );
}
