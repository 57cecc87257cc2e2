import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import type { Authorize, AwsService, Invoke, Log } from '../service.ts';
import { createThrottle } from '../throttle.ts';
import { createConnections } from './connections.ts';
import { ERROR_MESSAGE, errorFrame } from './error-frame.ts';
import type { Gateway, OnRefused } from './gateway.ts';
import { createIds } from './ids.ts';
import { ACCOUNT_REQUESTS_PER_SECOND, NEW_CONNECTIONS_PER_SECOND } from './limits.ts';
import { createManagementApi } from './management.ts';
import { type Api, findStage, isApiHost } from './model.ts';
import { createProviders } from './resources/index.ts';
import { createUpgrades } from './upgrade.ts';

export interface ApiGatewayOptions {
  readonly clock: Clock;
  readonly faults: Faults;
  readonly authorize: Authorize;
  readonly invoke: Invoke;
  readonly log: Log;
  /** The account's requests a second, with a burst of half as much. Default: those of AWS. */
  readonly requestsPerSecond?: number;
  /** Gets each handshake that an authorizer refuses. Default: none. */
  readonly onRefused?: OnRefused;
  /** Returns that many random bytes, for ids. Default: those of the operating system. */
  readonly random?: (byteCount: number) => Uint8Array;
}

/** One stage of one API. */
export interface ServedApi {
  readonly apiId: string;
  readonly name: string;
  readonly stageName: string;
}

/** WebSocket APIs: the data plane, the Management API, and the providers of `AWS::ApiGatewayV2::*`. */
export interface ApiGateway extends AwsService {
  /** Handles every upgrade request: nothing else on the port upgrades. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Answers a plain request to a stage, or below it, with 426, and one to another path of an API's own host with 403. Returns
   * false, and does nothing, for other requests.
   */
  handleHttp(request: IncomingMessage, response: ServerResponse): boolean;
  apis(): readonly ServedApi[];
}

export function createApiGateway(options: ApiGatewayOptions): ApiGateway {
  const { clock, faults, invoke, log, authorize, onRefused = () => {}, random = randomBytes } = options;
  const { requestsPerSecond = ACCOUNT_REQUESTS_PER_SECOND } = options;
  const stopping = new AbortController();
  // Each wait for the clock has a listener, and there may be thousands.
  setMaxListeners(0, stopping.signal);
  const gateway: Gateway = {
    clock,
    faults,
    invoke,
    log,
    onRefused,
    ids: createIds(random),
    accountThrottle: createThrottle(clock, requestsPerSecond, Math.ceil(requestsPerSecond / 2)),
    connectThrottle: createThrottle(clock, NEW_CONNECTIONS_PER_SECOND, NEW_CONNECTIONS_PER_SECOND),
    stopping: stopping.signal,
  };
  const apis = new Map<string, Api>();
  const connections = createConnections(gateway);
  const upgrades = createUpgrades(gateway, apis, connections);
  return {
    name: 'execute-api',
    providers: createProviders({ apis, clock, log }),
    handle: createManagementApi(gateway, apis, connections, authorize).handle,
    handleUpgrade: upgrades.handle,
    handleHttp: (request, response) => {
      const { host = '' } = request.headers;
      const [, stageName = ''] = /^\/([^/?]*)/.exec(request.url ?? '') ?? [];
      const isStage = findStage(apis, host, stageName).kind !== 'unknown';
      if (!isStage && !isApiHost(host)) return false;
      const [statusCode, message] = isStage ? [426, ERROR_MESSAGE.upgradeRequired] : [403, ERROR_MESSAGE.forbidden];
      const upgrade = isStage ? { Connection: 'Upgrade', Upgrade: 'websocket' } : {};
      response.writeHead(statusCode, { 'Content-Type': 'application/json', ...upgrade });
      response.end(errorFrame(message, gateway.ids.next(), gateway.ids.next()));
      return true;
    },
    apis: () =>
      Array.from(apis.values(), ({ apiId, name, stages }) =>
        Array.from(stages.keys(), (stageName) => ({ apiId, name, stageName })),
      ).flat(),
    close: async () => {
      stopping.abort();
      upgrades.close();
      await connections.close();
    },
  };
}
