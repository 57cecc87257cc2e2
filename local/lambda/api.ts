import { type Authorize, AwsError, type AwsRequest, type AwsResponse, TRACE_HEADER } from '../service.ts';
import type { Enqueue } from './enqueue.ts';
import type { Functions, Reference } from './functions.ts';
import { MAX_ASYNC_PAYLOAD_BYTES, MAX_SYNC_PAYLOAD_BYTES } from './limits.ts';
import { errorOf } from './outcome.ts';

export interface ApiOptions {
  readonly functions: Functions;
  readonly authorize: Authorize;
  /** Accepts an event for asynchronous invocation. Returns the request's id. */
  readonly enqueue: Enqueue;
}

const ROUTE = /^\/2015-03-31\/functions\/([^/]+)(?:\/(invocations|configuration))?\/?$/;

/** Lambda's API: Invoke, GetFunction and GetFunctionConfiguration. It refuses other operations by name. */
export async function handleLambda(request: AwsRequest, options: ApiOptions): Promise<AwsResponse> {
  const [, reference, part] = ROUTE.exec(request.path) ?? [];
  if (reference !== undefined) {
    const find = () =>
      options.functions.resolve(decodeURIComponent(reference), request.query.get('Qualifier') ?? undefined);
    if (request.method === 'POST' && part === 'invocations') return invoke(request, find(), options);
    if (request.method === 'GET' && part === 'configuration') return getConfiguration(request, find(), options);
    if (request.method === 'GET' && part === undefined) return getFunction(request, find(), options);
  }
  throw new AwsError(
    'UnknownOperationException',
    `${request.method} ${request.path} is not supported locally: Lambda answers Invoke, GetFunction and GetFunctionConfiguration.`,
    404,
  );
}

async function invoke(request: AwsRequest, found: Reference, options: ApiOptions): Promise<AwsResponse> {
  options.authorize(request.principal, 'lambda:InvokeFunction', found.arn);
  const type = header(request, 'x-amz-invocation-type') ?? 'RequestResponse';
  switch (type) {
    case 'DryRun':
      return { statusCode: 204 };
    case 'Event': {
      const requestId = options.enqueue(found.target, readPayload(request, MAX_ASYNC_PAYLOAD_BYTES), traceOf(request));
      return { statusCode: 202, headers: { 'x-amzn-requestid': requestId } };
    }
    case 'RequestResponse':
      return invokeAndWait(request, found);
    default:
      throw new AwsError('InvalidParameterValueException', `Unknown invocation type "${type}".`);
  }
}

async function invokeAndWait(request: AwsRequest, found: Reference): Promise<AwsResponse> {
  const { target, arn, version } = found;
  const clientContext = header(request, 'x-amz-client-context');
  const trace = traceOf(request);
  const invoked = await target.invoke({
    payload: readPayload(request, MAX_SYNC_PAYLOAD_BYTES),
    functionArn: arn,
    ...(clientContext !== undefined && { clientContext: Buffer.from(clientContext, 'base64').toString() }),
    ...(trace !== undefined && { trace }),
  });
  if (invoked.kind === 'throttled') throw new AwsError('TooManyRequestsException', 'Rate Exceeded.', 429);
  if (invoked.kind === 'recursive') throw new AwsError('RecursiveInvocationException', RECURSIVE, 400);
  const { outcome, requestId, logTail } = invoked;
  const error = errorOf(outcome, requestId, target.configuration);
  return {
    statusCode: 200,
    headers: {
      'content-type': 'application/json',
      'x-amzn-requestid': requestId,
      'x-amz-executed-version': version,
      ...(error && { 'x-amz-function-error': 'Unhandled' }),
      ...(header(request, 'x-amz-log-type') === 'Tail' && {
        'x-amz-log-result': Buffer.from(logTail).toString('base64'),
      }),
    },
    body: outcome.kind === 'ok' ? outcome.payload : JSON.stringify(error),
  };
}

/** The text of the service model. */
const RECURSIVE =
  "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation.";

/** Reads the payload. An absent one is an empty event. */
function readPayload({ body }: AwsRequest, maxBytes: number): string {
  if (body.length > maxBytes) {
    throw new AwsError(
      'RequestTooLargeException',
      `Request must be smaller than ${maxBytes} bytes for the InvokeFunction operation`,
      413,
    );
  }
  const payload = body.length === 0 ? '{}' : body.toString();
  try {
    JSON.parse(payload);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new AwsError('InvalidRequestContentException', `Could not parse request body into json: ${cause.message}`);
  }
  return payload;
}

function getConfiguration(request: AwsRequest, found: Reference, { authorize }: ApiOptions): AwsResponse {
  authorize(request.principal, 'lambda:GetFunctionConfiguration', found.arn);
  return json(describe(found));
}

function getFunction(request: AwsRequest, found: Reference, { authorize }: ApiOptions): AwsResponse {
  authorize(request.principal, 'lambda:GetFunction', found.arn);
  return json({ Configuration: describe(found) });
}

function describe({ target: { configuration }, arn, version }: Reference): Record<string, unknown> {
  return {
    FunctionName: configuration.name,
    FunctionArn: arn,
    Description: configuration.description,
    Runtime: configuration.runtime,
    Role: configuration.roleArn,
    Handler: configuration.handler,
    Timeout: configuration.timeoutSeconds,
    MemorySize: configuration.memoryMb,
    Environment: { Variables: configuration.environment },
    TracingConfig: { Mode: configuration.tracing },
    PackageType: 'Zip',
    State: 'Active',
    LastUpdateStatus: 'Successful',
    Version: version,
  };
}

function json(body: unknown): AwsResponse {
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}

/** The SDK of a function sends the trace of its invocation. */
function traceOf(request: AwsRequest): string | undefined {
  return header(request, TRACE_HEADER);
}

function header({ headers }: AwsRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
