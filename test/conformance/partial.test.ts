/** An application that has more in it than the local cloud runs. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { AwsClient } from 'aws4fetch';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DeployError, type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { adminClient, alteredFixture, fixture, startFixture } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

const BUCKET = /^mixed-stack-files-[0-9a-f]{8}$/;

/** Asks the function behind the WebSocket API. */
async function ask({ websocketUrl }: LocalCloud, action: string): Promise<Record<string, unknown>> {
  const client = connectClient(websocketUrl);
  await client.opened;
  client.send({ action });
  const answer = JSON.parse(await client.next());
  client.socket.close();
  return answer;
}

test('is refused, with all reasons and with the option that leaves them out', async () => {
  const error: DeployError = await startLocalCloud({ app: fixture('mixed-stack'), port: 0 }).then(
    () => expect.unreachable(),
    (thrown) => thrown,
  );
  expect(error.problems).toEqual([
    'stack mixed-stack, resource Files: the local cloud does not support the resource type AWS::S3::Bucket',
    'stack mixed-stack, resource FilesPolicy: the local cloud does not support the resource type AWS::S3::BucketPolicy',
    'stack mixed-stack, resource People: the local cloud does not support the resource type AWS::Cognito::UserPool',
    'stack mixed-stack, resource PeopleClient: the local cloud does not support the resource type AWS::Cognito::UserPoolClient',
    expect.stringMatching(
      /^stack mixed-stack, resource Report \(AWS::Lambda::Function\): Runtime: expected .*, got "python3.13"$/,
    ),
    'stack mixed-stack, resource HttpApi (AWS::ApiGatewayV2::Api): ProtocolType: expected "WEBSOCKET", got "HTTP"',
  ]);
  expect(error.canLeaveOut).toBe(true);
});

describe('with the option "partial"', () => {
  let cloud: LocalCloud;
  beforeAll(async () => {
    cloud = await startFixture('mixed-stack', { partial: true });
  });
  afterAll(() => cloud.close());

  test('leaves out unsupported resources by name, with those that need them', () => {
    expect(cloud.leftOut.map(({ logicalId, with: others }) => [logicalId, others])).toEqual([
      ['Files', []],
      ['FilesPolicy', []],
      ['People', []],
      ['PeopleClient', []],
      ['Report', ['ReportJobs']],
      ['HttpApi', ['HttpStage', 'HttpIntegration', 'HttpRoute']],
    ]);
    const told = cloud.log().filter(({ source }) => source === 'left out');
    expect(told).toHaveLength(cloud.leftOut.length);
    expect(told[0]?.message).toMatch(
      /^stack mixed-stack, resource Files: .*; its Ref is mixed-stack-files-[0-9a-f]{8}$/,
    );
  });

  test('runs the rest, which refers to resources that are left out', async () => {
    expect(await ask(cloud, 'names')).toEqual({
      bucket: expect.stringMatching(BUCKET),
      pool: `https://cognito-idp.us-east-1.amazonaws.com/${cloud.outputs['mixed-stack']?.['PoolId']}`,
      invokedFunctionArn: expect.stringMatching(
        /^arn:aws:lambda:us-east-1:000000000000:function:.*-Echo-[0-9a-f]{8}:live$/,
      ),
    });
  });

  test('an invocation of a function that is left out fails, and says so', async () => {
    expect(await ask(cloud, 'report')).toEqual({
      FunctionError: 'Unhandled',
      errorType: 'LocalCloud.LeftOut',
      errorMessage: expect.stringMatching(
        new RegExp(`^The function ${cloud.outputs['mixed-stack']?.['ReportName']} is left out .*Runtime.*python3.13`),
      ),
    });
  });

  test('messages for a function that is left out stay in their queue', async () => {
    const client = new SQSClient(adminClient(cloud));
    const QueueUrl = cloud.outputs['mixed-stack']?.['JobsUrl'];
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'job' }));
    client.destroy();
    expect(cloud.calls().filter(({ operation }) => operation === 'ReceiveMessage')).toEqual([]);
  });

  test('a call of a service that is not here says so, and how to point it elsewhere', async () => {
    const { text } = await ask(cloud, 'read');
    expect(text).toMatch(
      /<Code>UnknownService<\/Code><Message>The local cloud does not have the service &quot;s3&quot;; it has .* --endpoint s3=http/,
    );
  });

  test.each<[string, string, Record<string, string>, RegExp]>([
    ['s3', 'PUT', { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }, /^<Error><Code>UnknownService</],
    ['sns', 'POST', { 'content-type': 'application/x-www-form-urlencoded' }, /^<ErrorResponse><Error>.*"|&quot;sns/],
    [
      'cognito-idp',
      'POST',
      { 'x-amz-target': 'AWSCognitoIdentityProviderService.ListUsers', 'content-type': 'application/x-amz-json-1.1' },
      /^\{"__type":"UnknownService","message":"The local cloud does not have the service \\"cognito-idp\\"/,
    ],
    ['bedrock', 'POST', { 'content-type': 'application/json' }, /^\{"message":"The local cloud does not have/],
  ])('is understood by the client of %s', async (service, method, headers, body) => {
    const client = new AwsClient({
      accessKeyId: 'local',
      secretAccessKey: 'local',
      service,
      region: 'us-east-1',
      retries: 0,
    });
    const response = await client.fetch(`${cloud.endpointUrl}/files/key`, { method, headers, body: 'x' });
    expect([response.status, await response.text()]).toEqual([400, expect.stringMatching(body)]);
  });
});

test('a service has another endpoint for functions', async () => {
  const bucket = createServer((_, response) => response.end());
  await new Promise<void>((resolve) => bucket.listen(0, '127.0.0.1', resolve));
  const s3 = `http://127.0.0.1:${(bucket.address() as AddressInfo).port}`;
  const cloud = await startFixture('mixed-stack', { partial: true, endpoints: { s3 } });
  expect(await ask(cloud, 'endpoint')).toEqual({ s3 });
  await cloud.close();
  await new Promise((resolve) => bucket.close(resolve));
});

describe('the role with which API Gateway invokes a function', () => {
  test.each<[string, (properties: Record<string, unknown>) => void, RegExp]>([
    [
      'must be allowed to',
      (role) => Object.assign(role, { Policies: [] }),
      /not authorized to perform: lambda:InvokeFunction on resource: .*:live because no identity-based policy/,
    ],
    [
      'must trust API Gateway',
      (role) => {
        const trust = JSON.stringify(role['AssumeRolePolicyDocument']).replace('apigateway.', 'lambda.');
        role['AssumeRolePolicyDocument'] = JSON.parse(trust);
      },
      /cannot be assumed by apigateway\.amazonaws\.com/,
    ],
  ])('%s', async (_, alter, message) => {
    const altered = alteredFixture('mixed-stack', (resources) => alter(resources['GatewayRole']?.Properties ?? {}));
    const cloud = await startLocalCloud({ app: altered.app, port: 0, partial: true });
    expect(await ask(cloud, 'names')).toMatchObject({ message: 'Internal server error' });
    expect(cloud.log().map((entry) => entry.message)).toContainEqual(expect.stringMatching(message));
    await cloud.close();
    altered.remove();
  });
});
