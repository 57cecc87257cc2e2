import { describe, expect, test } from 'vitest';
import { createVerifier, parseAuthorization } from '../../../../local/iam/signature.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SCOPE = 'AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';

function isSigned(method: string, target: string, signature: string, secret = SECRET): boolean {
  const header = `AWS4-HMAC-SHA256 Credential=${SCOPE}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  const authorization = parseAuthorization(header);
  if (!authorization) throw new Error('the header is malformed');
  const [path = '', rawQuery = ''] = target.split('?');
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };
  return createVerifier().isSigned({ method, path, rawQuery, headers, body: Buffer.alloc(0) }, authorization, secret);
}

const VANILLA = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31';

/** Of AWS's Signature Version 4 Test Suite. */
describe("AWS's vectors", () => {
  test.each([
    ['get-vanilla', 'GET', '/', VANILLA],
    ['get-relative', 'GET', '/example/..', VANILLA],
    ['get-relative-relative', 'GET', '/example1/example2/../..', VANILLA],
    ['get-slash', 'GET', '//', VANILLA],
    ['get-slash-dot-slash', 'GET', '/./', VANILLA],
    ['get-utf8', 'GET', '/ሴ', '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85'],
    ['get-space', 'GET', '/example space/', '652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741'],
    [
      'get-vanilla-query-order-key-case',
      'GET',
      '/?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    ['post-vanilla', 'POST', '/', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
  ])('%s', (_, method, target, signature) => {
    expect(isSigned(method, target, signature)).toBe(true);
    expect(isSigned(method, target, signature, 'wrong')).toBe(false);
  });
});

test.each([
  ['', 'nothing'],
  ['Bearer abc', 'another scheme'],
  [`AWS4-HMAC-SHA256 Credential=${SCOPE}, SignedHeaders=host`, 'no signature'],
  [`AWS4-HMAC-SHA256 Credential=AKID/20150830/us-east-1/s, SignedHeaders=host, Signature=${VANILLA}`, 'half a scope'],
  [`AWS4-HMAC-SHA256 Credential=${SCOPE}, SignedHeaders=host, Signature=00`, 'a short signature'],
])('%j is no authorization: %s', (header) => {
  expect(parseAuthorization(header)).toBeUndefined();
});
