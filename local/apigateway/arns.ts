import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

/** Returns the domain of an API on AWS, for events and `ApiEndpoint`. */
export function apiDomainName(apiId: string): string {
  return `${apiId}.execute-api.${LOCAL_REGION}.amazonaws.com`;
}

/** Returns `arn:aws:execute-api:REGION:ACCOUNT:apiId/…`, of a route, an authorizer or the Management API. */
export function executeApiArn(apiId: string, ...path: readonly string[]): string {
  return `arn:aws:execute-api:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${[apiId, ...path].join('/')}`;
}
