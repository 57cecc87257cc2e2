import { type BlobLike, bytesOf, encodeJson, isBlob } from '../../protocol/data.ts';
import type { Json, Message } from '../../protocol/index.ts';
import { MAX_DECODED_BYTES } from '../../protocol/limits.ts';
import { everyNumber, parseExactly } from '../../protocol/numbers.ts';
import { fromBase64, toBase64 } from '../base/base64.ts';
import { decodeUtf8, utf8Length } from '../base/utf8.ts';
import { BeckonError } from '../errors.ts';
import { gunzip, gzip } from './gzip.ts';

/** Data as it goes into a message. */
export interface EncodedData {
  readonly json: string;
  /** The bytes that `json` takes in UTF-8. */
  readonly bytes: number;
  /** The steps that led to it, in their order. `undefined`: none, the JSON is the data. */
  readonly encoding?: string | undefined;
}

/** What a browser has, and what resembles one. */
interface Globals {
  readonly FileReader: new () => {
    readonly result: string;
    readonly error: unknown;
    onload: unknown;
    onerror: unknown;
    readAsDataURL(blob: BlobLike): void;
  };
}

/**
 * From how many bytes on it is tried whether compressed data takes less of a frame. DynamoDB bills a write by the KB and API
 * Gateway a frame by 32 KB: below, nobody would pay less, and what is not compressed can be read by everybody.
 */
const MIN_COMPRESSED_BYTES = 1_024;

/**
 * Takes the data as it is now; whatever happens to it later changes nothing. What is returned encodes it.
 * @throws TypeError when the data is neither JSON nor bytes: see `encodeJson` in the protocol.
 * @throws BeckonError `message_too_large` for what no compression makes small enough.
 */
export function prepareData(data: unknown, compress: boolean): () => EncodedData | Promise<EncodedData> {
  if (isBlob(data)) {
    checkSize(data.size);
    return async () => encodeBytes(await readBlob(data), compress);
  }
  const bytes = bytesOf(data);
  if (bytes) {
    checkSize(bytes.length);
    return () => encodeBytes(bytes, compress);
  }
  const json = encodeJson(data);
  const length = utf8Length(json);
  checkSize(length);
  return () => smaller({ json, bytes: length }, json, compress && 'json/gzip/base64');
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

function encodeBytes(bytes: Uint8Array<ArrayBuffer>, compress: boolean): EncodedData | Promise<EncodedData> {
  return smaller(inBase64(bytes, 'base64'), bytes, compress && 'gzip/base64');
}

/** `plain`, or the source of it compressed if that takes less of a frame, what has to be said about it included. */
function smaller(
  plain: EncodedData,
  source: Uint8Array<ArrayBuffer> | string,
  encoding: string | false,
): EncodedData | Promise<EncodedData> {
  if (!encoding || plain.bytes < MIN_COMPRESSED_BYTES) return plain;
  return gzip(source).then((bytes) => {
    const compressed = bytes && inBase64(bytes, encoding);
    return compressed && sizeInFrame(compressed) < sizeInFrame(plain) ? compressed : plain;
  });
}

function sizeInFrame({ bytes, encoding }: EncodedData): number {
  return bytes + (encoding ? `"encoding":"${encoding}",`.length : 0);
}

function inBase64(bytes: Uint8Array, encoding: string): EncodedData {
  const json = `"${toBase64(bytes)}"`;
  return { json, bytes: json.length, encoding };
}

async function decodeMessage(message: Message): Promise<Message> {
  const { encoding, ...others } = message;
  const steps = /^(json\/)?(gzip\/)?base64$/.exec(encoding ?? '');
  if (!steps) return message;
  try {
    // As if it were JSON: what the data is, is between its sender and the application.
    return { ...others, data: (await decodeData(message.data as string, steps)) as Json };
  } catch {
    // The engine tells of whatever is handed on with an encoding.
    return message;
  }
}

async function decodeData(base64: string, [, json, gzipped]: RegExpExecArray): Promise<unknown> {
  const packed = fromBase64(base64);
  const bytes = gzipped ? await gunzip(packed, MAX_DECODED_BYTES) : packed;
  return json ? parseData(decodeUtf8(bytes)) : bytes;
}

/** @throws Error for what is not JSON, or has numbers in it that would become others. */
function parseData(text: string): unknown {
  const data = parseExactly(text);
  if (!everyNumber(data, Number.isFinite)) throw new RangeError('a double cannot carry a number in it');
  return data;
}

/** Not every `Blob` can be read by itself: those of jsdom and of React Native cannot. */
async function readBlob(blob: BlobLike): Promise<Uint8Array<ArrayBuffer>> {
  if (blob.size === 0) return new Uint8Array();
  if (blob.arrayBuffer as unknown) return new Uint8Array(await blob.arrayBuffer());
  const url = await new Promise<string>((resolve, reject) => {
    const reader = new (globalThis as object as Globals).FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
  return fromBase64(url.slice(url.indexOf(',') + 1));
}
