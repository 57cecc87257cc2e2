import { LOCAL_REGION } from '../service.ts';
import type { AccessLogFormat } from './access-log.ts';
import type { SelectRouteKey } from './selection-expression.ts';

/** A function, and the role that API Gateway assumes to invoke it. Without a role, the function's own permissions count. */
export interface InvokedFunction {
  readonly functionArn: string;
  readonly roleArn?: string;
}

/** A Lambda proxy integration. */
export interface Integration extends InvokedFunction {
  readonly timeoutMs: number;
}

/** A place of the caller's identity, for an authorizer. */
export interface IdentitySource {
  readonly kind: 'header' | 'querystring';
  readonly name: string;
}

/** A REQUEST authorizer. */
export interface Authorizer extends InvokedFunction {
  readonly authorizerId: string;
  readonly identitySources: readonly IdentitySource[];
}

/** A created route. A later route response may make it two-way. */
export interface Route {
  readonly routeId: string;
  readonly routeKey: string;
  readonly integration?: Integration;
  readonly authorizer?: Authorizer;
  readonly selectsResponse: boolean;
}

/** A deployed route. */
export interface DeployedRoute extends Route {
  /** Whether the Lambda's result goes to the client. */
  readonly isTwoWay: boolean;
}

export type RouteTable = ReadonlyMap<string, DeployedRoute>;

export interface Stage {
  readonly api: Api;
  readonly stageName: string;
  readonly variables: Readonly<Record<string, string>>;
  /** Undefined for a stage without a deployment. */
  readonly routes: () => RouteTable | undefined;
  readonly accessLog?: AccessLogFormat;
  /** Takes a token of the stage's or the route's own limit. Returns false at the limit. */
  readonly tryTake: (routeKey: string) => boolean;
}

/** A WebSocket API and its parts, by id; stages by name. */
export interface Api {
  readonly apiId: string;
  readonly name: string;
  readonly selectRouteKey: SelectRouteKey;
  readonly integrations: Map<string, Integration>;
  readonly authorizers: Map<string, Authorizer>;
  readonly routes: Map<string, Route>;
  /** The ids of routes that have a `$default` route response. */
  readonly routeResponses: Set<string>;
  readonly deployments: Map<string, RouteTable>;
  readonly stages: Map<string, Stage>;
}

/** Every API, by id. */
export type Apis = Map<string, Api>;

/** Returns the current routes of an API, for a deployment or for `AutoDeploy`. */
export function currentRoutes(api: Api): RouteTable {
  return new Map(
    Array.from(api.routes.values(), (route) => [
      route.routeKey,
      { ...route, isTwoWay: route.selectsResponse && api.routeResponses.has(route.routeId) },
    ]),
  );
}

export type StageLookup =
  | { readonly kind: 'found'; readonly stage: Stage }
  | { readonly kind: 'unknown' }
  /** Several APIs have the stage and the host names none of them. */
  | { readonly kind: 'ambiguous'; readonly message: string };

/** Whether a host is that of an API: `a1b2c3d4e5.execute-api.us-east-1.amazonaws.com`. */
export function isApiHost(host: string): boolean {
  return apiIdOf(host) !== undefined;
}

function apiIdOf(host: string): string | undefined {
  return /^([a-z0-9]+)\.execute-api\./.exec(host)?.[1];
}

/** Finds a stage by the host `{apiId}.execute-api.…`, as on AWS. Any other host stands for the only API with that stage. */
export function findStage(apis: Apis, host: string, stageName: string): StageLookup {
  const apiId = apiIdOf(host);
  const candidates = apiId === undefined ? [...apis.values()] : [apis.get(apiId)];
  const stages = candidates.flatMap((api) => api?.stages.get(stageName) ?? []);
  const [stage] = stages;
  if (stage === undefined) return { kind: 'unknown' };
  if (stages.length === 1) return { kind: 'found', stage };
  const names = stages.map(({ api }) => `${api.apiId} (${api.name})`).join(', ');
  return {
    kind: 'ambiguous',
    message: `The stage ${stageName} exists in several APIs: ${names}. Name one in the header Host: ${stage.api.apiId}.execute-api.${LOCAL_REGION}.amazonaws.com`,
  };
}
