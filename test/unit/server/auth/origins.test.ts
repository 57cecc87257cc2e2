import { describe, expect, test } from 'vitest';
import { canonicalOrigin, createOriginCheck, isOrigin, ORIGIN_PATTERN } from '../../../../server/auth/origins.ts';

/** As the stack's parameter takes it. */
const isParameter = (text: string) => new RegExp(`^(?: *(?:${ORIGIN_PATTERN})? *)$`).test(text);

const EXTENSION = 'abcdefghijklmnopabcdefghijklmnop';
const UUID = '8c4e5a8e-1b2c-4d3e-8f90-a1b2c3d4e5f6';

describe('an origin that pages have', () => {
  test.each([
    'https://app.example.com',
    'https://app.example.com:8443',
    'http://localhost',
    'http://localhost:3000',
    'http://127.0.0.1:5173',
    'http://[::1]:3000',
    'https://xn--bcher-kva.example',
    'https://my_app.example.com',
    'https://a.b.c.d.example.com',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'http://tauri.localhost',
    'https://tauri.localhost',
    `chrome-extension://${EXTENSION}`,
    `moz-extension://${UUID}`,
    `safari-web-extension://${UUID}`,
    'app://obsidian.md',
    'file://',
    'null',
  ])('%s may be listed, and then its pages may connect, and no others', (origin) => {
    expect({ isOrigin: isOrigin(origin), isParameter: isParameter(origin) }).toEqual({
      isOrigin: true,
      isParameter: true,
    });
    const isAllowed = createOriginCheck([origin]);
    expect(isAllowed(origin, undefined)).toBe(true);
    for (const other of ['https://evil.example', `${origin}.evil.example`, `x${origin}`, '*', '']) {
      expect({ other, allowed: isAllowed(other, undefined) }).toEqual({ other, allowed: false });
    }
  });
});

describe('a text that is meant as an origin, but never sent', () => {
  test.each([
    ['https://app.example.com/', 'https://app.example.com'],
    ['https://app.example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['capacitor://localhost/', 'capacitor://localhost'],
    ['https:app.example.com', 'https://app.example.com'],
  ])('%s is refused where somebody can be told, and counts as %s where nobody can', (text, meant) => {
    expect({ isOrigin: isOrigin(text), isParameter: isParameter(text) }).toEqual({
      isOrigin: false,
      isParameter: false,
    });
    expect(canonicalOrigin(text)).toBe(meant);
    expect(createOriginCheck([text])(meant, undefined)).toBe(true);
  });

  test.each([
    'https://*.example.com',
    'https://*',
    '*.example.com',
    'app.example.com',
    'localhost:3000',
    'https://app.example.com/chat',
    'https://app.example.com?x=1',
    'https://app.example.com#x',
    'https://user@app.example.com',
    'https://a.example,https://b.example',
    'https://a.example https://b.example',
    'wss://ws.example.com',
    'ws://localhost:4600',
    'file:///home/alice/index.html',
    'data:text/html,x',
    'about:blank',
    'https://',
    'NULL',
  ])('%s is refused, and allows nothing', (text) => {
    expect({ isOrigin: isOrigin(text), isParameter: text.includes(',') || isParameter(text) }).toEqual({
      isOrigin: false,
      isParameter: text.includes(','),
    });
    expect(canonicalOrigin(text)).toBeUndefined();
    const isAllowed = createOriginCheck([text]);
    for (const origin of ['https://app.example.com', 'https://evil.example', 'null', text])
      expect(isAllowed(origin, undefined)).toBe(false);
  });
});

test('letter case does not count, in a list or from a browser', () => {
  expect(createOriginCheck(['https://APP.Example.com'])('https://app.example.com', undefined)).toBe(true);
  const upperCase = `safari-web-extension://${UUID.toUpperCase()}`;
  expect(createOriginCheck([upperCase])(upperCase, undefined)).toBe(true);
  expect(isOrigin(upperCase) && isParameter(upperCase) && isParameter('https://APP.Example.com')).toBe(true);
});

test('another scheme, another port, a dot at the end: another origin', () => {
  const isAllowed = createOriginCheck(['https://app.example.com']);
  for (const other of ['http://app.example.com', 'https://app.example.com:8443', 'https://app.example.com.'])
    expect(isAllowed(other, undefined)).toBe(false);
});

test('the parameter may be empty, and may have blanks after its commas', () => {
  expect([isParameter(''), isParameter(' https://app.example.com')]).toEqual([true, true]);
});

test('"*" allows every page, whatever it sends', () => {
  const isAllowed = createOriginCheck(['*']);
  for (const origin of ['https://any.example', 'null', '', 'garbage']) expect(isAllowed(origin, undefined)).toBe(true);
});

test('the API’s own address is allowed, and that of another one is not', () => {
  const isAllowed = createOriginCheck([]);
  expect(isAllowed('https://ws.example.com', 'ws.example.com')).toBe(true);
  expect(isAllowed('https://ws.example.com:443', 'ws.example.com')).toBe(true);
  expect(isAllowed('http://ws.example.com', 'ws.example.com')).toBe(false);
  expect(isAllowed('https://example.com', 'ws.example.com')).toBe(false);
  expect(isAllowed('https://undefined', undefined)).toBe(false);
});
