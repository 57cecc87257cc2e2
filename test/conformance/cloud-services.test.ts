/** Every AWS API behind the one endpoint, as the clients of the AWS SDK see it. */
import { ApiGatewayManagementApiClient, PostToConnectionCommand } from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient, GetItemCommand, ListTablesCommand } from '@aws-sdk/client-dynamodb';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LocalCloud, startLocalCloud } from '../../local/index.ts';
import { type AlteredFixture, adminClient, alteredFixture, startFixture } from '../support/local-cloud.ts';
import { connectClient } from '../support/ws-client.ts';

describe('one endpoint answers the client of', () => {
  let cloud: LocalCloud;
  let altered: AlteredFixture;
  const settings = () => adminClient(cloud);

  beforeAll(async () => {
    altered = alteredFixture('queue-sender', (resources) => {
      resources['Key'] = { Type: 'AWS::SSM::Parameter', Properties: { Name: '/key', Type: 'String', Value: 'v1' } };
      const SecretString = { 'Fn::Join': ['', ['key is ', '{{resolve:ssm:/key}}']] };
      resources['Secret'] = {
        Type: 'AWS::SecretsManager::Secret',
        DependsOn: 'Key',
        Properties: { Name: 'secret', SecretString },
      };
      Object.assign(resources['Enqueue']?.Properties ?? {}, { FunctionName: 'enqueue' });
    });
    cloud = await startLocalCloud({ app: altered.app, port: 0 });
  });
  afterAll(async () => {
    await cloud.close();
    altered.remove();
  });

  test.each<[string, () => Promise<unknown>, unknown]>([
    ['DynamoDB', () => new DynamoDBClient(settings()).send(new ListTablesCommand({})), { TableNames: [] }],
    [
      'SQS',
      () => new SQSClient(settings()).send(new GetQueueUrlCommand({ QueueName: 'undeliverable' })),
      { QueueUrl: expect.stringMatching(/\/000000000000\/undeliverable$/) },
    ],
    [
      'EventBridge',
      () =>
        new EventBridgeClient(settings()).send(
          new PutEventsCommand({ Entries: [{ Source: 'a', DetailType: 'b', Detail: '{}' }] }),
        ),
      { FailedEntryCount: 0 },
    ],
    [
      'Lambda',
      () =>
        new LambdaClient(settings()).send(
          new InvokeCommand({ FunctionName: 'enqueue', Payload: Buffer.from('{"body":"{}","requestContext":{}}') }),
        ),
      { StatusCode: 200 },
    ],
    [
      'STS',
      () => new STSClient(settings()).send(new GetCallerIdentityCommand({})),
      { Arn: 'arn:aws:iam::000000000000:user/local' },
    ],
    [
      'SSM',
      () => new SSMClient(settings()).send(new GetParameterCommand({ Name: '/key' })),
      { Parameter: { Value: 'v1' } },
    ],
    [
      'Secrets Manager, whose secret was made with a dynamic reference',
      () => new SecretsManagerClient(settings()).send(new GetSecretValueCommand({ SecretId: 'secret' })),
      { SecretString: 'key is v1' },
    ],
  ])('%s', async (_, send, expected) => {
    expect(await send()).toMatchObject(expected as object);
  });

  test('API Gateway Management', async () => {
    const socket = connectClient(cloud.websocketUrl);
    await socket.opened;
    const api = new ApiGatewayManagementApiClient({ ...settings(), endpoint: `${cloud.endpointUrl}/prod` });
    const post = new PostToConnectionCommand({ ConnectionId: 'L0SM9cOFvHcCIhw=', Data: 'x' });
    await expect(api.send(post)).rejects.toMatchObject({ name: 'GoneException', $metadata: { httpStatusCode: 410 } });
  });
});

describe('a fault plan', () => {
  test('makes calls fail as on AWS, and is reported', async () => {
    const faults = {
      seed: 1,
      rules: [{ point: 'dynamodb', kind: 'throttle', match: { operation: 'GetItem' }, limit: 1 }],
    };
    const cloud = await startFixture('scan-chat', { faults });
    const client = new DynamoDBClient(adminClient(cloud));
    const get = () =>
      client.send(new GetItemCommand({ TableName: 'simplechat_connections', Key: { connectionId: { S: 'x' } } }));
    await expect(get()).rejects.toMatchObject({ name: expect.stringMatching(/Throughput|Throttling/) });
    await get();
    expect(await (await fetch(`${cloud.endpointUrl}/_local/faults`)).json()).toMatchObject({
      counts: { 'dynamodb/throttle': 1 },
      log: [{ point: 'dynamodb', kind: 'throttle' }],
    });
    expect(cloud.log().filter(({ source }) => source === 'faults')).toHaveLength(1);
    await cloud.close();
  });
});
