import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Iam } from '../iam/iam.ts';
import { parseAuthorization, type SignedRequest } from '../iam/signature.ts';
import { logInternalError } from '../log.ts';
import { AwsError, type AwsRequest, type AwsResponse, type AwsService, type Log } from '../service.ts';
import { errorResponse, unknownServiceResponse } from './aws-errors.ts';
import type { Calls } from './calls.ts';
import { BodyTooLargeError, readBody, splitTarget } from './http.ts';

export interface AwsApiOptions {
  /** By the name in the SigV4 credential scope. */
  readonly services: ReadonlyMap<string, AwsService>;
  readonly iam: Iam;
  readonly calls: Calls;
  readonly log: Log;
}

/** Passes requests of AWS SDKs and the AWS CLI to the service in their signature. */
export interface AwsApi {
  /** Whether a request is for an AWS API, signed or not. */
  isFor(request: IncomingMessage): boolean;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export function createAwsApi({ services, iam, calls, log }: AwsApiOptions): AwsApi {
  const isForOtherService = (host: string | undefined) => {
    const name = serviceOfHost(host);
    return name !== undefined && !services.has(name);
  };
  const answer = async (signed: SignedRequest): Promise<AwsResponse> => {
    const name = serviceName(signed);
    // Before the signature check: the signature rules of an unknown service are unknown.
    if (!services.has(name)) return unknownServiceResponse(signed, unknownService(name, services));
    try {
      requireSignature(signed);
      const { principal, service } = iam.authenticate(signed);
      const target = services.get(service);
      if (!target) throw unknownService(service, services);
      const { method, path, headers, body } = signed;
      const query = new URLSearchParams(signed.rawQuery);
      const request: AwsRequest = { service, principal, method, host: headers.host ?? '', path, query, headers, body };
      return await calls.record(request, () => answerOf(target, request, log));
    } catch (error) {
      if (error instanceof AwsError) return errorResponse(name, error);
      throw error;
    }
  };
  return {
    isFor: ({ url, headers }) =>
      headers.authorization?.startsWith('AWS4-') === true ||
      headers['x-amz-target'] !== undefined ||
      /\/(@|%40)connections\/|[?&]X-Amz-Algorithm=/.test(url ?? '') ||
      isForOtherService(headers.host),
    async handle(request, response) {
      const { path, rawQuery } = splitTarget(request.url);
      const { headers, method = 'GET' } = request;
      let body: Buffer;
      try {
        body = await readBody(request);
      } catch (error) {
        if (!(error instanceof BodyTooLargeError)) throw error;
        const tooLarge = new AwsError('RequestEntityTooLargeException', error.message, 413);
        send(response, errorResponse(serviceName({ headers }), tooLarge));
        return;
      }
      send(response, await answer({ method, path, rawQuery, headers, body }));
    },
  };
}

/** Logs a bug in a service, so that nobody mistakes it for an answer of AWS. */
async function answerOf(service: AwsService, request: AwsRequest, log: Log): Promise<AwsResponse> {
  try {
    return await service.handle(request);
  } catch (error) {
    if (error instanceof AwsError) return errorResponse(service.name, error);
    const message = logInternalError(log, service.name, error);
    return errorResponse(service.name, new AwsError('InternalFailure', message, 500));
  }
}

function requireSignature({ headers, rawQuery }: SignedRequest): void {
  if (headers.authorization !== undefined) return;
  if (/(^|&)X-Amz-Algorithm=/.test(rawQuery)) {
    throw new AwsError(
      'IncompleteSignatureException',
      'The local cloud does not support presigned URLs; sign in the Authorization header.',
      403,
    );
  }
  throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
}

function unknownService(service: string, services: ReadonlyMap<string, AwsService>): AwsError {
  const known = [...services.keys()].join(', ');
  const elsewhere = `Point functions to another one with --endpoint ${service}=http://127.0.0.1:PORT.`;
  return new AwsError(
    'UnknownService',
    `The local cloud does not have the service "${service}"; it has ${known}. ${elsewhere}`,
    400,
  );
}

/** Returns the service that a request seems to be for, before the signature check. */
function serviceName({ headers }: Pick<SignedRequest, 'headers'>): string {
  const scope = parseAuthorization(headers.authorization)?.service;
  if (scope !== undefined) return scope;
  const named = serviceOfHost(headers.host);
  if (named !== undefined) return named;
  return headers['x-amz-target'] === undefined ? 'execute-api' : 'dynamodb';
}

/**
 * Returns `s3` for `bucket.s3.us-east-1.amazonaws.com`: an unsigned request, or one with a signed query, names the service
 * in its host only.
 */
function serviceOfHost(host = ''): string | undefined {
  return /(?:^|\.)([a-z0-9-]+)(?:\.[a-z]{2}(?:-[a-z]+)+-\d)?\.amazonaws\.com(?::\d+)?$/.exec(host)?.[1];
}

function send(response: ServerResponse, { statusCode, headers, body }: AwsResponse): void {
  const content = body ?? '';
  response.writeHead(statusCode, { ...headers, 'content-length': Buffer.byteLength(content) });
  response.end(content);
}
