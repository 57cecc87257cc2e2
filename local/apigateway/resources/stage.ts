import type { ResourceProvider } from '../../service.ts';
import { type AccessLogFormat, compileAccessLogFormat } from '../access-log.ts';
import { type Api, currentRoutes, type RouteTable } from '../model.ts';
import type { Properties } from './properties.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';
import { createStageThrottle } from './stage-throttle.ts';

/** Fixes the routes that exist when it is created, as on AWS: a template has to say what it `DependsOn`. */
export function deploymentProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Deployment',
    properties: ['ApiId'],
    inertProperties: ['Description'],
    create: (properties, resource) => {
      const api = apiOf(apis, properties);
      if (api.routes.size === 0) {
        properties.refuse('ApiId', `at least one route is required before deploying the API ${api.name}`);
      }
      api.deployments.set(partId(resource), currentRoutes(api));
      return part(resource, 'DeploymentId');
    },
  });
}

export function stageProvider({ apis, clock, log }: Provisioning): ResourceProvider {
  return provider({
    type: 'Stage',
    properties: [
      'ApiId',
      'StageName',
      'AutoDeploy',
      'DeploymentId',
      'StageVariables',
      'DefaultRouteSettings',
      'RouteSettings',
      'AccessLogSettings',
    ],
    inertProperties: ['Description', 'Tags'],
    create: (properties) => {
      const api = apiOf(apis, properties);
      const stageName = properties.requiredString('StageName');
      if (!/^[A-Za-z0-9_-]+$/.test(stageName)) {
        properties.refuse('StageName', `must consist of letters, digits, - and _, got ${stageName}`);
      }
      const accessLog = accessLogFormat(properties);
      for (const name of accessLog?.unknownVariables ?? []) {
        const message = `stage ${api.name}/${stageName}: AccessLogSettings.Format has the unknown variable $context.${name}`;
        log({ level: 'warn', source: 'apigateway', message });
      }
      api.stages.set(stageName, {
        api,
        stageName,
        variables: stageVariables(properties),
        routes: deployedRoutes(api, properties),
        tryTake: createStageThrottle(clock, properties),
        ...(accessLog && { accessLog }),
      });
      return { ref: stageName, attributes: {} };
    },
  });
}

/** Without `AutoDeploy` and without a deployment a stage serves nothing. */
function deployedRoutes(api: Api, properties: Properties): () => RouteTable | undefined {
  const deploymentId = properties.string('DeploymentId');
  if (properties.boolean('AutoDeploy') === true) return () => currentRoutes(api);
  if (deploymentId === undefined) return () => undefined;
  const routes = api.deployments.get(deploymentId);
  if (routes === undefined) {
    properties.refuse('DeploymentId', `names no deployment of the API ${api.name}: ${deploymentId}`);
  }
  return () => routes;
}

function stageVariables(properties: Properties): Readonly<Record<string, string>> {
  const variables = Object.entries(properties.record('StageVariables'));
  return Object.fromEntries(
    variables.map(([name, value]): [string, string] =>
      typeof value === 'string' ? [name, value] : properties.refuse(`StageVariables.${name}`, 'must be a string'),
    ),
  );
}

function accessLogFormat(properties: Properties): AccessLogFormat | undefined {
  const { DestinationArn, Format, ...others } = properties.record('AccessLogSettings');
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) properties.refuse(`AccessLogSettings.${unknown}`, 'is not supported');
  if (DestinationArn === undefined && Format === undefined) return undefined;
  if (typeof DestinationArn !== 'string') properties.refuse('AccessLogSettings.DestinationArn', 'must be a string');
  if (typeof Format !== 'string') return properties.refuse('AccessLogSettings.Format', 'must be a string');
  try {
    return compileAccessLogFormat(Format);
  } catch (error) {
    return properties.refuse('AccessLogSettings.Format', error instanceof Error ? error.message : String(error));
  }
}
