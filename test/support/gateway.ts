import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiGatewayManagementApiClient } from '@aws-sdk/client-apigatewaymanagementapi';
import { onTestFinished } from 'vitest';
import { type ApiGateway, createApiGateway } from '../../local/apigateway/index.ts';
import type { Clock } from '../../local/clock.ts';
import { type Faults, NO_FAULTS } from '../../local/faults.ts';
import { errorResponse } from '../../local/front/aws-errors.ts';
import {
  type Authorize,
  AwsError,
  type InvocationResult,
  type InvocationSource,
  type Log,
  type Resource,
} from '../../local/service.ts';
import { provision, resource } from './aws-server.ts';
import { createManualClock, type ManualClock } from './manual-clock.ts';
import { connectClient, type TestClient, type TestClientOptions } from './ws-client.ts';

/** The JSON event of a Lambda function. */
// biome-ignore lint/suspicious/noExplicitAny: tests read events of every shape.
export type TestEvent = any;

/** A Lambda function in a test. It returns a payload, throws, or returns {@link outcome}. */
export type TestFunction = (event: TestEvent) => unknown;

export interface Invocation {
  readonly functionName: string;
  readonly event: TestEvent;
  readonly source: InvocationSource;
}

export interface TestRoute {
  /** The function's name; `null` for a route without an integration. Default: the route key. */
  readonly function?: string | null;
  /** Whether the client gets a response; or only one of the two properties that a response needs. */
  readonly twoWay?: boolean | 'RouteResponseSelectionExpression' | 'RouteResponse';
  readonly timeoutMs?: number;
}

export interface TestApi {
  readonly stackName?: string;
  readonly routeSelectionExpression?: string;
  /** The function or the settings of each route key. Default: `$connect`, `$disconnect` and `$default`. */
  readonly routes?: Readonly<Record<string, string | TestRoute>>;
  readonly authorizer?: { readonly function: string; readonly identitySource?: readonly string[] };
  readonly stageName?: string;
  /** More properties of the stage. */
  readonly stage?: Resource['properties'];
}

export interface TestGatewayOptions extends TestApi {
  /** The functions by name. Others return `{ statusCode: 200 }`. */
  readonly functions?: Readonly<Record<string, TestFunction>>;
  readonly faults?: Faults;
  readonly authorize?: Authorize;
  /** The account's quota. Default: that of AWS. */
  readonly requestsPerSecond?: number;
  /** Default: a manual clock that the test moves. */
  readonly clock?: Clock;
}

export interface TestGateway {
  readonly gateway: ApiGateway;
  readonly clock: ManualClock;
  readonly port: number;
  /** The id of the first API. */
  readonly apiId: string;
  readonly invocations: readonly Invocation[];
  readonly log: readonly Parameters<Log>[0][];
  /** Returns the events that a function got. */
  events(functionName: string): TestEvent[];
  /** Deploys another API. Returns its id. */
  deploy(api: TestApi): Promise<string>;
  /** Starts a handshake at `path` (default: the stage `prod`). */
  connect(options?: TestClientOptions & { readonly path?: string }): TestClient;
  /** Connects and waits until the connection is open. Resolves with the client and the connection's id. */
  open(options?: TestClientOptions): Promise<TestClient & { readonly connectionId: string }>;
  /** Creates the SDK's management client for a stage. */
  management(stageName?: string): ApiGatewayManagementApiClient;
  close(): Promise<void>;
}

const OUTCOME = Symbol('outcome');

/** Ends a test function with this invocation result, such as a timeout. */
export function outcome(result: InvocationResult): unknown {
  return { [OUTCOME]: result };
}

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:';

/** Starts a gateway as {@link startGateway} does, and closes it when the test ends. */
export async function start(options?: TestGatewayOptions): Promise<TestGateway> {
  const gateway = await startGateway(options);
  onTestFinished(() => gateway.close());
  return gateway;
}

/**
 * Starts an API Gateway on a port of its own, with JavaScript functions as Lambdas and a clock that the test moves:
 * `start({ functions: { $connect: () => ({ statusCode: 200 }) } })`, then `open()`, `clock.advance(ms)`, `events(name)`.
 */
export async function startGateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const clock = createManualClock();
  const invocations: Invocation[] = [];
  const log: Parameters<Log>[0][] = [];
  const clients: TestClient[] = [];
  const gateway = createApiGateway({
    clock: options.clock ?? clock,
    faults: options.faults ?? NO_FAULTS,
    authorize: options.authorize ?? (() => undefined),
    log: (entry) => log.push(entry),
    ...(options.requestsPerSecond !== undefined && { requestsPerSecond: options.requestsPerSecond }),
    invoke: async (functionArn, payload, source) => {
      const functionName = functionArn.slice(FUNCTION_ARN.length);
      const event: TestEvent = JSON.parse(JSON.stringify(payload));
      invocations.push({ functionName, event, source });
      return run(options.functions?.[functionName] ?? (() => ({ statusCode: 200 })), event);
    },
  });
  const apiId = await deployApi(gateway, options);
  const server = createServer((request, response) => {
    serve(gateway, request, response).catch((error) => response.writeHead(500).end(String(error)));
  });
  // As in the local cloud: closing an idle connection would race with the next request of a busy client.
  server.keepAliveTimeout = 0;
  server.on('upgrade', gateway.handleUpgrade);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const connect: TestGateway['connect'] = ({ path = '/prod', ...clientOptions } = {}) => {
    const client = connectClient(`ws://127.0.0.1:${port}${path}`, clientOptions);
    clients.push(client);
    return client;
  };
  return {
    gateway,
    clock,
    port,
    apiId,
    invocations,
    log,
    connect,
    events: (functionName) =>
      invocations.filter((invocation) => invocation.functionName === functionName).map(({ event }) => event),
    deploy: (api) => deployApi(gateway, api),
    open: async (clientOptions) => {
      const known = new Set(connectionIds(invocations));
      const client = connect(clientOptions);
      await client.opened;
      const connectionId = connectionIds(invocations).find((id) => !known.has(id));
      if (connectionId === undefined) throw new Error('open() needs a $connect function');
      return { ...client, connectionId };
    },
    management: (stageName = 'prod') =>
      new ApiGatewayManagementApiClient({
        endpoint: `http://127.0.0.1:${port}/${stageName}`,
        region: 'us-east-1',
        maxAttempts: 1,
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
    close: async () => {
      for (const client of clients) client.socket.terminate();
      await gateway.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function connectionIds(invocations: readonly Invocation[]): string[] {
  return invocations.map(({ event }) => event.requestContext.connectionId);
}

async function run(handler: TestFunction, event: TestEvent): Promise<InvocationResult> {
  try {
    const payload = await handler(event);
    if (typeof payload === 'object' && payload !== null && OUTCOME in payload)
      return payload[OUTCOME] as InvocationResult;
    return { kind: 'ok', payload };
  } catch (error) {
    const { name, message } = error as Error;
    return { kind: 'error', errorType: name, errorMessage: message };
  }
}

async function serve(gateway: ApiGateway, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  if (!/connections/.test(path)) {
    if (!gateway.handleHttp(request, response)) response.writeHead(404).end();
    return;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = gateway.handle({
    service: 'execute-api',
    principal: { kind: 'admin' },
    method: request.method ?? 'GET',
    host: request.headers.host ?? '',
    path,
    query: new URLSearchParams(query),
    headers: request.headers,
    body: Buffer.concat(chunks),
  });
  const { statusCode, headers, body } = await answer.catch((error: unknown) => {
    if (error instanceof AwsError) return errorResponse('execute-api', error);
    throw error;
  });
  response.writeHead(statusCode, headers).end(body);
}

const DEFAULT_ROUTES = { $connect: 'connect', $disconnect: 'disconnect', $default: 'default' };

async function deployApi(gateway: ApiGateway, api: TestApi): Promise<string> {
  const { stackName = 'Stack', routes = DEFAULT_ROUTES, authorizer, stageName = 'prod' } = api;
  const make = async (type: string, logicalId: string, properties: Resource['properties']): Promise<string> => {
    const made = { ...resource(`AWS::ApiGatewayV2::${type}`, properties, logicalId), stackName };
    return (await provision(gateway, made)).ref;
  };
  const RouteSelectionExpression = api.routeSelectionExpression ?? '$request.body.action';
  const ApiId = await make('Api', 'Api', { Name: 'chat', ProtocolType: 'WEBSOCKET', RouteSelectionExpression });
  const authorizerId =
    authorizer &&
    (await make('Authorizer', 'Authorizer', {
      ApiId,
      AuthorizerType: 'REQUEST',
      AuthorizerUri: invocationUri(authorizer.function),
      IdentitySource: authorizer.identitySource ?? [],
    }));
  for (const [RouteKey, given] of Object.entries(routes)) {
    const route: TestRoute = typeof given === 'string' ? { function: given } : given;
    const integrationId =
      route.function !== null &&
      (await make('Integration', `${RouteKey}Integration`, {
        ApiId,
        IntegrationType: 'AWS_PROXY',
        IntegrationUri: invocationUri(route.function ?? RouteKey),
        ...(route.timeoutMs !== undefined && { TimeoutInMillis: route.timeoutMs }),
      }));
    const RouteId = await make('Route', `${RouteKey}Route`, {
      ApiId,
      RouteKey,
      ...(integrationId && { Target: `integrations/${integrationId}` }),
      ...(RouteKey === '$connect' && authorizerId && { AuthorizationType: 'CUSTOM', AuthorizerId: authorizerId }),
      ...(has(route, 'RouteResponseSelectionExpression') && { RouteResponseSelectionExpression: '$default' }),
    });
    if (has(route, 'RouteResponse')) {
      await make('RouteResponse', `${RouteKey}RouteResponse`, { ApiId, RouteId, RouteResponseKey: '$default' });
    }
  }
  await make('Stage', 'Stage', { ApiId, StageName: stageName, AutoDeploy: true, ...api.stage });
  return ApiId;
}

function has({ twoWay = false }: TestRoute, half: 'RouteResponseSelectionExpression' | 'RouteResponse'): boolean {
  return twoWay === true || twoWay === half;
}

export function invocationUri(functionName: string): string {
  return `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${FUNCTION_ARN}${functionName}/invocations`;
}
