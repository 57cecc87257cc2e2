import * as v from 'valibot';
import { flag } from '../../resource-properties.ts';
import type { ResourceProvider } from '../../service.ts';
import type { Api, Authorizer, Integration } from '../model.ts';
import { apiOf, type Provisioning, part, partId, provider, type Refuse } from './provider.ts';

export function routeProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Route',
    properties: {
      ApiId: v.string(),
      RouteKey: v.string(),
      Target: v.optional(v.string()),
      AuthorizationType: v.optional(v.picklist(['NONE', 'CUSTOM']), 'NONE'),
      AuthorizerId: v.optional(v.string()),
      ApiKeyRequired: v.optional(flag, false),
      RouteResponseSelectionExpression: v.optional(v.literal('$default')),
    },
    inertProperties: ['OperationName'],
    create: ({ ApiId, RouteKey, Target, ...properties }, resource, refuse) => {
      const api = apiOf(apis, ApiId, refuse);
      if ([...api.routes.values()].some(({ routeKey }) => routeKey === RouteKey)) {
        refuse('RouteKey', `${RouteKey} exists already in the API ${api.name}`);
      }
      if (properties.ApiKeyRequired) refuse('ApiKeyRequired', 'true is not supported');
      const integration = Target === undefined ? undefined : integrationOf(api, Target, refuse);
      const authorizer = authorizerOf(api, RouteKey, properties, refuse);
      const routeId = partId(resource);
      api.routes.set(routeId, {
        routeId,
        routeKey: RouteKey,
        selectsResponse: properties.RouteResponseSelectionExpression !== undefined,
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
    properties: { ApiId: v.string(), RouteId: v.string(), RouteResponseKey: v.literal('$default') },
    create: ({ ApiId, RouteId }, resource, refuse) => {
      const api = apiOf(apis, ApiId, refuse);
      if (!api.routes.has(RouteId)) refuse('RouteId', `names no route of the API ${api.name}: ${RouteId}`);
      api.routeResponses.add(RouteId);
      return part(resource, 'RouteResponseId');
    },
  });
}

function integrationOf(api: Api, target: string, refuse: Refuse): Integration {
  const integration = target.startsWith('integrations/') ? api.integrations.get(target.slice(13)) : undefined;
  return integration ?? refuse('Target', `expected integrations/ID of the API ${api.name}, got ${target}`);
}

function authorizerOf(
  api: Api,
  routeKey: string,
  {
    AuthorizationType,
    AuthorizerId,
  }: { readonly AuthorizationType: string; readonly AuthorizerId?: string | undefined },
  refuse: Refuse,
): Authorizer | undefined {
  if (AuthorizationType === 'NONE') {
    return AuthorizerId === undefined ? undefined : refuse('AuthorizerId', 'needs AuthorizationType CUSTOM');
  }
  if (routeKey !== '$connect') refuse('AuthorizationType', 'CUSTOM is for the $connect route only');
  const authorizer = api.authorizers.get(AuthorizerId ?? '');
  return authorizer ?? refuse('AuthorizerId', `names no authorizer of the API ${api.name}: ${AuthorizerId}`);
}
