import { gunzipSync } from 'node:zlib';
import type { Payload, ReceivedMessage } from '../client/index.ts';
import type { MessageInput, SendResult } from '../protocol/index.ts';
import { readData } from '../server/search/encoded-data.ts';
import type { Origin, Send } from '../server/sending/send.ts';
import { serialTime } from '../server/serial.ts';

/** Records what is sent. */
export interface SentMessages {
  /** Every message that the server has accepted, once each, in the order of their acceptance. */
  readonly messages: readonly ReceivedMessage[];
  /** Records what goes through it. */
  of(send: Send): Send;
}

export function createSentMessages(): SentMessages {
  const messages: ReceivedMessage[] = [];
  return {
    messages,
    of: (send) => async (origin, inputs, gate) => {
      const sent = await send(origin, inputs, gate);
      for (const [at, result] of (sent.ok ? sent.value : []).entries()) {
        const input = inputs[at];
        if (input && !('error' in result) && !result.duplicate) messages.push(toMessage(origin, input, result));
      }
      return sent;
    },
  };
}

function toMessage({ from }: Origin, input: MessageInput, { id, serial }: SendResult): ReceivedMessage {
  const { to, receipt } = input;
  return { id, serial, from, to, sentAt: serialTime(serial), ...(receipt && { receipt }), ...decode(input) };
}

/** The data as it was before the client encoded it; with its encoding if that is not one of the client's. */
function decode({ data, encoding }: MessageInput): Pick<ReceivedMessage, 'data' | 'encoding'> {
  const bytes = () => Buffer.from(String(data), 'base64');
  switch (encoding) {
    case 'base64':
      return { data: new Uint8Array(bytes()) };
    case 'gzip/base64':
      return { data: new Uint8Array(gunzipSync(bytes())) };
    case undefined:
    case 'json/base64':
    case 'json/gzip/base64':
      return { data: readData({ data, ...(encoding !== undefined && { encoding }) }) as Payload };
    default:
      return { data: data as Payload, encoding };
  }
}
