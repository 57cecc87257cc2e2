import type { AccessRecord } from './access-log.ts';
import type { Connection } from './connection.ts';
import { ERROR_MESSAGE, errorFrame } from './error-frame.ts';
import { type ConnectionFacts, messageEvent, requestContext } from './events.ts';
import { type Gateway, logAccess } from './gateway.ts';
import { callFunction, parseProxyResponse, type TimedOutcome } from './integration.ts';
import { MAX_MESSAGE_BYTES } from './limits.ts';
import type { DeployedRoute, Stage } from './model.ts';
import type { RequestContext } from './request-context.ts';

/** The result of a message: the answer to the client, if any, and the facts for the access log. */
interface Answer {
  readonly status: number;
  /** A two-way route's response. */
  readonly reply?: string;
  /** The message of an error frame for the client. The connection stays open. */
  readonly errorMessage?: string;
  readonly integration?: NonNullable<AccessRecord['integration']>;
}

const PREDEFINED_ROUTES: ReadonlySet<string> = new Set(['$connect', '$disconnect']);

/**
 * Routes one message to its function and answers it. Messages of one connection run concurrently: neither their handling nor
 * their answers have an order.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-routes-integrations.html
 */
export async function dispatchMessage(gateway: Gateway, connection: Connection, body: string): Promise<void> {
  const { facts } = connection;
  const route = selectRoute(facts.stage, body);
  const requestId = gateway.ids.next();
  const context = requestContext(facts, {
    routeKey: route?.routeKey ?? '$default',
    eventType: 'MESSAGE',
    requestId,
    messageId: gateway.ids.next(),
    receivedAtMs: gateway.clock.now(),
  });
  const answer = await answerMessage(gateway, facts, route, context, body);
  const { errorMessage, reply } = answer;
  const text = errorMessage === undefined ? reply : errorFrame(errorMessage, facts.connectionId, requestId);
  if (text !== undefined && !connection.send(text)) {
    const message = `the reply to ${facts.connectionId} is lost: the client does not read`;
    gateway.log({ level: 'warn', source: 'apigateway', message });
  }
  logAccess(gateway, facts.stage, { context, ...answer });
}

/** Returns the route of the selected key, else `$default`. A client cannot reach `$connect` and `$disconnect` by name. */
function selectRoute(stage: Stage, body: string): DeployedRoute | undefined {
  const routes = stage.routes();
  const key = stage.api.selectRouteKey(body);
  const selected = key === undefined || PREDEFINED_ROUTES.has(key) ? undefined : routes?.get(key);
  return selected ?? routes?.get('$default');
}

async function answerMessage(
  gateway: Gateway,
  { connectionId, stage }: ConnectionFacts,
  route: DeployedRoute | undefined,
  context: RequestContext,
  body: string,
): Promise<Answer> {
  if (route === undefined) return { status: 403, errorMessage: ERROR_MESSAGE.forbidden };
  const { integration, routeKey } = route;
  if (!gateway.accountThrottle.tryTake() || !stage.tryTake(routeKey)) {
    return { status: 429, errorMessage: ERROR_MESSAGE.tooManyRequests };
  }
  if (integration === undefined) return { status: 500, errorMessage: ERROR_MESSAGE.internalServerError };
  const { apiId } = stage.api;
  const fault = gateway.faults.strike('dispatch', { routeKey, connectionId, apiId, stage: stage.stageName });
  if (fault?.kind === 'reorder') await gateway.clock.sleep(fault.delayMs, gateway.stopping);
  const outcome = await callFunction(gateway, {
    ...integration,
    event: messageEvent(stage, context, body),
    apiId,
    sourcePath: [stage.stageName, routeKey],
  });
  return route.isTwoWay ? twoWayAnswer(gateway, routeKey, outcome) : oneWayAnswer(outcome);
}

/** Ignores any result of the function. */
function oneWayAnswer(outcome: TimedOutcome): Answer {
  if (outcome.kind !== 'returned') return failedAnswer(outcome);
  const status = parseProxyResponse(outcome.payload)?.statusCode;
  return { status: status ?? 200, integration: { status: status ?? 200, latencyMs: outcome.latencyMs } };
}

/** Sends the body of a 2xx to the client, unless it is larger than a message may be. AWS does not document that case. */
function twoWayAnswer(gateway: Gateway, routeKey: string, outcome: TimedOutcome): Answer {
  if (outcome.kind !== 'returned') return failedAnswer(outcome);
  const response = parseProxyResponse(outcome.payload);
  const { latencyMs } = outcome;
  if (response === undefined) {
    const errorMessage = 'Malformed Lambda proxy response';
    return { status: 502, errorMessage: ERROR_MESSAGE.internalServerError, integration: { latencyMs, errorMessage } };
  }
  const { statusCode: status, body } = response;
  const integration = { status, latencyMs };
  if (status >= 300) return { status, errorMessage: ERROR_MESSAGE.internalServerError, integration };
  if (response.isBase64Encoded) {
    const message = `${routeKey} marks its response as base64, and the client gets the base64 text: WebSocket APIs send text only`;
    gateway.log({ level: 'warn', source: 'apigateway', message });
  }
  const bytes = Buffer.byteLength(body ?? '');
  if (bytes > MAX_MESSAGE_BYTES) {
    const errorMessage = `The response of ${routeKey} has ${bytes} bytes; a message may have ${MAX_MESSAGE_BYTES}`;
    gateway.log({ level: 'error', source: 'apigateway', message: errorMessage });
    return {
      status: 500,
      errorMessage: ERROR_MESSAGE.internalServerError,
      integration: { ...integration, errorMessage },
    };
  }
  return { status, integration, ...(body !== undefined && { reply: body }) };
}

function failedAnswer(outcome: Exclude<TimedOutcome, { kind: 'returned' }>): Answer {
  const { latencyMs } = outcome;
  if (outcome.kind === 'timed-out') {
    const errorMessage = ERROR_MESSAGE.endpointRequestTimedOut;
    return { status: 504, errorMessage, integration: { latencyMs, errorMessage } };
  }
  return {
    status: outcome.kind === 'failed' ? 502 : 500,
    errorMessage: ERROR_MESSAGE.internalServerError,
    integration: { latencyMs, errorMessage: outcome.errorMessage },
  };
}
