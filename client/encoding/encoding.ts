import type { BlobLike } from '../../protocol/data.ts';
import type { Json, Message } from '../../protocol/index.ts';
import { MAX_DECODED_BYTES } from '../../protocol/limits.ts';
import { everyNumber, parseExactly } from '../../protocol/numbers.ts';
import type { ReceivedMessage } from '../api.ts';
import { fromBase64 } from '../base/base64.ts';
import { ClientPart } from '../client.ts';
import type { Core } from '../core.ts';
import { BeckonError, describeCode } from '../errors.ts';
import type { EncodingPart } from '../parts.ts';
import { type BytesSource, type EncodedData, MIN_COMPRESSED_BYTES } from '../sending/data.ts';
import { gunzip, gzip } from './gzip.ts';
import { decodeUtf8, toBase64 } from './text.ts';

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

/** Encodes bytes, compresses, and decodes both. A page loads it with the first message that is more than a short JSON text. */
class DataEncoding extends ClientPart implements EncodingPart {
  async encodeBytes(source: BytesSource): Promise<EncodedData> {
    const bytes = 'size' in source ? await readBlob(source) : source;
    const plain = inBase64(bytes, 'base64');
    const mayCompress = this.core.options.compress && plain.bytes >= MIN_COMPRESSED_BYTES;
    return mayCompress ? smaller(plain, bytes, 'gzip/base64') : plain;
  }

  compressJson(plain: EncodedData): Promise<EncodedData> {
    return smaller(plain, plain.json, 'json/gzip/base64');
  }

  /** The messages with their data as it was before it was encoded. A message that cannot be decoded stays as it is. */
  decode(messages: readonly Message[]): Promise<readonly Message[]> {
    return Promise.all(messages.map(decodeMessage));
  }

  tellUndecoded({ id, from, encoding }: ReceivedMessage): void {
    const which = `The encoding is "${encoding}", the id "${id}", the sender ${JSON.stringify(from)}.`;
    this.core.emit('error', new BeckonError('undecodable', `${describeCode('undecodable')} ${which}`));
  }
}

export function createPart(core: Core): EncodingPart {
  return new DataEncoding(core);
}

/** The source compressed, if that takes less of a frame than `plain`, with what has to be said about it. */
async function smaller(
  plain: EncodedData,
  source: Uint8Array<ArrayBuffer> | string,
  encoding: string,
): Promise<EncodedData> {
  const bytes = await gzip(source);
  const compressed = bytes && inBase64(bytes, encoding);
  return compressed && sizeInFrame(compressed) < sizeInFrame(plain) ? compressed : plain;
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
    // The core tells of every message that it hands on with an encoding.
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
