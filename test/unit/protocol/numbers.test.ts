import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkMessage, parseJson } from '../../../protocol/index.ts';

const send = (data: string) => {
  const parsed = parseJson(`{"to":{"user":"bob"},"data":${data}}`);
  return parsed.ok ? checkMessage(parsed.value) : parsed;
};
const REFUSED = {
  problem: {
    code: 'invalid_frame',
    message: '"data" must not hold a number that a double cannot carry: send such a number as text',
  },
};

test.each([
  '9007199254740993',
  '-9007199254740993',
  '9007199254740993.0',
  '1234567890123456789',
  '9223372036854775807',
  '18446744073709551615',
  '123456789012345678901234567890123456789',
  '1e400',
  '-1e400',
  '1.5E+309',
  '1e-400',
  '-0.00001e-400',
])('the number %s is refused rather than changed, however deep it is', (literal) => {
  for (const data of [
    literal,
    `[1,${literal}]`,
    `{"a":{"b":[${literal}]}}`,
    `{ "a" : ${literal} }`,
    `["\\"",${literal}]`,
  ])
    expect(send(data), data).toMatchObject(REFUSED);
});

test.each([
  '0',
  '-0',
  '0.0',
  '0e5',
  '9007199254740991',
  '-9007199254740991',
  '9007199254740994',
  '1000000000000000000',
  '1e21',
  '1.7976931348623157e308',
  '5e-324',
  '0.1',
  // More digits than a double has, as some languages write one: rounded, as fractions always are.
  '0.10000000000000001',
  '3.14159265358979323846',
])('the number %s is taken', (literal) => {
  expect(send(literal)).toMatchObject({ ok: true, value: { data: JSON.parse(literal) } });
});

test('what looks like such a number in a text is a text', () => {
  for (const text of ['9007199254740993', '1e400', '\\"9007199254740993', '\\\\', '"', '{"a":9007199254740993}'])
    expect(send(JSON.stringify(text))).toMatchObject({ ok: true, value: { data: text } });
  expect(send('{"9007199254740993":1}')).toMatchObject({ ok: true });
});

test('every number that JavaScript writes is taken, as it is', () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
      expect(send(JSON.stringify(number))).toMatchObject({ ok: true, value: { data: JSON.parse(String(number)) } });
    }),
    { numRuns: 5_000 },
  );
});

test('every whole number comes out digit by digit, or is refused', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), (number) => {
      const checked = send(String(number));
      if (checked.ok) expect(JSON.stringify((checked.value as { data: number }).data)).toBe(String(number));
      else expect(Number.isSafeInteger(Number(number))).toBe(false);
    }),
    { numRuns: 5_000 },
  );
});

test('a number is not what makes JSON of what is none', () => {
  for (const text of ['09007199254740993', '9007199254740993x', '[1e400', '-', '1e400,']) {
    expect(parseJson(text)).toMatchObject({ ok: false, problem: { code: 'invalid_json' } });
  }
});

test('long texts take no time', () => {
  const text = JSON.stringify({ data: ['\\'.repeat(60_000), '"'.repeat(60_000), '1'.repeat(60_000)], e: '1e5' });
  expect(parseJson(text)).toMatchObject({ ok: true });
});

test('other fields of a frame are told as what they must be', () => {
  const parsed = parseJson('{"to":{"user":"bob"},"data":1,"ttlSeconds":9007199254740993}');
  expect(checkMessage(parsed.ok && parsed.value)).toMatchObject({
    problem: { code: 'invalid_frame', message: '"ttlSeconds" must be a whole number' },
  });
});
