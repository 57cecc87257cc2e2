import { describe, expect, test } from 'vitest';
import { type ApiGateway, createApiGateway } from '../../../../../local/apigateway/index.ts';
import { NO_FAULTS } from '../../../../../local/faults.ts';
import type { Log, Resource } from '../../../../../local/service.ts';
import { provision, resource } from '../../../../support/aws-server.ts';
import { createManualClock } from '../../../../support/manual-clock.ts';

type Values = Resource['properties'];

const FUNCTION_ARN = 'arn:aws:lambda:us-east-1:000000000000:function:join';
const URI = `arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${FUNCTION_ARN}/invocations`;
const API = { Name: 'chat', ProtocolType: 'WEBSOCKET', RouteSelectionExpression: '$request.body.action' };

function setUp() {
  const log: Parameters<Log>[0][] = [];
  const gateway = createApiGateway({
    clock: createManualClock(),
    faults: NO_FAULTS,
    authorize: () => undefined,
    invoke: () => Promise.resolve({ kind: 'ok', payload: undefined }),
    log: (entry) => log.push(entry),
  });
  const make = (type: string, values: Values, logicalId = type) =>
    provision(gateway, resource(`AWS::ApiGatewayV2::${type}`, values, logicalId));
  return { gateway, log, make };
}

/** An API with an integration, an authorizer and a route. */
async function setUpApi() {
  const { make, ...rest } = setUp();
  const { ref: ApiId } = await make('Api', API);
  const { ref: integrationId } = await make('Integration', {
    ApiId,
    IntegrationType: 'AWS_PROXY',
    IntegrationUri: URI,
  });
  const { ref: authorizerId } = await make('Authorizer', { ApiId, AuthorizerType: 'REQUEST', AuthorizerUri: URI });
  const { ref: routeId } = await make('Route', { ApiId, RouteKey: 'join', Target: `integrations/${integrationId}` });
  return { ...rest, make, ApiId, integrationId, authorizerId, routeId };
}

describe('what Ref and Fn::GetAtt give', () => {
  test('the same after a restart, as on AWS', async () => {
    const first = await setUpApi();
    const second = await setUpApi();
    expect([first.ApiId, first.integrationId, first.authorizerId, first.routeId]).toEqual([
      second.ApiId,
      second.integrationId,
      second.authorizerId,
      second.routeId,
    ]);
    expect(first.ApiId).toMatch(/^[a-z0-9]{10}$/);
  });

  test('an API has an endpoint, a part an id, a stage its name', async () => {
    const { make } = setUp();
    const api = await make('Api', API);
    expect(api.attributes).toEqual({
      ApiId: api.ref,
      ApiEndpoint: `wss://${api.ref}.execute-api.us-east-1.amazonaws.com`,
    });
    const route = await make('Route', { ApiId: api.ref, RouteKey: '$default' });
    expect(route.attributes).toEqual({ RouteId: route.ref });
    const stage = await make('Stage', { ApiId: api.ref, StageName: 'prod', AutoDeploy: true });
    expect(stage).toEqual({ ref: 'prod', attributes: {} });
  });

  test('apis() lists the stages of all APIs', async () => {
    const { make, gateway, ApiId } = await setUpApi();
    await make('Stage', { ApiId, StageName: 'prod', AutoDeploy: 'true' });
    await make('Stage', { ApiId, StageName: 'dev' }, 'Dev');
    expect(gateway.apis()).toEqual([
      { apiId: ApiId, name: 'chat', stageName: 'prod' },
      { apiId: ApiId, name: 'chat', stageName: 'dev' },
    ]);
  });
});

describe('refusals by name', () => {
  test.each<[string, Values, string]>([
    ['Api', { ...API, ProtocolType: 'HTTP' }, 'ProtocolType: expected "WEBSOCKET", got "HTTP"'],
    ['Api', { Name: 'chat' }, 'ProtocolType: expected "ProtocolType", got undefined'],
    [
      'Api',
      { ...API, RouteSelectionExpression: '$request.method' },
      'RouteSelectionExpression: the variable "$request.m',
    ],
    ['Api', { ...API, DisableExecuteApiEndpoint: true }, 'DisableExecuteApiEndpoint: true is not supported'],
    ['Integration', { IntegrationType: 'MOCK' }, 'IntegrationType: expected "AWS_PROXY", got "MOCK"'],
    ['Integration', { IntegrationUri: 'https://x' }, 'IntegrationUri: expected arn:aws:apigateway:'],
    ['Integration', { TimeoutInMillis: 29_001 }, 'TimeoutInMillis: expected <=29000, got 29001'],
    ['Integration', { TimeoutInMillis: 49 }, 'TimeoutInMillis: expected >=50, got 49'],
    ['Integration', { IntegrationMethod: 'GET' }, 'IntegrationMethod: expected "POST", got "GET"'],
    [
      'Integration',
      { ContentHandlingStrategy: 'CONVERT_TO_BINARY' },
      'ContentHandlingStrategy: expected "CONVERT_TO_TEXT"',
    ],
    ['Integration', { ConnectionType: 'VPC_LINK' }, 'ConnectionType: expected "INTERNET", got "VPC_LINK"'],
    ['Integration', { ApiId: 'other' }, 'ApiId: names no WebSocket API of this application: other'],
    ['Authorizer', { AuthorizerType: 'JWT' }, 'AuthorizerType: expected "REQUEST", got "JWT"'],
    [
      'Authorizer',
      { IdentitySource: ['$request.header.A'] },
      'IdentitySource.0: expected route.request.header.NAME or',
    ],
    ['Authorizer', { IdentitySource: 'route.request.header.A' }, 'IdentitySource: expected Array, got "route'],
    ['Route', { AuthorizationType: 'AWS_IAM' }, 'AuthorizationType: expected ("NONE" | "CUSTOM"), got "AWS_IAM"'],
    ['Route', { AuthorizationType: 'CUSTOM' }, 'AuthorizationType: CUSTOM is for the $connect route only'],
    [
      'Route',
      { RouteKey: '$connect', AuthorizationType: 'CUSTOM' },
      'AuthorizerId: names no authorizer of the API chat',
    ],
    ['Route', { RouteKey: '$connect', AuthorizerId: 'x' }, 'AuthorizerId: needs AuthorizationType CUSTOM'],
    ['Route', { ApiKeyRequired: true }, 'ApiKeyRequired: true is not supported'],
    ['Route', { RouteKey: 'join' }, 'RouteKey: join exists already in the API chat'],
    [
      'Route',
      { Target: 'integrations/none' },
      'Target: expected integrations/ID of the API chat, got integrations/none',
    ],
    [
      'Route',
      { RouteResponseSelectionExpression: '$a' },
      'RouteResponseSelectionExpression: expected "$default", got "$a"',
    ],
    ['RouteResponse', { RouteId: 'none' }, 'RouteId: names no route of the API chat: none'],
    ['RouteResponse', { RouteResponseKey: 'other' }, 'RouteResponseKey: expected "$default", got "other"'],
    ['Stage', { StageName: '$default' }, 'StageName: expected letters, digits, - and _, got "$default"'],
    ['Stage', { DeploymentId: 'none' }, 'DeploymentId: names no deployment of the API chat: none'],
    ['Stage', { StageVariables: { a: 1 } }, 'StageVariables.a: expected string, got 1'],
    ['Stage', { AutoDeploy: 'yes' }, 'AutoDeploy: expected'],
    [
      'Stage',
      { DefaultRouteSettings: { Burst: 1 } },
      'DefaultRouteSettings.Burst: this property is not supported locally',
    ],
    [
      'Stage',
      { RouteSettings: { join: { ThrottlingRateLimit: -1 } } },
      'RouteSettings.join.ThrottlingRateLimit: expected >=0',
    ],
    ['Stage', { AccessLogSettings: { Format: 'x' } }, 'AccessLogSettings.DestinationArn: expected "DestinationArn"'],
    [
      'Stage',
      { AccessLogSettings: { DestinationArn: 'x', Format: 'x' } },
      'AccessLogSettings.Format: must contain $context.r',
    ],
    [
      'Stage',
      { AccessLogSettings: { DestinationArn: 'x', Format: '', Other: 1 } },
      'AccessLogSettings.Other: this property',
    ],
  ])('%s %j', async (type, values, message) => {
    const { make, ApiId, routeId } = await setUpApi();
    const defaults: Readonly<Record<string, Values>> = {
      Integration: { ApiId, IntegrationType: 'AWS_PROXY', IntegrationUri: URI },
      Authorizer: { ApiId, AuthorizerType: 'REQUEST', AuthorizerUri: URI },
      Route: { ApiId, RouteKey: 'x' },
      RouteResponse: { ApiId, RouteId: routeId, RouteResponseKey: '$default' },
      Stage: { ApiId, StageName: 'prod' },
    };
    const made = async () => make(type, { ...defaults[type], ...values }, 'Broken');
    await expect(made()).rejects.toThrow(message);
    await expect(made()).rejects.toThrow(`Broken (AWS::ApiGatewayV2::${type}) in Stack: `);
  });

  test('a deployment without a route', async () => {
    const { make } = setUp();
    const { ref: ApiId } = await make('Api', API);
    const made = async () => make('Deployment', { ApiId });
    await expect(made()).rejects.toThrow('the API chat has no route yet; at least one is required');
  });

  test('types without a provider', () => {
    const { gateway }: { gateway: ApiGateway } = setUp();
    const types = gateway.providers.map(({ type }) => type);
    for (const refused of ['DomainName', 'ApiMapping', 'Model', 'IntegrationResponse', 'VpcLink']) {
      expect(types).not.toContain(`AWS::ApiGatewayV2::${refused}`);
    }
  });
});

test('a variable that API Gateway does not have is a warning, as it is a "-" in every line', async () => {
  const { make, log, ApiId } = await setUpApi();
  const AccessLogSettings = { DestinationArn: 'arn', Format: '$context.requestId $context.routekey' };
  await make('Stage', { ApiId, StageName: 'prod', AutoDeploy: true, AccessLogSettings });
  const message = 'stage chat/prod: AccessLogSettings.Format has the unknown variable $context.routekey';
  expect(log).toEqual([{ level: 'warn', source: 'apigateway', message }]);
});
