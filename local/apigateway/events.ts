import { apiDomainName } from './arns.ts';
import type { HandshakeRequest } from './handshake-request.ts';
import type { Stage } from './model.ts';
import type { AuthorizerContext, RequestContext } from './request-context.ts';

/** The facts about a connection that never change. */
export interface ConnectionFacts {
  readonly connectionId: string;
  readonly connectedAtMs: number;
  readonly stage: Stage;
  readonly identity: { readonly sourceIp: string; readonly userAgent?: string };
  readonly authorizer?: AuthorizerContext;
}

/** The end of a connection. */
export interface Ending {
  readonly statusCode: number;
  readonly reason: string;
}

/** One request on a connection: the handshake, a message, or the end. */
export interface RequestFacts {
  readonly routeKey: string;
  readonly eventType: RequestContext['eventType'];
  readonly requestId: string;
  readonly receivedAtMs: number;
  readonly messageId?: string;
  readonly ending?: Ending;
}

export function requestContext(connection: ConnectionFacts, request: RequestFacts): RequestContext {
  const { stage } = connection;
  const { ending } = request;
  return {
    routeKey: request.routeKey,
    ...(connection.authorizer && { authorizer: connection.authorizer }),
    ...(request.messageId !== undefined && { messageId: request.messageId }),
    ...(ending && { disconnectStatusCode: ending.statusCode }),
    eventType: request.eventType,
    extendedRequestId: request.requestId,
    requestTime: clfTime(request.receivedAtMs),
    messageDirection: 'IN',
    ...(ending && { disconnectReason: ending.reason }),
    stage: stage.stageName,
    connectedAt: connection.connectedAtMs,
    requestTimeEpoch: request.receivedAtMs,
    identity: connection.identity,
    requestId: request.requestId,
    domainName: apiDomainName(stage.api.apiId),
    connectionId: connection.connectionId,
    apiId: stage.api.apiId,
  };
}

/** Makes the event for the `$connect` function: without a body, and with query maps only if there is a query. */
export function connectEvent(stage: Stage, request: HandshakeRequest, context: RequestContext): unknown {
  const { query } = request;
  return {
    ...headerMaps(request.headers),
    ...(query.length > 0 && {
      queryStringParameters: lastValues(query),
      multiValueQueryStringParameters: allValues(query),
    }),
    ...stageVariables(stage),
    requestContext: context,
    isBase64Encoded: false,
  };
}

/** Makes the event for an authorizer: with all maps, also empty ones, and the headers of the upgrade itself. */
export function authorizerEvent(
  stage: Stage,
  request: HandshakeRequest,
  context: RequestContext,
  methodArn: string,
): unknown {
  const upgradeHeaders = [
    ['Connection', 'upgrade'],
    ['content-length', '0'],
    ['Upgrade', 'websocket'],
  ] as const;
  return {
    type: 'REQUEST',
    methodArn,
    ...headerMaps([...upgradeHeaders, ...request.headers]),
    queryStringParameters: lastValues(request.query),
    multiValueQueryStringParameters: allValues(request.query),
    stageVariables: stage.variables,
    requestContext: context,
  };
}

/** Makes the event for a message: without headers and query. */
export function messageEvent(stage: Stage, context: RequestContext, body: string): unknown {
  return { ...stageVariables(stage), requestContext: context, body, isBase64Encoded: false };
}

/** Makes the event for the `$disconnect` function: with four headers, three of them empty. */
export function disconnectEvent(stage: Stage, context: RequestContext): unknown {
  const headers = [
    ['Host', context.domainName],
    ['x-api-key', ''],
    ['X-Forwarded-For', ''],
    ['x-restapi', ''],
  ] as const;
  return { ...headerMaps(headers), ...stageVariables(stage), requestContext: context, isBase64Encoded: false };
}

type Pair = readonly [name: string, value: string];

function headerMaps(headers: readonly Pair[]) {
  return { headers: lastValues(headers), multiValueHeaders: allValues(headers) };
}

function lastValues(pairs: readonly Pair[]): Record<string, string> {
  return Object.fromEntries(pairs);
}

function allValues(pairs: readonly Pair[]): Record<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) values.set(name, [...(values.get(name) ?? []), value]);
  return Object.fromEntries(values);
}

/** An event has stage variables only if the stage has some. An authorizer's event always does. */
function stageVariables(stage: Stage) {
  return Object.keys(stage.variables).length > 0 ? { stageVariables: stage.variables } : {};
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** The common log format's time: `09/Feb/2024:18:11:43 +0000`. */
function clfTime(epochMs: number): string {
  const date = new Date(epochMs);
  const day = String(date.getUTCDate()).padStart(2, '0');
  const time = date.toISOString().slice(11, 19);
  return `${day}/${MONTHS[date.getUTCMonth()]}/${date.getUTCFullYear()}:${time} +0000`;
}
