import { type BlobLike, bytesOf, encodeJson, isBlob } from '../../protocol/data.ts';
import { MAX_DECODED_BYTES } from '../../protocol/limits.ts';
import { utf8Length } from '../../protocol/utf8.ts';
import { BeckonError } from '../errors.ts';

/** Data as it goes into a message. */
export interface EncodedData {
  readonly json: string;
  /** The bytes that `json` takes in UTF-8. */
  readonly bytes: number;
  /** The steps that led to it, in their order. `undefined`: none, the JSON is the data. */
  readonly encoding?: string | undefined;
}

/** Bytes, or what has to be read to have them. */
export type BytesSource = Uint8Array<ArrayBuffer> | BlobLike;

/** Encodes what is more than a short JSON text. */
interface Encoding {
  encodeBytes(source: BytesSource): Promise<EncodedData>;
  compressJson(plain: EncodedData): Promise<EncodedData>;
}

/**
 * From how many bytes on the client compresses data if that takes less of a frame. DynamoDB bills a write by the KB and API
 * Gateway a frame by 32 KB: below, nobody would pay less, and everybody can read what is not compressed.
 */
export const MIN_COMPRESSED_BYTES = 1_024;

/**
 * Takes the data as it is now: later changes to it change nothing. What is returned encodes it.
 * @param load Loads what encodes bytes and compresses.
 * @throws TypeError when the data is neither JSON nor bytes: see `encodeJson` in the protocol.
 * @throws BeckonError `message_too_large` for what no compression makes small enough. What is returned rejects with `load_failed`.
 */
export function prepareData(
  data: unknown,
  compress: boolean,
  load: () => Promise<Encoding>,
): () => EncodedData | Promise<EncodedData> {
  const source = isBlob(data) ? data : bytesOf(data);
  if (source) {
    checkSize('size' in source ? source.size : source.length);
    return async () => (await load()).encodeBytes(source);
  }
  const json = encodeJson(data);
  const plain = { json, bytes: utf8Length(json) };
  checkSize(plain.bytes);
  if (!compress || plain.bytes < MIN_COMPRESSED_BYTES) return () => plain;
  // JSON that nothing compresses can be sent as it is.
  return () =>
    load().then(
      (encoding) => encoding.compressJson(plain),
      () => plain,
    );
}

/** @throws BeckonError `message_too_large`. */
export function checkSize(bytes: number, maxBytes: number = MAX_DECODED_BYTES): void {
  if (bytes <= maxBytes) return;
  throw new BeckonError('message_too_large', `The data has ${bytes} bytes; at most ${maxBytes} are allowed.`);
}
