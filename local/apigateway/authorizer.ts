import { executeApiArn } from './arns.ts';
import { ERROR_MESSAGE } from './error-frame.ts';
import { authorizerEvent } from './events.ts';
import type { Gateway } from './gateway.ts';
import type { HandshakeRequest } from './handshake-request.ts';
import { callFunction, type TimedOutcome } from './integration.ts';
import { MAX_AUTHORIZER_RESULT_BYTES, MAX_INTEGRATION_TIMEOUT_MS } from './limits.ts';
import type { Authorizer, IdentitySource, Stage } from './model.ts';
import { evaluatePolicy } from './policy.ts';
import type { AuthorizerContext, RequestContext } from './request-context.ts';

export type Authorization =
  | { readonly kind: 'allow'; readonly context: AuthorizerContext; readonly latencyMs: number }
  | {
      readonly kind: 'reject';
      readonly statusCode: 401 | 403 | 500;
      readonly message: string;
      readonly latencyMs: number;
    };

type Decision =
  | { readonly kind: 'allow'; readonly context: AuthorizerContext }
  | { readonly kind: 'reject'; readonly statusCode: 401 | 403 | 500; readonly message: string };

const UNAUTHORIZED = { kind: 'reject', statusCode: 401, message: ERROR_MESSAGE.unauthorized } as const;
const FORBIDDEN = { kind: 'reject', statusCode: 403, message: ERROR_MESSAGE.forbidden } as const;
const MISCONFIGURED = { kind: 'reject', statusCode: 500, message: ERROR_MESSAGE.internalServerError } as const;

/**
 * Asks a REQUEST authorizer about a handshake. A missing identity source gives 401 without an invocation, a throw of
 * "Unauthorized" 401, a Deny 403, any other result but a valid Allow 500. API Gateway never caches the result.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
 */
export async function authorizeHandshake(
  gateway: Gateway,
  stage: Stage,
  authorizer: Authorizer,
  request: HandshakeRequest,
  context: RequestContext,
): Promise<Authorization> {
  if (!authorizer.identitySources.every((source) => isPresent(source, request))) {
    return { ...UNAUTHORIZED, latencyMs: 0 };
  }
  const { apiId } = stage.api;
  const methodArn = executeApiArn(apiId, stage.stageName, context.routeKey);
  const outcome = await callFunction(gateway, {
    ...authorizer,
    timeoutMs: MAX_INTEGRATION_TIMEOUT_MS,
    event: authorizerEvent(stage, request, context, methodArn),
    apiId,
    sourcePath: ['authorizers', authorizer.authorizerId],
  });
  const decision = decide(gateway, outcome, methodArn);
  if (decision.kind === 'reject' && decision.statusCode !== 500) {
    gateway.onRefused(authorizer.functionArn, decision.statusCode, request.headers);
  }
  return { ...decision, latencyMs: outcome.latencyMs };
}

function isPresent({ kind, name }: IdentitySource, request: HandshakeRequest): boolean {
  const pairs = kind === 'header' ? request.headers : request.query;
  const sameName = kind === 'header' ? sameHeaderName : (a: string, b: string) => a === b;
  return pairs.some(([key, value]) => sameName(key, name) && value !== '');
}

function sameHeaderName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function decide(gateway: Gateway, outcome: TimedOutcome, methodArn: string): Decision {
  if (outcome.kind !== 'returned') {
    const isUnauthorized = outcome.kind === 'failed' && outcome.errorMessage === 'Unauthorized';
    return isUnauthorized ? UNAUTHORIZED : MISCONFIGURED;
  }
  try {
    const { policyDocument, context } = parseAuthorizerResult(outcome.payload);
    return evaluatePolicy(policyDocument, methodArn) === 'Allow' ? { kind: 'allow', context } : FORBIDDEN;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    gateway.log({ level: 'error', source: 'apigateway', message: `an authorizer's result is invalid: ${why}` });
    return MISCONFIGURED;
  }
}

/**
 * Flattens an authorizer's result into the context of later events.
 * @throws Error saying what is wrong with it
 */
function parseAuthorizerResult(payload: unknown): { policyDocument: unknown; context: AuthorizerContext } {
  if (typeof payload !== 'object' || payload === null) throw new Error(`expected an object, got ${payload}`);
  const byteLength = Buffer.byteLength(JSON.stringify(payload));
  if (byteLength > MAX_AUTHORIZER_RESULT_BYTES) {
    throw new Error(`it has ${byteLength} bytes; the limit is ${MAX_AUTHORIZER_RESULT_BYTES}`);
  }
  const { principalId, policyDocument, context = {} } = payload as Readonly<Record<string, unknown>>;
  if (typeof principalId !== 'string') throw new Error('principalId is not a string');
  if (typeof context !== 'object' || context === null || Array.isArray(context)) {
    throw new Error('context is not an object');
  }
  const values = Object.entries(context).map(([key, value]): [string, string] => {
    if (!['string', 'number', 'boolean'].includes(typeof value)) {
      throw new Error(`context.${key} is neither a string nor a number nor a boolean`);
    }
    return [key, String(value)];
  });
  return { policyDocument, context: { ...Object.fromEntries(values), principalId } };
}
