import type { ResourceProvider } from '../../service.ts';
import { apiDomainName } from '../arns.ts';
import { resourceId } from '../ids.ts';
import { compileRouteSelectionExpression, type SelectRouteKey } from '../selection-expression.ts';
import type { Properties } from './properties.ts';
import { type Provisioning, provider } from './provider.ts';

export function apiProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Api',
    properties: ['Name', 'ProtocolType', 'RouteSelectionExpression', 'DisableExecuteApiEndpoint'],
    // No route can require an API key and no model is supported, so neither how a key is found nor validation matters.
    inertProperties: [
      'ApiKeySelectionExpression',
      'Description',
      'DisableSchemaValidation',
      'IpAddressType',
      'Tags',
      'Version',
    ],
    create: (properties, { stackName, logicalId }) => {
      if (properties.requiredString('ProtocolType') !== 'WEBSOCKET') {
        properties.refuse('ProtocolType', `${properties.string('ProtocolType')} is not supported; expected WEBSOCKET`);
      }
      if (properties.boolean('DisableExecuteApiEndpoint') === true) {
        properties.refuse('DisableExecuteApiEndpoint', 'true is not supported: there are no custom domains');
      }
      const apiId = resourceId(10, stackName, logicalId);
      apis.set(apiId, {
        apiId,
        name: properties.requiredString('Name'),
        selectRouteKey: selectRouteKey(properties),
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

function selectRouteKey(properties: Properties): SelectRouteKey {
  const expression = properties.requiredString('RouteSelectionExpression');
  try {
    return compileRouteSelectionExpression(expression);
  } catch (error) {
    return properties.refuse('RouteSelectionExpression', `is not supported: ${error}`);
  }
}
