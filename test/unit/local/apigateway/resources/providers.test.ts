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

describe('what is refused, by name', () => {
  test.each<[string, Values, string]>([
    ['Api', { ...API, ProtocolType: 'HTTP' }, 'ProtocolType HTTP is not supported; expected WEBSOCKET'],
    ['Api', { Name: 'chat' }, 'ProtocolType is required'],
    ['Api', { ...API, Name: undefined }, 'Name is required'],
    ['Api', { ...API, RouteSelectionExpression: '$request.method' }, 'RouteSelectionExpression is not supported'],
    ['Api', { ...API, DisableExecuteApiEndpoint: true }, 'DisableExecuteApiEndpoint true is not supported'],
    ['Integration', { IntegrationType: 'MOCK' }, 'IntegrationType MOCK is not supported; expected AWS_PROXY'],
    ['Integration', { IntegrationType: 'AWS_PROXY' }, 'IntegrationUri is required'],
    ['Integration', { IntegrationUri: 'https://x' }, 'IntegrationUri is not supported; expected arn:aws:apigateway:'],
    [
      'Integration',
      { IntegrationUri: URI, TimeoutInMillis: 29_001 },
      'TimeoutInMillis must be from 50 to 29000, got 29001',
    ],
    ['Integration', { IntegrationUri: URI, TimeoutInMillis: 'soon' }, 'TimeoutInMillis must be a number, got "soon"'],
    [
      'Integration',
      { IntegrationUri: URI, IntegrationMethod: 'GET' },
      'IntegrationMethod GET is not supported; expected POST',
    ],
    [
      'Integration',
      { IntegrationUri: URI, ContentHandlingStrategy: 'CONVERT_TO_BINARY' },
      'CONVERT_TO_BINARY is not supported',
    ],
    ['Integration', { IntegrationUri: URI, ConnectionType: 'VPC_LINK' }, 'ConnectionType VPC_LINK is not supported'],
    ['Integration', { ApiId: 'other' }, 'ApiId names no WebSocket API of this application: other'],
    [
      'Authorizer',
      { AuthorizerUri: URI, AuthorizerType: 'JWT' },
      'AuthorizerType JWT is not supported; expected REQUEST',
    ],
    [
      'Authorizer',
      { AuthorizerUri: URI, IdentitySource: ['$request.header.A'] },
      'IdentitySource $request.header.A is not',
    ],
    [
      'Authorizer',
      { AuthorizerUri: URI, IdentitySource: 'route.request.header.A' },
      'IdentitySource must be a list of strings',
    ],
    [
      'Route',
      { RouteKey: 'x', AuthorizationType: 'AWS_IAM' },
      'AuthorizationType AWS_IAM is not supported; expected NONE or CUSTOM',
    ],
    [
      'Route',
      { RouteKey: 'x', AuthorizationType: 'CUSTOM' },
      'AuthorizationType CUSTOM is for the $connect route only',
    ],
    [
      'Route',
      { RouteKey: '$connect', AuthorizationType: 'CUSTOM' },
      'AuthorizerId names no authorizer of the API chat',
    ],
    ['Route', { RouteKey: '$connect', AuthorizerId: 'x' }, 'AuthorizerId needs AuthorizationType CUSTOM'],
    ['Route', { RouteKey: 'x', ApiKeyRequired: true }, 'ApiKeyRequired true is not supported'],
    ['Route', { RouteKey: 'join' }, 'RouteKey join exists already in the API chat'],
    ['Route', { RouteKey: 'x', Target: 'integrations/none' }, 'Target must be integrations/ID of an integration'],
    ['Route', { RouteKey: 'x', RouteResponseSelectionExpression: '$a' }, '$a is not supported; expected $default'],
    [
      'RouteResponse',
      { RouteId: 'none', RouteResponseKey: '$default' },
      'RouteId names no route of the API chat: none',
    ],
    ['RouteResponse', { RouteResponseKey: 'other' }, 'RouteResponseKey other is not supported; expected $default'],
    ['Stage', { StageName: '$default' }, 'StageName must consist of letters, digits, - and _, got $default'],
    ['Stage', { StageName: 'prod', DeploymentId: 'none' }, 'DeploymentId names no deployment of the API chat: none'],
    ['Stage', { StageName: 'prod', StageVariables: { a: 1 } }, 'StageVariables.a must be a string'],
    ['Stage', { StageName: 'prod', StageVariables: 'a' }, 'StageVariables must be an object, got "a"'],
    ['Stage', { StageName: 'prod', AutoDeploy: 'yes' }, 'AutoDeploy must be a boolean, got "yes"'],
    ['Stage', { StageName: 'prod', DefaultRouteSettings: { Burst: 1 } }, 'DefaultRouteSettings.Burst is not supported'],
    ['Stage', { StageName: 'prod', RouteSettings: { join: 5 } }, 'RouteSettings.join must be an object'],
    [
      'Stage',
      { StageName: 'prod', RouteSettings: { join: { ThrottlingRateLimit: -1 } } },
      'RouteSettings.join.ThrottlingRateLimit',
    ],
    [
      'Stage',
      { StageName: 'prod', AccessLogSettings: { Format: '$context.requestId' } },
      'AccessLogSettings.DestinationArn must',
    ],
    [
      'Stage',
      { StageName: 'prod', AccessLogSettings: { DestinationArn: 'x' } },
      'AccessLogSettings.Format must be a string',
    ],
    [
      'Stage',
      { StageName: 'prod', AccessLogSettings: { DestinationArn: 'x', Format: 'x' } },
      'AccessLogSettings.Format must contain',
    ],
    ['Stage', { StageName: 'prod', AccessLogSettings: { Other: 1 } }, 'AccessLogSettings.Other is not supported'],
  ])('%s %j', async (type, values, message) => {
    const { make, ApiId, routeId } = await setUpApi();
    const defaults: Readonly<Record<string, Values>> = {
      Integration: { ApiId, IntegrationType: 'AWS_PROXY' },
      Authorizer: { ApiId, AuthorizerType: 'REQUEST' },
      Route: { ApiId },
      RouteResponse: { ApiId, RouteId: routeId },
      Stage: { ApiId },
    };
    const made = async () => make(type, { ...defaults[type], ...values }, 'Broken');
    await expect(made()).rejects.toThrow(message);
    await expect(made()).rejects.toThrow(`Broken (AWS::ApiGatewayV2::${type}): `);
  });

  test('a deployment without a route', async () => {
    const { make } = setUp();
    const { ref: ApiId } = await make('Api', API);
    const made = async () => make('Deployment', { ApiId });
    await expect(made()).rejects.toThrow('at least one route is required before deploying the API chat');
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
