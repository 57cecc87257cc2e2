import fc from 'fast-check';
import { expect, it, test, vi } from 'vitest';
import { fromBase64, toBase64 } from '../../../client/base64.ts';
import { decodeUtf8, utf8Length } from '../../../client/utf8.ts';

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

test('texts take as many bytes as TextEncoder says, and come back of them with and without TextDecoder', () => {
  const anyText = fc.string({
    unit: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\ud800', '\udc00', '👋', 'é')),
  });
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = new TextEncoder().encode(text);
      expect(utf8Length(text)).toBe(bytes.length);
      if (/\p{Surrogate}/u.test(text) || text.startsWith('\ufeff')) return;
      expect(decodeUtf8(bytes)).toBe(text);
      vi.stubGlobal('TextDecoder', undefined);
      expect(decodeUtf8(bytes)).toBe(text);
      vi.unstubAllGlobals();
    }),
  );
});
