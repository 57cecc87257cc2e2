import * as v from 'valibot';
import { flag } from '../../resource-properties.ts';
import type { ResourceProvider } from '../../service.ts';
import { apiDomainName } from '../arns.ts';
import { resourceId } from '../ids.ts';
import { compileRouteSelectionExpression, type SelectRouteKey } from '../selection-expression.ts';
import { type Provisioning, provider, type Refuse } from './provider.ts';

/** Properties that AWS refuses for a WebSocket API. An HTTP API is refused for its protocol instead. */
const OF_HTTP_APIS = [
  'BasePath',
  'Body',
  'BodyS3Location',
  'CorsConfiguration',
  'CredentialsArn',
  'FailOnWarnings',
  'RouteKey',
  'Target',
];

export function apiProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Api',
    properties: {
      Name: v.string(),
      ProtocolType: v.literal('WEBSOCKET'),
      RouteSelectionExpression: v.string(),
      DisableExecuteApiEndpoint: v.optional(flag, false),
    },
    // Routes have no API keys and no models here, so the source of keys and the validation have no effect.
    inertProperties: [
      'ApiKeySelectionExpression',
      ...OF_HTTP_APIS,
      'Description',
      'DisableSchemaValidation',
      'IpAddressType',
      'Tags',
      'Version',
    ],
    create: ({ Name, RouteSelectionExpression, DisableExecuteApiEndpoint }, { stackName, logicalId }, refuse) => {
      if (DisableExecuteApiEndpoint) {
        refuse('DisableExecuteApiEndpoint', 'true is not supported, because the local cloud has no custom domains');
      }
      const apiId = resourceId(10, stackName, logicalId);
      apis.set(apiId, {
        apiId,
        name: Name,
        selectRouteKey: selectRouteKey(RouteSelectionExpression, refuse),
        integrations: new Map(),
        authorizers: new Map(),
        routes: new Map(),
        routeResponses: new Set(),
        deployments: new Map(),
        stages: new Map(),
      });
      return { ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: `wss://${apiDomainName(apiId)}` } };
    },
  });
}

function selectRouteKey(expression: string, refuse: Refuse): SelectRouteKey {
  try {
    return compileRouteSelectionExpression(expression);
  } catch (error) {
    return refuse('RouteSelectionExpression', error instanceof Error ? error.message : String(error));
  }
}
