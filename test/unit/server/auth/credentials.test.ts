import { describe, expect, test } from 'vitest';
import { hasTokenInUrl } from '../../../../server/auth/credentials.ts';
import type { Handshake } from '../../../../server/auth/handshake.ts';
import { createForge } from '../../../support/token-forge.ts';

const options = { issuer: 'https://login.example', audience: 'beckon', nowSeconds: () => 1_800_000_000 };
const forge = createForge(options);
const TOKEN = forge.signed();
const [HEADER = '', CLAIMS = '', SIGNATURE = ''] = TOKEN.split('.');

/** The two maps that API Gateway makes of a query: every value, and the last of each key, with one encoding taken off. */
function handshakeOf(query: string): Handshake {
  const pairs = [...new URLSearchParams(query)];
  const all: Record<string, string[]> = {};
  for (const [key, value] of pairs) all[key] = [...(all[key] ?? []), value];
  return { queryStringParameters: Object.fromEntries(pairs), multiValueQueryStringParameters: all };
}

const encoded = (text: string, times: number): string =>
  times === 0 ? text : encodeURIComponent(encoded(text, times - 1));
const everyCharacter = (text: string) => text.replace(/./g, (each) => `%${each.charCodeAt(0).toString(16)}`);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64Url = (text: string) => Buffer.from(text).toString('base64url');
const json = (value: unknown) => encodeURIComponent(JSON.stringify(value));

describe('a token in the URL', () => {
  test.each([
    ['in a parameter of any name', `t=${TOKEN}`],
    ['without a value', TOKEN],
    ['in a key', `${TOKEN}=1`],
    ['in a key, within other text', `access_token[${TOKEN}]=1`],
    ['first of two values', `t=${TOKEN}&t=none`],
    ['last of two values', `t=none&t=${TOKEN}`],
    ['twice', `t=${TOKEN}&t=${TOKEN}`],
    ['as it stands in a header', `authorization=Bearer%20${TOKEN}`],
    ['as it stands in a subprotocol', `protocol=beckon.v1,bearer.${TOKEN}`],
    ['behind a prefix of the same characters', `t=jwt_${TOKEN}`],
    ['before other text', `t=${TOKEN}.and-more`],
    ['between blanks', `t=%20%09${TOKEN}%0A`],
    ['in JSON', `auth=${json({ token: TOKEN })}`],
    ['in JSON within JSON', `auth=${json({ inner: JSON.stringify({ token: TOKEN }) })}`],
    ['in another URL', `next=${encodeURIComponent(`https://app.example/?token=${TOKEN}`)}`],
    [
      'in the JSON serialization',
      `t=${json({ payload: CLAIMS, signatures: [{ protected: HEADER, signature: SIGNATURE }] })}`,
    ],
    ['encoded once', `t=${everyCharacter(TOKEN)}`],
    ['encoded four times', `t=${encoded(everyCharacter(TOKEN), 3)}`],
    ['in base64', `t=${encodeURIComponent(base64(TOKEN))}`],
    ['in base64url behind a prefix', `t=token_${base64Url(TOKEN)}`],
    ['in base64url', `t=${base64Url(TOKEN)}`],
    ['in base64 in base64 in base64', `t=${base64Url(base64Url(base64Url(TOKEN)))}`],
    ['in base64 of JSON, encoded twice', `t=${encoded(base64(JSON.stringify({ token: TOKEN })), 2)}`],
    ['in base64 of an encoded text', `t=${base64Url(everyCharacter(TOKEN))}`],
    ['by its header alone', `h=${HEADER}`],
    ['by its claims alone', `c=${CLAIMS}`],
    ['part by part', `h=${HEADER}&c=${CLAIMS}&s=${SIGNATURE}`],
    ['cut in the middle of its header', `a=${TOKEN.slice(0, 9)}&b=${TOKEN.slice(9)}`],
    ['cut between a key and its value', `${TOKEN.slice(0, 9)}=${TOKEN.slice(9)}`],
    ['cut into repeated parameters', `t=${TOKEN.slice(0, 9)}&t=${TOKEN.slice(9, 60)}&t=${TOKEN.slice(60)}`],
    ['whose header begins with white space', `t=${base64Url(` \n{"typ":"JWT","alg":"ES256"}`)}.${CLAIMS}.${SIGNATURE}`],
    ['without a signature', `t=${base64Url('{"alg":"none"}')}.${CLAIMS}.`],
    ['encrypted', `t=${base64Url('{"alg":"dir","enc":"A128GCM"}')}..AA.AA.AA`],
  ])('%s', (_, query) => {
    expect(hasTokenInUrl(handshakeOf(query))).toBe(true);
  });

  test('is found in either map of the event', () => {
    expect(hasTokenInUrl({ queryStringParameters: { t: TOKEN } })).toBe(true);
    expect(hasTokenInUrl({ multiValueQueryStringParameters: { t: ['none', TOKEN] } })).toBe(true);
  });
});

describe('no token', () => {
  test.each([
    ['no query', ''],
    ['a version', 'sdk=1.4.2'],
    ['a host name', 'host=app.example.com'],
    ['a UUID', 'device=8c4e5a8e-1b2c-4d3e-8f90-a1b2c3d4e5f6'],
    ['a hash', 'build=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['an id of an execution', 'trace=Root=1-6374f33e-0f3721a17111942153e576'],
    ['JSON', `state=${json({ room: 'lobby', tab: 3 })}`],
    ['JSON in base64', `state=${base64Url(JSON.stringify({ room: 'lobby', tab: 3 }))}`],
    ['words', 'q=hey+there,+they+say+eyes+are+blue'],
    ['percent signs that encode nothing', 'q=100%25%25&r=%E0%A4%A'],
  ])('%s', (_, query) => {
    expect(hasTokenInUrl(handshakeOf(query))).toBe(false);
  });
});

test('the longest URL that API Gateway takes is looked through in a moment, whatever it is made of', () => {
  const LENGTH = 4096;
  const hostile = [
    'ey',
    'eyI',
    'eyIiIA',
    'e',
    '%',
    '%25',
    '%65',
    'eyJhbGciOi',
    base64(base64(base64('{"a":"'))),
    'WlhsSw',
    'A',
    'A.',
    '.',
    'ey.',
    '{"',
  ];
  for (const piece of hostile) {
    const text = piece.repeat(LENGTH / piece.length);
    const startedAt = performance.now();
    hasTokenInUrl({ multiValueQueryStringParameters: { [text]: [text] }, queryStringParameters: { [text]: text } });
    expect({ piece, inTime: performance.now() - startedAt < 1000 }).toEqual({ piece, inTime: true });
  }
});
