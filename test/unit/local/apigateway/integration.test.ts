import { describe, expect, test } from 'vitest';
import { parseProxyResponse } from '../../../../local/apigateway/integration.ts';

describe('parseProxyResponse', () => {
  test.each([
    [{ statusCode: 200 }, 200, undefined],
    [{ statusCode: '201', body: null, headers: null }, 201, undefined],
    [{ statusCode: 599, body: '', isBase64Encoded: false }, 599, ''],
  ])('takes %j', (payload, statusCode, body) => {
    expect(parseProxyResponse(payload)).toMatchObject({ statusCode, body });
  });

  test.each([
    undefined,
    null,
    'text',
    200,
    [],
    {},
    { statusCode: null },
    { statusCode: '' },
    { statusCode: '2xx' },
    { statusCode: 100 },
    { statusCode: 600 },
    { statusCode: 200.5 },
    { statusCode: 200, body: 5 },
    { statusCode: 200, body: {} },
    { statusCode: 200, headers: 'x' },
    { statusCode: 200, multiValueHeaders: 'x' },
  ])('finds %j malformed', (payload) => {
    expect(parseProxyResponse(payload)).toBeUndefined();
  });

  test('finds a header by its name in any case', () => {
    const response = parseProxyResponse({ statusCode: 200, headers: { 'x-OnE': 1, two: null } });
    expect(response?.header('X-One')).toEqual(['1']);
    expect(response?.header('two')).toEqual([]);
    expect(response?.header('three')).toEqual([]);
  });

  test('prefers multiValueHeaders to headers', () => {
    const response = parseProxyResponse({
      statusCode: 200,
      headers: { one: 'a', two: 'b' },
      multiValueHeaders: { One: ['c', 'd'] },
    });
    expect(response?.header('one')).toEqual(['c', 'd']);
    expect(response?.header('two')).toEqual(['b']);
  });
});
