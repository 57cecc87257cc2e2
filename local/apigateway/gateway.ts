import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Invoke, Log } from '../service.ts';
import type { Throttle } from '../throttle.ts';
import type { AccessRecord } from './access-log.ts';
import type { Ids } from './ids.ts';
import type { Stage } from './model.ts';

/** @param headers the handshake's headers, names and values */
export type OnRefused = (
  authorizerArn: string,
  statusCode: 401 | 403,
  headers: readonly (readonly [string, string])[],
) => void;

/** The common parts of the data plane. */
export interface Gateway {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly invoke: Invoke;
  readonly log: Log;
  readonly ids: Ids;
  /** The account's requests per second, over all APIs, stages and `@connections`. */
  readonly accountThrottle: Throttle;
  /** The account's new connections per second. */
  readonly connectThrottle: Throttle;
  /** Gets each handshake that an authorizer refuses. */
  readonly onRefused: OnRefused;
  /** Aborts when the local cloud shuts down. After that, it invokes nothing. */
  readonly stopping: AbortSignal;
}

/** Writes a request's line to the stage's access log, if it has one. */
export function logAccess(gateway: Gateway, stage: Stage, record: AccessRecord): void {
  if (stage.accessLog === undefined) return;
  gateway.log({
    level: 'info',
    source: `access ${stage.api.name}/${stage.stageName}`,
    message: stage.accessLog.render(record),
  });
}

/** Logs the failure of a promise that nobody awaits. */
export function logFailure(gateway: Gateway, what: string): (error: unknown) => void {
  return (error) => gateway.log({ level: 'error', source: 'apigateway', message: `${what} failed: ${error}` });
}
