import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { isObject } from './json.ts';
import { AwsError, type AwsRequest, type AwsResponse } from './service.ts';

/** The members of a request or an answer. */
export type Json = Readonly<Record<string, unknown>>;

export interface JsonAnswer extends Pick<AwsResponse, 'units'> {
  readonly statusCode: number;
  readonly body: Json;
}

/**
 * Reads the operation and its input from `request`, and answers with the result of `call`.
 * Source: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html
 * @throws AwsError if the request names no operation or is no JSON object, and the errors of `call`
 */
export async function serveJson(
  request: AwsRequest,
  version: '1.0' | '1.1',
  call: (operation: string, input: Json) => Promise<JsonAnswer> | JsonAnswer,
): Promise<AwsResponse> {
  const { statusCode, body, units } = await call(operationOf(request), inputOf(request));
  const text = JSON.stringify(body);
  return {
    statusCode,
    headers: {
      'content-type': `application/x-amz-json-${version}`,
      'x-amzn-requestid': randomUUID(),
      'x-amz-crc32': String(crc32(text)),
    },
    body: text,
    ...(units && { units }),
  };
}

function operationOf(request: AwsRequest): string {
  const target = request.headers['x-amz-target'];
  const operation = typeof target === 'string' ? target.split('.').at(-1) : undefined;
  if (operation) return operation;
  throw new AwsError('UnknownOperationException', 'The header X-Amz-Target must name an operation.');
}

function inputOf(request: AwsRequest): Json {
  const text = request.body.toString() || '{}';
  const input = parse(text);
  if (!isObject(input)) throw new AwsError('SerializationException', 'The body must be a JSON object.');
  if (/__proto__|\\u/.test(text) && hasProto(input)) {
    throw new AwsError('ValidationException', 'A member called __proto__ is not supported locally.');
  }
  return input;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Services copy objects member by member, and would lose a member of this name. */
function hasProto(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(hasProto);
}
