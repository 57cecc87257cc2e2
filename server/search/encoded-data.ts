import { gunzipSync } from 'node:zlib';
import {
  isWithinDepth,
  type Json,
  MAX_DATA_DEPTH,
  MAX_DECODED_BYTES,
  type Message,
  parseJson,
} from '../../protocol/index.ts';

/** How the client encodes JSON that is long, and nothing else that has words in it. */
const ENCODED_JSON = /^json\/(gzip\/)?base64$/;

/** Whether {@link readData} can tell what a message says, unless it is broken. */
export function isReadable({ encoding }: Pick<Message, 'encoding'>): boolean {
  return encoding === undefined || ENCODED_JSON.test(encoding);
}

/**
 * The data of a message as it was before the client encoded it; `null` where that cannot be told, since it is broken, or
 * larger or more deeply nested than the client would send. No more than 256 KB are ever inflated.
 */
export function readData({ data, encoding }: Pick<Message, 'data' | 'encoding'>): Json {
  if (encoding === undefined) return data;
  const gzip = ENCODED_JSON.exec(encoding)?.[1];
  const bytes = Buffer.from(String(data), 'base64');
  const text = gzip ? inflate(bytes) : bytes;
  const parsed = parseJson(text?.toString() ?? '');
  return parsed.ok && isWithinDepth(parsed.value, MAX_DATA_DEPTH) ? (parsed.value as Json) : null;
}

function inflate(bytes: Buffer): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_DECODED_BYTES });
  } catch {
    // Whatever the sender has put there is between them and the recipients.
    return undefined;
  }
}
