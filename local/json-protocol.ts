import { randomUUID } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { AwsError, type AwsRequest, type AwsResponse } from './service.ts';

/** The members of a request or an answer. */
export type Json = Record<string, unknown>;

export interface JsonAnswer {
  readonly statusCode: number;
  readonly body: Json;
}

/** How one service speaks AWS's JSON protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_0-protocol.html */
export interface JsonProtocol {
  readonly version: '1.0' | '1.1';
  /** Goes before `#` in the `__type` of an error. Default: the error's code stands alone. */
  readonly errorNamespace?: string;
}

/**
 * Reads the operation and its input from `request`, and answers with what `call` gives.
 * An {@link AwsError} becomes an answer; any other error is thrown on.
 */
export async function serveJson(
  request: AwsRequest,
  protocol: JsonProtocol,
  call: (operation: string, input: Json) => Promise<JsonAnswer>,
): Promise<AwsResponse> {
  try {
    return respond(protocol, await call(operationOf(request), inputOf(request)));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const namespace = protocol.errorNamespace === undefined ? '' : `${protocol.errorNamespace}#`;
    const body = { __type: namespace + error.code, message: error.message };
    return respond(protocol, { statusCode: error.statusCode, body });
  }
}

function operationOf(request: AwsRequest): string {
  const target = request.headers['x-amz-target'];
  const operation = typeof target === 'string' ? target.split('.').at(-1) : undefined;
  if (operation) return operation;
  throw new AwsError('UnknownOperationException', 'The header X-Amz-Target must name an operation.');
}

function inputOf(request: AwsRequest): Json {
  try {
    const input: unknown = JSON.parse(request.body.toString() || '{}');
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Json;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new AwsError('SerializationException', 'The body must be a JSON object.');
}

function respond(protocol: JsonProtocol, answer: JsonAnswer): AwsResponse {
  const body = JSON.stringify(answer.body);
  return {
    statusCode: answer.statusCode,
    headers: {
      'content-type': `application/x-amz-json-${protocol.version}`,
      'x-amzn-requestid': randomUUID(),
      'x-amz-crc32': String(crc32(body)),
    },
    body,
  };
}
