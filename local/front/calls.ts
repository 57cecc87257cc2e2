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
  /** The caller: `admin`, or the role's session, which is the function's name. */
  readonly principal: string;
  /** The first ARN of the permission check. Empty without a check. */
  readonly resource: string;
  readonly statusCode: number;
  readonly durationMs: number;
  /** The size of the request's body. */
  readonly requestBytes: number;
  /** The capacity that a call of DynamoDB consumed. Absent unless the built-in engine answered it. */
  readonly units?: CapacityUnits;
}

/** The number of calls that `GET /_local/calls` keeps. */
const KEPT_CALLS = 20_000;

export interface Calls {
  /** Answers a request with `answer`, and records the call. */
  record(request: AwsRequest, answer: () => Promise<AwsResponse>): Promise<AwsResponse>;
  /** Records the resource of a call. Call it for each permission check. */
  touched(principal: Principal, resourceArn: string): void;
  entries(): readonly AwsCall[];
}

export function createCalls(clock: Clock): Calls {
  const ring = createRing<AwsCall>(KEPT_CALLS);
  // Each request has a principal object of its own, which identifies its checks.
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
