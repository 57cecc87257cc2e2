import type { Clock } from '../clock.ts';
import { createRing } from '../log.ts';
import type { AwsRequest, AwsResponse, CapacityUnits, Principal } from '../service.ts';

/** One call of an AWS API. */
export interface AwsCall {
  /** Cloud time, ISO 8601. */
  readonly at: string;
  readonly service: string;
  /** `PutItem`, `PostToConnection`, `Invoke`… */
  readonly operation: string;
  /** Who called: `admin`, or the role's session, which is the function's name. */
  readonly principal: string;
  /** The ARN that permission was asked for; of several, the first. Empty if none was. */
  readonly resource: string;
  readonly statusCode: number;
  readonly durationMs: number;
  /** Of the request's body. */
  readonly requestBytes: number;
  /** What a call of DynamoDB used up. Absent where the built-in engine did not answer it. */
  readonly units?: CapacityUnits;
}

/** How many calls `GET /_local/calls` can show. */
const KEPT_CALLS = 20_000;

export interface Calls {
  /** Answers a request by `answer`, and writes the call down. */
  record(request: AwsRequest, answer: () => Promise<AwsResponse>): Promise<AwsResponse>;
  /** To be told about each permission check: it says which resource a call is about. */
  touched(principal: Principal, resourceArn: string): void;
  entries(): readonly AwsCall[];
}

export function createCalls(clock: Clock): Calls {
  const ring = createRing<AwsCall>(KEPT_CALLS);
  // Each request has a principal object of its own, so a check can be told to belong to it.
  const resources = new WeakMap<Principal, string>();
  return {
    async record(request, answer) {
      const at = new Date(clock.now()).toISOString();
      const startedAt = performance.now();
      const response = await answer();
      const { service, principal } = request;
      ring.add({
        at,
        service,
        operation: operationOf(request),
        principal: principal.kind === 'admin' ? 'admin' : principal.sessionName,
        resource: resources.get(principal) ?? '',
        statusCode: response.statusCode,
        durationMs: Math.round((performance.now() - startedAt) * 100) / 100,
        requestBytes: request.body.byteLength,
        ...(response.units && { units: response.units }),
      });
      return response;
    },
    touched(principal, resourceArn) {
      if (!resources.has(principal)) resources.set(principal, resourceArn);
    },
    entries: ring.entries,
  };
}

const CONNECTION_OPERATIONS: Readonly<Record<string, string>> = {
  POST: 'PostToConnection',
  GET: 'GetConnection',
  DELETE: 'DeleteConnection',
};

function operationOf({ service, method, path, headers, body }: AwsRequest): string {
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return target.slice(target.lastIndexOf('.') + 1);
  if (service === 'execute-api') return CONNECTION_OPERATIONS[method] ?? `${method} ${path}`;
  if (service === 'lambda' && path.endsWith('/invocations')) return 'Invoke';
  return new URLSearchParams(body.toString()).get('Action') ?? `${method} ${path}`;
}
