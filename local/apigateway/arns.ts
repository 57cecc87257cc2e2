import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

/** The domain under which an API is reached on AWS; events and `ApiEndpoint` carry it. */
export function apiDomainName(apiId: string): string {
  return `${apiId}.execute-api.${LOCAL_REGION}.amazonaws.com`;
}

/** `arn:aws:execute-api:REGION:ACCOUNT:apiId/…`, of a route, an authorizer or the Management API. */
export function executeApiArn(apiId: string, ...path: readonly string[]): string {
  return `arn:aws:execute-api:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${[apiId, ...path].join('/')}`;
}
