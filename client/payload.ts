import type { Json, Message } from '../protocol/index.ts';
import { MAX_DECODED_BYTES } from '../protocol/limits.ts';
import { BeckonError } from './errors.ts';

/** Data as it goes into a message. */
export interface EncodedData {
  readonly json: string;
  /** The bytes that `json` takes in UTF-8. */
  readonly bytes: number;
  /** The steps that led to it, in their order. `undefined`: none, the JSON is the data. */
  readonly encoding?: string | undefined;
}

/**
 * From how many bytes on it is tried whether compressed data takes less of a frame. DynamoDB bills a write by the KB and API
 * Gateway a frame by 32 KB: below, nobody would pay less, and what is not compressed can be read by everybody.
 */
const MIN_COMPRESSED_BYTES = 1_024;

/**
 * Takes the data as it is now; whatever happens to it later changes nothing. What is returned encodes it.
 * @throws TypeError when the data is neither JSON nor bytes: `undefined`, a function, a BigInt, something cyclic.
 * @throws BeckonError `message_too_large` for what no compression makes small enough.
 */
export function prepareData(data: unknown, compress: boolean): () => EncodedData | Promise<EncodedData> {
  if (data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data)) {
    const blob = new Blob([data as Blob]);
    checkSize(blob.size);
    return async () => smaller(toBase64(await readBytes(blob), 'base64'), blob, compress && 'gzip/base64');
  }
  // Its type does not say so: there is no JSON for `undefined`, functions and symbols.
  const json = JSON.stringify(data) as string | undefined;
  if (json === undefined) throw new TypeError(`The data must be JSON or bytes, got ${typeof data}`);
  const bytes = new TextEncoder().encode(json).length;
  checkSize(bytes);
  return () => smaller({ json, bytes }, json, compress && 'json/gzip/base64');
}

/** @throws BeckonError `message_too_large`. */
export function checkSize(bytes: number, maxBytes: number = MAX_DECODED_BYTES): void {
  if (bytes <= maxBytes) return;
  throw new BeckonError('message_too_large', `The data has ${bytes} bytes; at most ${maxBytes} are allowed.`);
}

/** The messages with their data as it was before it was encoded. Those that cannot be decoded are left as they are. */
export function decodeMessages(messages: readonly Message[]): readonly Message[] | Promise<readonly Message[]> {
  const isEncoded = messages.some(({ encoding }) => encoding !== undefined);
  return isEncoded ? Promise.all(messages.map(decodeMessage)) : messages;
}

/** `plain`, or the source of it compressed if that takes less of a frame, what has to be said about it included. */
function smaller(
  plain: EncodedData,
  source: Blob | string,
  encoding: string | false,
): EncodedData | Promise<EncodedData> {
  if (!encoding || plain.bytes < MIN_COMPRESSED_BYTES || !globalThis.CompressionStream) return plain;
  return pipe(source, new CompressionStream('gzip')).then(async (blob) => {
    const compressed = toBase64(await readBytes(blob), encoding);
    return sizeInFrame(compressed) < sizeInFrame(plain) ? compressed : plain;
  });
}

function sizeInFrame({ bytes, encoding }: EncodedData): number {
  return bytes + (encoding ? `"encoding":"${encoding}",`.length : 0);
}

async function decodeMessage(message: Message): Promise<Message> {
  const { encoding, ...others } = message;
  const steps = /^(json\/)?(gzip\/)?base64$/.exec(encoding ?? '');
  if (!steps) return message;
  try {
    // As if it were JSON: what the data is, is between its sender and the application.
    return { ...others, data: (await decodeData(message.data as string, steps)) as Json };
  } catch {
    return message;
  }
}

async function decodeData(base64: string, [, json, gzip]: RegExpExecArray): Promise<unknown> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const blob = gzip ? await pipe(bytes, new DecompressionStream('gzip'), MAX_DECODED_BYTES) : new Blob([bytes]);
  return json ? JSON.parse(await blob.text()) : readBytes(blob);
}

/** @throws RangeError when more than `maxBytes` come out. */
async function pipe(
  source: Blob | string | Uint8Array<ArrayBuffer>,
  through: CompressionStream | DecompressionStream,
  maxBytes = Number.POSITIVE_INFINITY,
): Promise<Blob> {
  const reader = new Blob([source]).stream().pipeThrough(through).getReader();
  const chunks: Blob | string | Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    size += chunk.value.length;
    if (size > maxBytes) {
      await reader.cancel();
      throw new RangeError();
    }
    chunks.push(chunk.value);
  }
  return new Blob(chunks);
}

async function readBytes(blob: Blob): Promise<Uint8Array> {
  return new Uint8Array(await blob.arrayBuffer());
}

function toBase64(bytes: Uint8Array, encoding: string): EncodedData {
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  const json = `"${btoa(binary)}"`;
  return { json, bytes: json.length, encoding };
}
