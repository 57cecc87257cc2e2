import { STATUS_CODES, validateHeaderValue } from 'node:http';
import type { AccessRecord } from './access-log.ts';
import { authorizeHandshake } from './authorizer.ts';
import { ERROR_MESSAGE } from './error-frame.ts';
import { type ConnectionFacts, connectEvent, type RequestFacts, requestContext } from './events.ts';
import { type Gateway, logAccess } from './gateway.ts';
import type { HandshakeRequest } from './handshake-request.ts';
import { callFunction, parseProxyResponse, type TimedOutcome } from './integration.ts';
import type { DeployedRoute, Integration, Stage } from './model.ts';
import type { AuthorizerContext } from './request-context.ts';

/** One upgrade request at a stage. */
export interface Handshake {
  readonly stage: Stage;
  readonly request: HandshakeRequest;
  readonly connectionId: string;
  readonly requestId: string;
  /** Aborts when the client goes away. */
  readonly gone: AbortSignal;
}

export interface Rejection {
  readonly kind: 'reject';
  readonly statusCode: number;
  readonly message: string;
}

export type Verdict =
  | { readonly kind: 'accept'; readonly subprotocols?: readonly string[] }
  | Rejection
  /** The client left before the invocation of `$connect`. */
  | { readonly kind: 'abandon' };

export interface HandshakeOutcome {
  readonly verdict: Verdict;
  /** The connection, with the authorizer's context if the route has an authorizer. */
  readonly facts: ConnectionFacts;
}

/** A verdict with its reasons, for the access log. */
interface Decision extends Pick<AccessRecord, 'authorizer' | 'integration'> {
  readonly verdict: Verdict;
  readonly context?: AuthorizerContext;
}

interface Attempt {
  readonly handshake: Handshake;
  readonly facts: ConnectionFacts;
  readonly requestFacts: RequestFacts;
}

const CONNECT = '$connect';
const SUBPROTOCOL_HEADER = 'Sec-WebSocket-Protocol';

/**
 * Decides about an upgrade: by limits, then by the authorizer, then by the `$connect` function. The client waits. Authorizer
 * and `$connect` are optional: an API without them accepts everyone.
 */
export async function decideHandshake(gateway: Gateway, handshake: Handshake): Promise<HandshakeOutcome> {
  const { connectionId, requestId, stage } = handshake;
  const { sourceIp, userAgent } = handshake.request;
  const receivedAtMs = gateway.clock.now();
  const identity = { ...(userAgent !== undefined && { userAgent }), sourceIp };
  const facts = { connectionId, connectedAtMs: receivedAtMs, stage, identity };
  const requestFacts: RequestFacts = { routeKey: CONNECT, eventType: 'CONNECT', requestId, receivedAtMs };

  const decision = await decide(gateway, { handshake, facts, requestFacts });
  const authorized = withContext(facts, decision.context);
  logDecision(gateway, authorized, requestFacts, decision);
  return { verdict: decision.verdict, facts: authorized };
}

async function decide(gateway: Gateway, attempt: Attempt): Promise<Decision> {
  const { stage, gone } = attempt.handshake;
  const routes = stage.routes();
  if (routes === undefined) return { verdict: reject(403) };
  if (!gateway.connectThrottle.tryTake() || !gateway.accountThrottle.tryTake() || !stage.tryTake(CONNECT)) {
    return { verdict: reject(429) };
  }
  const route = routes.get(CONNECT);
  if (route === undefined) return { verdict: { kind: 'accept' } };

  const authorized = await authorize(gateway, attempt, route);
  if (authorized.verdict.kind !== 'accept') return authorized;
  if (gone.aborted) return { ...authorized, verdict: { kind: 'abandon' } };
  if (route.integration === undefined) return authorized;

  const connected = await runConnectRoute(gateway, attempt, route.integration, authorized.context);
  return { ...authorized, ...connected };
}

async function authorize(gateway: Gateway, attempt: Attempt, route: DeployedRoute): Promise<Decision> {
  if (route.authorizer === undefined) return { verdict: { kind: 'accept' } };
  const { handshake, facts, requestFacts } = attempt;
  const { stage, request } = handshake;
  const context = requestContext(facts, requestFacts);
  const authorization = await authorizeHandshake(gateway, stage, route.authorizer, request, context);
  const { latencyMs } = authorization;
  if (authorization.kind === 'allow') {
    return { verdict: { kind: 'accept' }, context: authorization.context, authorizer: { status: 200, latencyMs } };
  }
  const { statusCode, message } = authorization;
  return {
    verdict: { kind: 'reject', statusCode, message },
    authorizer: { status: statusCode, latencyMs, errorMessage: message },
  };
}

async function runConnectRoute(
  gateway: Gateway,
  { handshake, facts, requestFacts }: Attempt,
  integration: Integration,
  authorizerContext: AuthorizerContext | undefined,
): Promise<Decision> {
  const { stage, request } = handshake;
  const context = requestContext(withContext(facts, authorizerContext), requestFacts);
  const outcome = await callFunction(gateway, {
    ...integration,
    event: connectEvent(stage, request, context),
    apiId: stage.api.apiId,
    sourcePath: [stage.stageName, CONNECT],
  });
  return judge(outcome);
}

/** 2xx opens the connection. The client gets any other status, 502 for a failure, and 504 for a timeout. */
function judge(outcome: TimedOutcome): Decision {
  const { latencyMs } = outcome;
  switch (outcome.kind) {
    case 'timed-out':
      return { verdict: reject(504), integration: { latencyMs, errorMessage: ERROR_MESSAGE.endpointRequestTimedOut } };
    case 'failed':
      return { verdict: reject(502), integration: { latencyMs, errorMessage: outcome.errorMessage } };
    case 'not-invoked':
      return { verdict: reject(500), integration: { latencyMs, errorMessage: outcome.errorMessage } };
    case 'returned': {
      const response = parseProxyResponse(outcome.payload);
      const subprotocols = response?.header(SUBPROTOCOL_HEADER);
      if (response === undefined || !subprotocols?.every(isHeaderValue)) {
        return { verdict: reject(502), integration: { latencyMs, errorMessage: 'Malformed Lambda proxy response' } };
      }
      const integration = { status: response.statusCode, latencyMs };
      if (response.statusCode >= 300) return { verdict: reject(response.statusCode), integration };
      return { verdict: { kind: 'accept', subprotocols }, integration };
    }
  }
}

function isHeaderValue(value: string): boolean {
  try {
    validateHeaderValue(SUBPROTOCOL_HEADER, value);
    return true;
  } catch {
    return false;
  }
}

/** The client gets the status only: WebSocket APIs have no gateway responses, and drop the body of `$connect`. */
export function reject(statusCode: number): Rejection {
  const isServerError = statusCode >= 500 && statusCode !== 504;
  const message = isServerError ? ERROR_MESSAGE.internalServerError : (STATUS_CODES[statusCode] ?? '');
  return { kind: 'reject', statusCode, message };
}

function withContext(facts: ConnectionFacts, authorizer: AuthorizerContext | undefined): ConnectionFacts {
  return authorizer === undefined ? facts : { ...facts, authorizer };
}

/** nginx's status for a client that left before the answer; AWS documents none. */
const CLIENT_CLOSED_REQUEST = 499;

function logDecision(gateway: Gateway, facts: ConnectionFacts, requestFacts: RequestFacts, decision: Decision): void {
  const { verdict, authorizer, integration } = decision;
  logAccess(gateway, facts.stage, {
    context: requestContext(facts, requestFacts),
    status: statusOf(verdict),
    ...(verdict.kind === 'reject' && { errorMessage: verdict.message }),
    ...(authorizer && { authorizer }),
    ...(integration && { integration }),
  });
}

function statusOf(verdict: Verdict): number {
  switch (verdict.kind) {
    case 'accept':
      return 200;
    case 'reject':
      return verdict.statusCode;
    case 'abandon':
      return CLIENT_CLOSED_REQUEST;
  }
}
