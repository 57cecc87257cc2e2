import { type ConnectionFacts, disconnectEvent, type Ending, requestContext } from './events.ts';
import { type Gateway, logAccess } from './gateway.ts';
import { callFunction, parseProxyResponse } from './integration.ts';
import { UNCLEAN_LOSS_DETECTION_MS } from './limits.ts';

/**
 * Invokes the `$disconnect` route at a connection's end: at once after a close frame from either side, later after a loss
 * without one. This is best effort, as on AWS: a fault may delay or drop it, and nobody reads the result.
 */
export async function announceDisconnect(
  gateway: Gateway,
  connection: ConnectionFacts,
  ending: Ending,
  isClean: boolean,
): Promise<void> {
  const { clock, faults, stopping } = gateway;
  const { connectionId, stage } = connection;
  const fault = faults.strike('disconnect', { connectionId, apiId: stage.api.apiId, stage: stage.stageName });
  if (fault?.kind === 'drop') return;
  const delayMs = (isClean ? 0 : UNCLEAN_LOSS_DETECTION_MS) + (fault?.kind === 'late' ? fault.delayMs : 0);
  if (delayMs > 0) await clock.sleep(delayMs, stopping);
  if (!stopping.aborted) await runDisconnectRoute(gateway, connection, ending);
}

async function runDisconnectRoute(gateway: Gateway, connection: ConnectionFacts, ending: Ending): Promise<void> {
  const { stage } = connection;
  const route = stage.routes()?.get('$disconnect');
  if (route?.integration === undefined) return;
  const context = requestContext(connection, {
    routeKey: route.routeKey,
    eventType: 'DISCONNECT',
    requestId: gateway.ids.next(),
    receivedAtMs: gateway.clock.now(),
    ending,
  });
  const outcome = await callFunction(gateway, {
    ...route.integration,
    event: disconnectEvent(stage, context),
    apiId: stage.api.apiId,
    sourcePath: [stage.stageName, route.routeKey],
  });
  const { latencyMs } = outcome;
  if (outcome.kind === 'returned') {
    const status = parseProxyResponse(outcome.payload)?.statusCode ?? 200;
    return logAccess(gateway, stage, { context, status, integration: { status, latencyMs } });
  }
  const errorMessage = outcome.kind === 'timed-out' ? 'Endpoint request timed out' : outcome.errorMessage;
  logAccess(gateway, stage, { context, status: 500, errorMessage, integration: { latencyMs, errorMessage } });
}
