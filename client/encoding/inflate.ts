import { gunzipSync } from 'fflate';

/** What follows the compressed bytes (RFC 1952 section 2.3.1): a checksum and the length of what they become, 4 bytes each. */
const TRAILER_BYTES = 8;

/**
 * Decompresses where the runtime has no `DecompressionStream`. The library neither bounds what comes out nor checks it.
 * @throws Error for what is not gzip, and for more than `maxBytes`.
 */
export function inflate(bytes: Uint8Array<ArrayBuffer>, maxBytes: number): Uint8Array<ArrayBuffer> {
  const trailer = new DataView(
    bytes.buffer,
    Math.max(bytes.byteOffset, bytes.byteOffset + bytes.length - TRAILER_BYTES),
  );
  const length = trailer.getUint32(4, true);
  if (length > maxBytes) throw new RangeError(`more than ${maxBytes} bytes come out`);
  const whole = gunzipSync(bytes, { out: new Uint8Array(length) });
  if (whole.length !== length || crc32(whole) !== trailer.getUint32(0, true)) throw new Error('the data is damaged');
  return whole as Uint8Array<ArrayBuffer>;
}

/** The checksum of gzip: RFC 1952 section 8. */
function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xed_b8_83_20 : 0);
  }
  return ~crc >>> 0;
}
