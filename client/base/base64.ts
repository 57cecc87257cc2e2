/** The digits of base64 (RFC 4648 section 4), in the order of their values. */
export const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

// By own code, because not every runtime has `btoa` and `atob`.

/**
 * Decodes base64, with or without its padding.
 * @throws RangeError if the text is not base64.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const digits = text.replace(/\s+/g, '').replace(/={1,2}$/, '');
  const bytes = new Uint8Array((digits.length * 3) >> 2);
  let bits = 0;
  let at = 0;
  let length = 0;
  for (const character of digits) {
    const digit = DIGITS.indexOf(character);
    if (digit < 0) break;
    bits = (bits << 6) | digit;
    if (length++ % 4 > 0) bytes[at++] = bits >> (2 * (-length & 3));
  }
  if (length < digits.length || length % 4 === 1) throw new RangeError('The data is not base64.');
  return bytes;
}
