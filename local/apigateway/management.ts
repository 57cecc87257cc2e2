import type { Fault } from '../faults.ts';
import { type Authorize, AwsError, type AwsRequest, type AwsResponse } from '../service.ts';
import { executeApiArn } from './arns.ts';
import type { Connection } from './connection.ts';
import type { Connections } from './connections.ts';
import type { Gateway } from './gateway.ts';
import { isConnectionId } from './ids.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import { type Apis, findStage, type Stage } from './model.ts';

/** The `@connections` API, with the errors of its service model. */
export interface ManagementApi {
  /** @throws AwsError of the service model, except for 410, which has no body. */
  handle(request: AwsRequest): Promise<AwsResponse>;
}

interface Target {
  readonly stageName: string;
  readonly connectionId: string;
}

/** The close frame of `DELETE`, which has no option for it in AWS's model. Captured from AWS. */
const CLOSED_NORMALLY = { statusCode: 1000, reason: 'Connection Closed Normally' };
/** The 410 has no body, only a status and a header. */
const GONE: AwsResponse = { statusCode: 410, headers: { 'x-amzn-ErrorType': 'GoneException' } };
const METHODS: ReadonlySet<string> = new Set(['POST', 'GET', 'DELETE']);

export function createManagementApi(
  gateway: Gateway,
  apis: Apis,
  connections: Connections,
  authorize: Authorize,
): ManagementApi {
  const handle = async (request: AwsRequest): Promise<AwsResponse> => {
    const target = METHODS.has(request.method) ? parsePath(request.path) : undefined;
    if (target === undefined)
      throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token', 403);
    const stage = requireStage(apis, request.host, target.stageName);
    authorize(request.principal, 'execute-api:ManageConnections', connectionsArn(stage, request.method));
    if (!gateway.accountThrottle.tryTake()) throw new AwsError('LimitExceededException', 'Too Many Requests', 429);
    if (!isConnectionId(target.connectionId)) {
      throw new AwsError('BadRequestException', `Invalid connectionId: ${target.connectionId}`, 400);
    }
    if (request.method === 'POST' && request.body.length > MAX_MESSAGE_BYTES) {
      throw new AwsError('PayloadTooLargeException', 'Message too long', 413);
    }
    const connection = connections.find(target.connectionId);
    if (connection?.facts.stage !== stage) return GONE;
    const fault = strike(gateway, connection, request.method);
    if (fault?.kind === 'false-gone') return GONE;
    switch (request.method) {
      case 'POST':
        return post(gateway, connection, request.body, fault);
      case 'DELETE':
        connection.close(CLOSED_NORMALLY);
        return { statusCode: 204 };
      default:
        return describe(connection);
    }
  };
  return { handle };
}

/** Reads the path. The SDK sends `@connections`, other clients `%40connections`, and the `=` of the id as `%3D`. */
function parsePath(path: string): Target | undefined {
  const [, stageName, connectionId] = /^\/([A-Za-z0-9_-]+)\/(?:@|%40)connections\/([^/]+)$/i.exec(path) ?? [];
  if (stageName === undefined || connectionId === undefined) return undefined;
  try {
    return { stageName, connectionId: decodeURIComponent(connectionId) };
  } catch {
    return { stageName, connectionId };
  }
}

function requireStage(apis: Apis, host: string, stageName: string): Stage {
  const lookup = findStage(apis, host, stageName);
  switch (lookup.kind) {
    case 'found':
      return lookup.stage;
    case 'unknown':
      throw new AwsError('ForbiddenException', 'Forbidden', 403);
    case 'ambiguous':
      throw new AwsError('MisdirectedRequestException', lookup.message, 421);
  }
}

/**
 * Returns the resource for the policy check. AWS uses the literal text `{connectionId}` instead of the id: its AccessDenied
 * messages show that, and a grant on one id does not work.
 */
function connectionsArn({ api, stageName }: Stage, method: string): string {
  return executeApiArn(api.apiId, stageName, method, '@connections', '{connectionId}');
}

/** A false 410 can strike `GET` and `DELETE` as well as posts. The other kinds strike posts only. */
function strike({ faults }: Gateway, { facts }: Connection, method: string): Fault | undefined {
  const { connectionId, stage } = facts;
  const subject = { connectionId, apiId: stage.api.apiId, stage: stage.stageName, method };
  return method === 'POST' ? faults.strike('post', subject) : faults.strike('post', subject, ['false-gone']);
}

async function post(
  gateway: Gateway,
  connection: Connection,
  body: Buffer,
  fault: Fault | undefined,
): Promise<AwsResponse> {
  switch (fault?.kind) {
    case 'throttle':
      throw new AwsError('LimitExceededException', 'Too Many Requests', 429);
    case 'error':
      throw new AwsError('InternalServerErrorException', 'Internal server error', 500);
    case 'hang':
      await gateway.clock.sleep(fault.delayMs, gateway.stopping);
      throw new AwsError('IntegrationTimeoutException', 'Endpoint request timed out', 504);
    case 'ghost':
      connection.swallow();
      return { statusCode: 200 };
  }
  if (connection.send(body.toString())) return { statusCode: 200 };
  throw new AwsError('LimitExceededException', 'The WebSocket client side buffer is full', 429);
}

function describe(connection: Connection): AwsResponse {
  const { connectedAtMs, identity } = connection.facts;
  return {
    statusCode: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      connectedAt: new Date(connectedAtMs).toISOString(),
      identity,
      lastActiveAt: new Date(connection.lastActiveAtMs()).toISOString(),
    }),
  };
}
