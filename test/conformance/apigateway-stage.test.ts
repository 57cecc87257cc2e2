import { describe, expect, test } from 'vitest';
import { provision, resource } from '../support/aws-server.ts';
import { eventually } from '../support/eventually.ts';
import { start, type TestGateway } from '../support/gateway.ts';

describe('deployments', () => {
  const make = async ({ gateway, apiId }: TestGateway, type: string, properties: Record<string, unknown>) =>
    (await provision(gateway, resource(`AWS::ApiGatewayV2::${type}`, { ApiId: apiId, ...properties }, `More${type}`)))
      .ref;

  test('a deployment serves the routes that existed when it was made, AutoDeploy those of now', async () => {
    const gateway = await start({ routes: { join: 'join' } });
    const DeploymentId = await make(gateway, 'Deployment', {});
    await make(gateway, 'Stage', { StageName: 'fixed', DeploymentId });
    await make(gateway, 'Route', { RouteKey: 'leave' });
    const [fixed, live] = [gateway.connect({ path: '/fixed' }), gateway.connect({ path: '/prod' })];
    await Promise.all([fixed.opened, live.opened]);
    for (const client of [fixed, live]) client.send({ action: 'leave' });
    expect(JSON.parse(await fixed.next())).toMatchObject({ message: 'Forbidden' });
    // The route has no integration, and that is what is wrong with it.
    expect(JSON.parse(await live.next())).toMatchObject({ message: 'Internal server error' });
    fixed.send({ action: 'join' });
    await eventually(() => gateway.events('join')).toHaveLength(1);
  });

  test('a stage without a deployment serves nothing', async () => {
    const gateway = await start();
    await make(gateway, 'Stage', { StageName: 'empty' });
    expect((await gateway.connect({ path: '/empty' }).refused).statusCode).toBe(403);
    expect(gateway.invocations).toEqual([]);
  });
});

describe('which API a handshake is for', () => {
  test('the one named by the host, else the only one with the stage, else none', async () => {
    const { connect, deploy, events, apiId } = await start();
    const otherId = await deploy({ stackName: 'Other', routes: { $connect: 'other' } });
    await deploy({ stackName: 'Third', stageName: 'dev', routes: { $connect: 'third' } });
    await connect({ headers: { Host: `${otherId}.execute-api.us-east-1.amazonaws.com` } }).opened;
    expect(events('other')).toHaveLength(1);
    await connect({ path: '/dev' }).opened;
    expect(events('third')).toHaveLength(1);
    expect((await connect({ headers: { Host: 'none.execute-api.us-east-1.amazonaws.com' } }).refused).statusCode).toBe(
      403,
    );
    const ambiguous = await connect().refused;
    expect(ambiguous.statusCode).toBe(421);
    expect(JSON.parse(ambiguous.body).message).toBe(
      `The stage prod exists in several APIs: ${apiId} (chat), ${otherId} (chat). ` +
        `Name one in the header Host: ${apiId}.execute-api.us-east-1.amazonaws.com`,
    );
  });

  test('a URL of more than 4096 characters is refused', async () => {
    const { connect } = await start();
    await connect({ path: `/prod?${'x'.repeat(4090)}` }).opened;
    expect((await connect({ path: `/prod?${'x'.repeat(4091)}` }).refused).statusCode).toBe(414);
  });
});

test('every request has its line in the access log', async () => {
  const Format =
    '$context.eventType $context.routeKey $context.status $context.authorizer.tenant $context.authorizer.status ' +
    '$context.integrationStatus $context.error.message $context.integration.error $context.requestId';
  const { open, log, events } = await start({
    authorizer: { function: 'authorize', identitySource: [] },
    routes: {
      $connect: 'connect',
      $disconnect: 'disconnect',
      join: 'join',
      leave: { function: 'leave', twoWay: true },
    },
    functions: {
      authorize: ({ methodArn }) => ({
        principalId: 'bob',
        policyDocument: { Statement: { Effect: 'Allow', Action: '*', Resource: methodArn } },
        context: { tenant: 'acme' },
      }),
      join: () => ({ statusCode: 404 }),
      leave: () => Promise.reject(new Error('boom')),
    },
    stage: { AccessLogSettings: { DestinationArn: 'arn:aws:logs:x', Format } },
  });
  const client = await open();
  for (const [index, action] of ['join', 'leave', 'other'].entries()) {
    client.send({ action });
    await eventually(() => log).toHaveLength(2 + index);
  }
  client.socket.close();
  await eventually(() => events('disconnect')).toHaveLength(1);
  await eventually(() => log).toHaveLength(5);
  expect(log.map(({ level, source }) => `${level} ${source}`)).toEqual(Array(5).fill('info access chat/prod'));
  expect(log.map(({ message }) => message.replace(/ [\w-]{15}=$/, ''))).toEqual([
    'CONNECT $connect 200 acme 200 200 - -',
    'MESSAGE join 404 acme - 404 - -',
    'MESSAGE leave 502 acme - - Internal server error boom',
    'MESSAGE $default 403 acme - - Forbidden -',
    'DISCONNECT $disconnect 200 acme - 200 - -',
  ]);
});
