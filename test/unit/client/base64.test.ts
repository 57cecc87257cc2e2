import fc from 'fast-check';
import { expect, it, test, vi } from 'vitest';
import { fromBase64 } from '../../../client/base/base64.ts';
import { decodeUtf8, toBase64 } from '../../../client/encoding/text.ts';
import { utf8Length } from '../../../protocol/utf8.ts';

it('is what Node makes of the same bytes, and is read in every manner', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const text = Buffer.from(bytes).toString('base64');
      expect(toBase64(bytes)).toBe(text);
      for (const manner of [text, text.replace(/=+$/, ''), text.replace(/.{5}/g, '$&\n')])
        expect(fromBase64(manner)).toEqual(new Uint8Array(bytes));
    }),
  );
});

it.each(['A', '§', 'AA=A', 'AAA===', 'AAAA=AAA', 'AA-_'])('refuses %s', (text) => {
  expect(() => fromBase64(text)).toThrow(RangeError);
});

// Code units of all kinds, so that some are lone surrogates.
const anyText = fc
  .array(fc.constantFrom('a', '\u007f', '\u0080', 'é', '\u07ff', '\u0800', '漢', '\uffff', '👋', '\ud800', '\udc00'))
  .map((characters) => characters.join(''));

test('texts take as many bytes as TextEncoder says', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(utf8Length(text)).toBe(new TextEncoder().encode(text).length);
    }),
  );
});

test.each(['with', 'without'])('and come back of them, %s TextDecoder', (manner) => {
  if (manner === 'without') vi.stubGlobal('TextDecoder', undefined);
  fc.assert(
    fc.property(anyText, (text) => {
      const wellFormed = text.replaceAll(/\p{Surrogate}/gu, '');
      expect(decodeUtf8(new TextEncoder().encode(wellFormed))).toBe(wellFormed);
    }),
  );
  expect(() => decodeUtf8(Uint8Array.of(0x61, 0xff))).toThrow(Error);
  vi.unstubAllGlobals();
});
