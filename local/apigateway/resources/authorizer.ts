import * as v from 'valibot';
import type { ResourceProvider } from '../../service.ts';
import type { IdentitySource } from '../model.ts';
import { credentialsArn, functionUri, invokedFunction } from './function-uri.ts';
import { apiOf, type Provisioning, part, partId, provider } from './provider.ts';

const IDENTITY_SOURCE = /^route\.request\.(header|querystring)\.(.+)$/;

const identitySource = v.pipe(
  v.string(),
  v.check((source) => IDENTITY_SOURCE.test(source), 'route.request.header.NAME or route.request.querystring.NAME'),
  v.transform((source): IdentitySource => {
    const [, kind, name = ''] = IDENTITY_SOURCE.exec(source) ?? [];
    return { kind: kind === 'header' ? 'header' : 'querystring', name };
  }),
);

export function authorizerProvider({ apis }: Provisioning): ResourceProvider {
  return provider({
    type: 'Authorizer',
    properties: {
      ApiId: v.string(),
      AuthorizerCredentialsArn: credentialsArn,
      AuthorizerType: v.literal('REQUEST'),
      AuthorizerUri: functionUri,
      IdentitySource: v.optional(v.array(identitySource), []),
    },
    inertProperties: ['Name'],
    create: ({ ApiId, AuthorizerUri, AuthorizerCredentialsArn, IdentitySource }, resource, refuse) => {
      const { authorizers } = apiOf(apis, ApiId, refuse);
      const authorizerId = partId(resource);
      const invoked = invokedFunction(AuthorizerUri, AuthorizerCredentialsArn);
      authorizers.set(authorizerId, { ...invoked, authorizerId, identitySources: IdentitySource });
      return part(resource, 'AuthorizerId');
    },
  });
}
