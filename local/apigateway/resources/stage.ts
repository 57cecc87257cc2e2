import * as v from 'valibot';
import { record } from '../../record.ts';
import { flag } from '../../resource-properties.ts';
import type { ResourceProvider } from '../../service.ts';
import { type AccessLogFormat, compileAccessLogFormat } from '../access-log.ts';
import { type Api, currentRoutes, type RouteTable } from '../model.ts';
import { apiOf, type Provisioning, part, partId, provider, type Refuse } from './provider.ts';
import { createStageThrottle, routeSettings } from './stage-throttle.ts';

/** A deployment has the routes that exist at its creation, as on AWS: a template has to set `DependsOn`. */
export function deploymentProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Deployment',
    properties: { ApiId: v.string() },
    inertProperties: ['Description'],
    create: ({ ApiId }, resource, refuse) => {
      const api = apiOf(apis, ApiId, refuse);
      if (api.routes.size === 0) refuse('ApiId', `the API ${api.name} has no route yet; at least one is required`);
      api.deployments.set(partId(resource), currentRoutes(api));
      return part(resource, 'DeploymentId');
    },
  });
}

const stageName = v.pipe(
  v.string(),
  v.check((name) => /^[A-Za-z0-9_-]+$/.test(name), 'letters, digits, - and _'),
);

export function stageProvider({ apis, clock, log }: Provisioning): ResourceProvider {
  return provider({
    type: 'Stage',
    properties: {
      ApiId: v.string(),
      StageName: stageName,
      AutoDeploy: v.optional(flag, false),
      DeploymentId: v.optional(v.string()),
      StageVariables: v.optional(record(v.string()), {}),
      DefaultRouteSettings: v.optional(routeSettings, {}),
      RouteSettings: v.optional(record(routeSettings), {}),
      AccessLogSettings: v.optional(v.strictObject({ DestinationArn: v.string(), Format: v.string() })),
    },
    inertProperties: ['Description', 'Tags'],
    create: ({ ApiId, StageName, StageVariables, AccessLogSettings, ...properties }, _, refuse) => {
      const api = apiOf(apis, ApiId, refuse);
      const accessLog = AccessLogSettings && accessLogFormat(AccessLogSettings.Format, refuse);
      for (const name of accessLog?.unknownVariables ?? []) {
        const message = `stage ${api.name}/${StageName}: AccessLogSettings.Format has the unknown variable $context.${name}`;
        log({ level: 'warn', source: 'apigateway', message });
      }
      api.stages.set(StageName, {
        api,
        stageName: StageName,
        variables: StageVariables,
        routes: deployedRoutes(api, properties, refuse),
        tryTake: createStageThrottle(clock, properties.DefaultRouteSettings, properties.RouteSettings),
        ...(accessLog && { accessLog }),
      });
      return { ref: StageName, attributes: {} };
    },
  });
}

/** Without `AutoDeploy` and without a deployment a stage serves nothing. */
function deployedRoutes(
  api: Api,
  { AutoDeploy, DeploymentId }: { readonly AutoDeploy: boolean; readonly DeploymentId?: string | undefined },
  refuse: Refuse,
): () => RouteTable | undefined {
  if (AutoDeploy) return () => currentRoutes(api);
  if (DeploymentId === undefined) return () => undefined;
  const routes = api.deployments.get(DeploymentId);
  if (routes === undefined)
    return refuse('DeploymentId', `names no deployment of the API ${api.name}: ${DeploymentId}`);
  return () => routes;
}

function accessLogFormat(format: string, refuse: Refuse): AccessLogFormat {
  try {
    return compileAccessLogFormat(format);
  } catch (error) {
    return refuse('AccessLogSettings.Format', error instanceof Error ? error.message : String(error));
  }
}
