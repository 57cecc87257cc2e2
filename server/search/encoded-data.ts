import { gunzipSync } from 'node:zlib';
import {
  isWithinDepth,
  type Json,
  MAX_DATA_DEPTH,
  MAX_DECODED_BYTES,
  type Message,
  parseJson,
} from '../../protocol/index.ts';

/** The encodings that the client uses for long JSON. Other encodings contain no words. */
const ENCODED_JSON = /^json\/(gzip\/)?base64$/;

/** Whether {@link readData} can read the data of a message, unless it is broken. */
export function isReadable({ encoding }: Pick<Message, 'encoding'>): boolean {
  return encoding === undefined || ENCODED_JSON.test(encoding);
}

/**
 * The data of a message before the client encoded it; `null` if it is broken, or larger or more deeply nested than the
 * client would send. It never inflates more than 256 KB.
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
    // The recipients can decode it, or not: that is not the server's concern.
    return undefined;
  }
}
