import { LOCAL_ACCOUNT, LOCAL_REGION } from '../service.ts';

/** The domain under which an API is reached on AWS; events and `ApiEndpoint` carry it. */
export function apiDomainName(apiId: string): string {
  return `${apiId}.execute-api.${LOCAL_REGION}.amazonaws.com`;
}

/** `arn:aws:execute-api:REGION:ACCOUNT:apiId/…`, of a route, an authorizer or the Management API. */
export function executeApiArn(apiId: string, ...path: readonly string[]): string {
  return `arn:aws:execute-api:${LOCAL_REGION}:${LOCAL_ACCOUNT}:${[apiId, ...path].join('/')}`;
}

const INVOCATION_URI = /^arn:aws:apigateway:[a-z0-9-]+:lambda:path\/2015-03-31\/functions\/(arn:[^/]+)\/invocations$/;

/** The function's ARN in an `IntegrationUri` or `AuthorizerUri`; undefined when it is not the URI of a Lambda function. */
export function functionArnOfUri(uri: string): string | undefined {
  return INVOCATION_URI.exec(uri)?.[1];
}
