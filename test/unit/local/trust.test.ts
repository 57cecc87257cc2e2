import { describe, expect, test } from 'vitest';
import { explainRefusal, findIssuer, hostsOf, type TrustedIssuer } from '../../../local/trust.ts';

const LOGIN: TrustedIssuer = {
  issuer: 'https://login.example.com/',
  claims: { aud: 'my-app' },
  jwksUrl: 'https://keys.example.com:8443/jwks',
};
const POOL: TrustedIssuer = { issuer: 'https://pool.example/p', claims: { client_id: 'abc' } };

describe('the issuer to stand in for', () => {
  test('is one that functions trust', () => {
    expect(findIssuer(LOGIN.issuer, [POOL, LOGIN])).toBe(LOGIN);
    expect(hostsOf(LOGIN)).toEqual(['login.example.com:443', 'keys.example.com:8443']);
  });

  test('may be any, where nothing is known of trust', () => {
    expect(findIssuer('https://a.example/b/', [])).toEqual({
      issuer: 'https://a.example/b/',
      claims: {},
      jwksUrl: 'https://a.example/b/.well-known/jwks.json',
    });
  });

  test('publishes its keys', () => {
    expect(() => findIssuer(POOL.issuer, [POOL])).toThrow('signs tokens with a shared secret');
  });
});

describe('the explanation of a refused token', () => {
  const tokenOf = (claims: unknown) =>
    ['{"alg":"ES256"}', JSON.stringify(claims), 'signature']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
  const explain = (header: string, statusCode: 401 | 403 = 401, ...more: [string, string][]) =>
    explainRefusal(
      { statusCode, headers: [['sec-websocket-version', '13'], ['authorization', header], ...more] },
      [LOGIN, POOL],
      Date.UTC(2030, 0),
    );

  test.each([
    ['a bearer', (token: string) => `Bearer ${token}`],
    ['a subprotocol', (token: string) => `beckon.v1, bearer.${token}`],
  ])('is said of %s', (_, header) => {
    expect(explain(header(tokenOf({ iss: 'https://a.example', aud: ['x'], exp: Date.UTC(2029, 0) / 1000 })))).toBe(
      'an authorizer refused a token: it has iss "https://a.example", aud ["x"], client_id missing; it expired at 2029-01-01T00:00:00.000Z; ' +
        'the stack trusts tokens with iss "https://login.example.com/", aud "my-app"; or iss "https://pool.example/p", client_id "abc"',
    );
  });

  test('is its signature or the page’s origin, where all else is as it should be', () => {
    const token = tokenOf({ iss: LOGIN.issuer, aud: ['other', 'my-app'], exp: Date.UTC(2031, 0) / 1000 });
    expect(explain(token)).toMatch(/; so its signature or another claim is wrong$/);
    expect(explain(token, 403)).toBeUndefined();
    expect(explain(token, 403, ['Origin', 'http://localhost:5173'])).toBe(
      'an authorizer refused a page of http://localhost:5173: its token is good, so the stack does not allow this origin',
    );
    expect(explain(tokenOf({ iss: LOGIN.issuer, aud: 'other' }), 403)).toContain('aud "other"');
  });

  test.each(['Bearer abc', 'eyJ.eyJ.x', `Bearer ${tokenOf([1])}`])('is not said of %s, which is no token', (header) => {
    expect(explain(header)).toBeUndefined();
  });
});
