import type { ResourceProvider } from '../../service.ts';
import type { IdentitySource } from '../model.ts';
import { functionArn } from './integration.ts';
import type { Properties } from './properties.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';

export function authorizerProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Authorizer',
    properties: ['ApiId', 'AuthorizerType', 'AuthorizerUri', 'IdentitySource'],
    inertProperties: ['Name'],
    create: (properties, resource) => {
      const api = apiOf(apis, properties);
      properties.oneOf('AuthorizerType', ['REQUEST']);
      const authorizerId = partId(resource);
      api.authorizers.set(authorizerId, {
        authorizerId,
        functionArn: functionArn(properties, 'AuthorizerUri'),
        identitySources: properties.strings('IdentitySource').map((source) => identitySource(source, properties)),
      });
      return part(resource, 'AuthorizerId');
    },
  });
}

function identitySource(source: string, properties: Properties): IdentitySource {
  const [, kind, name] = /^route\.request\.(header|querystring)\.(.+)$/.exec(source) ?? [];
  if (name === undefined) {
    return properties.refuse(
      'IdentitySource',
      `${source} is not supported; expected route.request.header.NAME or route.request.querystring.NAME`,
    );
  }
  return { kind: kind === 'header' ? 'header' : 'querystring', name };
}
