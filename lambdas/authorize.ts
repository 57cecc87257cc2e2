import type { Handshake } from '../server/auth/handshake.ts';
import { composeAuthorize } from '../server/aws/authorize.ts';
import { REFUSED_CONTEXT, toContext } from '../server/connections/connection.ts';
import { createLogger, describeError } from '../server/logger.ts';

const log = createLogger();
const authorize = composeAuthorize(Date.now, log);

interface AuthorizerEvent extends Handshake {
  readonly methodArn: string;
  readonly requestContext: {
    readonly requestId: string;
    readonly connectionId: string;
    readonly domainName: string;
  };
}

/**
 * The REQUEST authorizer of `$connect`: says who connects, or answers 401 (no valid token), 403 (origin) or 500 (keys
 * out of reach). It lets a user who connects too often through as nobody, and `$connect` answers 429.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
 */
export async function handler(event: AuthorizerEvent) {
  const { requestId, connectionId } = event.requestContext;
  const decision = await authorize(event).catch((error: unknown) => {
    log({
      route: 'authorize',
      outcome: 'failed',
      requestId,
      connectionId,
      error: describeError(error),
      metrics: { Errors: 1 },
    });
    throw error;
  });
  if (decision.outcome === 'allowed') {
    return policy('Allow', decision.userId, event.methodArn, toContext(decision));
  }
  const { outcome, reason } = decision;
  log({ route: 'authorize', outcome, reason, requestId, connectionId, metrics: { HandshakesRefused: 1 } });
  // API Gateway turns exactly this message into 401.
  if (outcome === 'unauthorized') throw new Error('Unauthorized');
  if (outcome === 'rate_limited') return policy('Allow', 'nobody', event.methodArn, REFUSED_CONTEXT);
  return policy('Deny', 'nobody', event.methodArn, {});
}

function policy(Effect: 'Allow' | 'Deny', principalId: string, Resource: string, context: Record<string, string>) {
  return {
    principalId,
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect, Resource }] },
    context,
  };
}
