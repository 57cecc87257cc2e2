import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  GetParameterCommand,
  GetParametersByPathCommand,
  GetParametersCommand,
  ParameterNotFound,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { createSecretsManager, createSsm, type SecretsManager, type Ssm } from '../../local/secrets/index.ts';
import type { Authorize } from '../../local/service.ts';
import { createSts } from '../../local/sts.ts';
import { type AwsServer, provision, resource, startAwsServer } from '../support/aws-server.ts';
import { createSteppedClock } from '../support/stepped-clock.ts';

const authorize = vi.fn<Authorize>();
const clock = createSteppedClock();
let secretsManager: SecretsManager;
let ssm: Ssm;
let server: AwsServer;
let secretsClient: SecretsManagerClient;
let ssmClient: SSMClient;

beforeAll(async () => {
  secretsManager = createSecretsManager({ clock, authorize });
  ssm = createSsm({ clock, authorize });
  server = await startAwsServer(secretsManager, ssm, createSts());
  secretsClient = new SecretsManagerClient(server.client());
  ssmClient = new SSMClient(server.client());
});

beforeEach(() => void authorize.mockReset());

afterAll(async () => {
  secretsClient.destroy();
  ssmClient.destroy();
  await server.close();
});

const secret = (properties: Record<string, unknown>, logicalId = 'Secret') =>
  provision(secretsManager, resource('AWS::SecretsManager::Secret', properties, logicalId));

const parameter = (properties: object, logicalId = 'Parameter') =>
  provision(ssm, resource('AWS::SSM::Parameter', { Type: 'String', ...properties }, logicalId));

test('a secret is read by name, by ARN, and by ARN without its end', async () => {
  const { ref, attributes } = await secret({ Name: 'app/key', SecretString: 's3cret', Description: 'A key.' });
  expect(ref).toMatch(/^arn:aws:secretsmanager:us-east-1:000000000000:secret:app\/key-\w{6}$/);
  expect(attributes).toEqual({ Id: ref });
  for (const SecretId of ['app/key', ref, ref.slice(0, -'-123456'.length)]) {
    const value = await secretsClient.send(new GetSecretValueCommand({ SecretId }));
    expect(value).toMatchObject({ ARN: ref, Name: 'app/key', SecretString: 's3cret', VersionStages: ['AWSCURRENT'] });
    expect(value.CreatedDate).toEqual(new Date(clock.now()));
  }
  const described = await secretsClient.send(new DescribeSecretCommand({ SecretId: ref }));
  expect(described).toMatchObject({ ARN: ref, Name: 'app/key', Description: 'A key.' });
  expect(Object.values(described.VersionIdsToStages ?? {})).toEqual([['AWSCURRENT']]);
  expect(authorize).toHaveBeenLastCalledWith({ kind: 'admin' }, 'secretsmanager:DescribeSecret', ref);
});

test('a secret can be generated into a template', async () => {
  const { ref } = await secret(
    {
      GenerateSecretString: {
        SecretStringTemplate: '{"user":"admin"}',
        GenerateStringKey: 'password',
        PasswordLength: '12',
        ExcludePunctuation: true,
      },
    },
    'Generated',
  );
  const { SecretString } = await secretsClient.send(new GetSecretValueCommand({ SecretId: ref }));
  expect(JSON.parse(SecretString ?? '')).toEqual({
    user: 'admin',
    password: expect.stringMatching(/^[a-zA-Z0-9]{12}$/),
  });
});

test('only the current version of a secret is there', async () => {
  await secret({ Name: 'versioned', SecretString: 'x' }, 'Versioned');
  const read = (more: object) => secretsClient.send(new GetSecretValueCommand({ SecretId: 'versioned', ...more }));
  await expect(read({ VersionStage: 'AWSPREVIOUS' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  const { VersionId } = await read({});
  expect(await read({ VersionId, VersionStage: 'AWSCURRENT' })).toMatchObject({ SecretString: 'x' });
});

test('a secret that does not exist is a ResourceNotFoundException', async () => {
  const attempt = secretsClient.send(new GetSecretValueCommand({ SecretId: 'nothing' }));
  await expect(attempt).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});

test.each([
  [{}, 'SecretString: expected either this or GenerateSecretString'],
  [{ SecretString: 'x', GenerateSecretString: {} }, 'SecretString: expected either this or GenerateSecretString'],
  [
    { GenerateSecretString: { PasswordLenght: 3 } },
    'GenerateSecretString.PasswordLenght: this property is not supported',
  ],
  [
    { GenerateSecretString: { GenerateStringKey: 'a' } },
    'GenerateSecretString: SecretStringTemplate and GenerateStringKey go',
  ],
])('a secret with %j is refused by name', async (properties, message) => {
  await expect(secret(properties)).rejects.toThrow(message);
});

test('a parameter is read, with its type, version and ARN', async () => {
  expect(await parameter({ Name: '/app/url', Value: 'https://x' })).toEqual({
    ref: '/app/url',
    attributes: { Type: 'String', Value: 'https://x' },
  });
  const ARN = 'arn:aws:ssm:us-east-1:000000000000:parameter/app/url';
  for (const Name of ['/app/url', ARN, '/app/url:1']) {
    const { Parameter } = await ssmClient.send(new GetParameterCommand({ Name, WithDecryption: true }));
    expect(Parameter).toMatchObject({ ARN, Name: '/app/url', Type: 'String', Value: 'https://x', Version: 1 });
  }
  expect(authorize).toHaveBeenCalledWith({ kind: 'admin' }, 'ssm:GetParameter', ARN);
});

test('a parameter without a path has one slash in its ARN', async () => {
  await parameter({ Name: 'plain', Type: 'StringList', Value: 'a,b' });
  const { Parameter } = await ssmClient.send(new GetParameterCommand({ Name: 'plain' }));
  expect(Parameter).toMatchObject({
    ARN: 'arn:aws:ssm:us-east-1:000000000000:parameter/plain',
    Type: 'StringList',
    Value: 'a,b',
  });
});

test('a parameter or version that does not exist is ParameterNotFound', async () => {
  await parameter({ Name: 'once', Value: '1' });
  for (const Name of ['nothing', 'once:2']) {
    await expect(ssmClient.send(new GetParameterCommand({ Name }))).rejects.toBeInstanceOf(ParameterNotFound);
  }
});

test('several parameters are read at once, and the others named', async () => {
  await parameter({ Name: 'first', Value: '1' });
  const { Parameters, InvalidParameters } = await ssmClient.send(
    new GetParametersCommand({ Names: ['first', 'nothing'] }),
  );
  expect(Parameters?.map((each) => each.Value)).toEqual(['1']);
  expect(InvalidParameters).toEqual(['nothing']);
  expect(authorize.mock.calls.map(([, , arn]) => arn)).toEqual([
    'arn:aws:ssm:us-east-1:000000000000:parameter/first',
    'arn:aws:ssm:us-east-1:000000000000:parameter/nothing',
  ]);
});

test('parameters below a path come in pages, with those deeper down if asked for', async () => {
  for (const Name of ['/tree/a', '/tree/b', '/tree/c', '/tree/deep/d', '/treetop'])
    await parameter({ Name, Value: Name });
  const read = async (more: object) => {
    const page = await ssmClient.send(new GetParametersByPathCommand({ Path: '/tree', ...more }));
    return { names: page.Parameters?.map((each) => each.Name), next: page.NextToken };
  };
  expect(await read({})).toEqual({ names: ['/tree/a', '/tree/b', '/tree/c'], next: undefined });
  expect((await read({ Path: '/tree/', Recursive: true })).names).toHaveLength(4);
  const first = await read({ MaxResults: 2 });
  expect(first.names).toEqual(['/tree/a', '/tree/b']);
  expect(await read({ MaxResults: 2, NextToken: first.next })).toEqual({ names: ['/tree/c'], next: undefined });
});

test.each([
  [{ Type: 'SecureString', Value: 'x' }, 'Type: expected ("String" | "StringList"), got "SecureString"'],
  [{ Value: 'x', AllowedPattern: '^\\d+$' }, 'Value: does not match AllowedPattern ^\\d+$'],
  [{ Value: 'ami-1', DataType: 'aws:ec2:image' }, 'DataType: expected "text"'],
])('a parameter with %j is refused by name', async (properties, message) => {
  await expect(parameter(properties)).rejects.toThrow(message);
});

test('operations that are not emulated are refused by name', async () => {
  const put = ssmClient.send(new PutParameterCommand({ Name: 'a', Value: 'b' }));
  await expect(put).rejects.toMatchObject({
    name: 'UnknownOperationException',
    message: expect.stringContaining('PutParameter'),
  });
  const putSecret = secretsClient.send(new PutSecretValueCommand({ SecretId: 'a', SecretString: 'b' }));
  await expect(putSecret).rejects.toMatchObject({ message: expect.stringContaining('PutSecretValue') });
});

test('STS names the caller: the administrator, or a session of a role', async () => {
  const identify = async (role?: string) => {
    const client = new STSClient(server.client(role));
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    client.destroy();
    return { Account, Arn };
  };
  expect(await identify()).toEqual({ Account: '000000000000', Arn: 'arn:aws:iam::000000000000:user/local' });
  expect(await identify('send')).toEqual({
    Account: '000000000000',
    Arn: 'arn:aws:sts::000000000000:assumed-role/send/send-session',
  });
});

test('an STS action that is not emulated is refused by name', async () => {
  const client = new STSClient(server.client());
  const attempt = client.send(new AssumeRoleCommand({ RoleArn: 'arn:aws:iam::0:role/longer', RoleSessionName: 'x' }));
  await expect(attempt).rejects.toMatchObject({
    name: 'InvalidAction',
    message: expect.stringContaining('AssumeRole'),
  });
  client.destroy();
});
