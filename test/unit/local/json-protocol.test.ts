import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { serveJson } from '../../../local/json-protocol.ts';
import type { AwsRequest } from '../../../local/service.ts';

const request = (body: string, target: string | undefined = 'Service_1.DoIt'): AwsRequest => ({
  service: 'service',
  principal: { kind: 'admin' },
  method: 'POST',
  host: 'localhost',
  path: '/',
  query: new URLSearchParams(),
  headers: target === undefined ? {} : { 'x-amz-target': target },
  body: Buffer.from(body),
});

/** Answers with what it was called with. */
const serve = (body: string, target?: string) =>
  serveJson(request(body, target), '1.1', (operation, input) => ({ statusCode: 201, body: { operation, input } }));

test('the operation and its input are called, and the answer is sent', async () => {
  const { statusCode, headers, body } = await serve('{"a":"é"}');
  expect(statusCode).toBe(201);
  expect(body).toBe('{"operation":"DoIt","input":{"a":"é"}}');
  expect(headers).toEqual({
    'content-type': 'application/x-amz-json-1.1',
    'x-amzn-requestid': expect.stringMatching(/^[0-9a-f-]{36}$/),
    'x-amz-crc32': String(crc32(String(body))),
  });
});

test('no body is an empty input', async () => {
  expect((await serve('')).body).toBe('{"operation":"DoIt","input":{}}');
});

test.each(['{', '[]', 'null', '"text"'])('a body of %s is a SerializationException', async (body) => {
  await expect(serve(body)).rejects.toMatchObject({ code: 'SerializationException' });
});

test.each(['', 'Service.'])('a target of %j names no operation', async (target) => {
  await expect(serve('{}', target)).rejects.toMatchObject({ code: 'UnknownOperationException' });
});

test.each(['{"__proto__":1}', '{"a":[{"b":{"\\u005f_proto__":1}}]}'])('%s is refused', async (body) => {
  await expect(serve(body)).rejects.toMatchObject({
    code: 'ValidationException',
    message: expect.stringContaining('__proto__'),
  });
});

test('a value may say __proto__', async () => {
  expect((await serve('{"a":"__proto__","b":"\\u005f"}')).statusCode).toBe(201);
});
