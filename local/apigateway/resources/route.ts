import type { ResourceProvider } from '../../service.ts';
import type { Api, Authorizer, Integration } from '../model.ts';
import type { Properties } from './properties.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';

export function routeProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Route',
    properties: [
      'ApiId',
      'RouteKey',
      'Target',
      'AuthorizationType',
      'AuthorizerId',
      'ApiKeyRequired',
      'RouteResponseSelectionExpression',
    ],
    inertProperties: ['OperationName'],
    create: (properties, resource) => {
      const api = apiOf(apis, properties);
      const routeKey = properties.requiredString('RouteKey');
      if ([...api.routes.values()].some((route) => route.routeKey === routeKey)) {
        properties.refuse('RouteKey', `${routeKey} exists already in the API ${api.name}`);
      }
      if (properties.boolean('ApiKeyRequired') === true) properties.refuse('ApiKeyRequired', 'true is not supported');
      const integration = integrationOf(api, properties);
      const authorizer = authorizerOf(api, routeKey, properties);
      const routeId = partId(resource);
      api.routes.set(routeId, {
        routeId,
        routeKey,
        selectsResponse: selectsResponse(properties),
        ...(integration && { integration }),
        ...(authorizer && { authorizer }),
      });
      return part(resource, 'RouteId');
    },
  });
}

export function routeResponseProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'RouteResponse',
    properties: ['ApiId', 'RouteId', 'RouteResponseKey'],
    create: (properties, resource) => {
      const api = apiOf(apis, properties);
      const routeId = properties.requiredString('RouteId');
      if (!api.routes.has(routeId)) properties.refuse('RouteId', `names no route of the API ${api.name}: ${routeId}`);
      properties.oneOf('RouteResponseKey', ['$default']);
      api.routeResponses.add(routeId);
      return part(resource, 'RouteResponseId');
    },
  });
}

function selectsResponse(properties: Properties): boolean {
  const expression = properties.string('RouteResponseSelectionExpression');
  if (expression === undefined || expression === '$default') return expression === '$default';
  return properties.refuse('RouteResponseSelectionExpression', `${expression} is not supported; expected $default`);
}

function integrationOf(api: Api, properties: Properties): Integration | undefined {
  const target = properties.string('Target');
  if (target === undefined) return undefined;
  const integrationId = /^integrations\/(.+)$/.exec(target)?.[1] ?? '';
  return (
    api.integrations.get(integrationId) ??
    properties.refuse('Target', `must be integrations/ID of an integration of the API ${api.name}, got ${target}`)
  );
}

function authorizerOf(api: Api, routeKey: string, properties: Properties): Authorizer | undefined {
  const authorizerId = properties.string('AuthorizerId');
  if (properties.oneOf('AuthorizationType', ['NONE', 'CUSTOM']) === 'NONE') {
    if (authorizerId !== undefined) properties.refuse('AuthorizerId', 'needs AuthorizationType CUSTOM');
    return undefined;
  }
  if (routeKey !== '$connect') properties.refuse('AuthorizationType', 'CUSTOM is for the $connect route only');
  const authorizer = api.authorizers.get(authorizerId ?? '');
  return authorizer ?? properties.refuse('AuthorizerId', `names no authorizer of the API ${api.name}: ${authorizerId}`);
}
