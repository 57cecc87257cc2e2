import * as v from 'valibot';
import { flag } from '../../resource-properties.ts';
import type { ResourceProvider } from '../../service.ts';
import { apiDomainName } from '../arns.ts';
import { resourceId } from '../ids.ts';
import { compileRouteSelectionExpression, type SelectRouteKey } from '../selection-expression.ts';
import { type Provisioning, provider, type Refuse } from './provider.ts';

/** AWS refuses them for a WebSocket API. What there is to say of an HTTP API is its protocol. */
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
    // No route can require an API key and no model is supported, so neither how a key is found nor validation matters.
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
        refuse('DisableExecuteApiEndpoint', 'true is not supported: there are no custom domains');
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
