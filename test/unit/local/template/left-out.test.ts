import { describe, expect, test } from 'vitest';
import { deployTemplates } from '../../../support/deploy-template.ts';

const thing = (properties: object = {}, more: object = {}) => ({
  Type: 'Test::Thing',
  Properties: properties,
  ...more,
});

const deployPartly = (documents: Readonly<Record<string, unknown>>) =>
  deployTemplates(documents, {}, { partial: true });

/** What references to a resource give that is left out. */
async function referencesTo(resource: unknown, ...attributes: string[]) {
  const Outputs = Object.fromEntries([
    ['Ref', { Value: { Ref: 'It' } }],
    ...attributes.map((name) => [name, { Value: { 'Fn::GetAtt': ['It', name] } }]),
  ]);
  const { outputs } = await deployPartly({ App: { Resources: { It: resource }, Outputs } });
  return outputs['App'];
}

describe('a resource that is left out', () => {
  test('is named, with the reason, and the rest is created', async () => {
    const Resources = {
      Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'files', Nonsense: { 'Fn::Cidr': [1] } } },
      Broken: thing({ Name: 'broken' }),
      Sized: thing({ Size: 5, Colour: 'red' }),
      Fine: thing({ Value: { Ref: 'Bucket' } }),
    };
    const { created, leftOut } = await deployPartly({ App: { Resources } });
    expect(created).toMatchObject([{ logicalId: 'Fine', properties: { Value: 'files' } }]);
    expect(leftOut).toEqual([
      {
        stackName: 'App',
        logicalId: 'Bucket',
        type: 'AWS::S3::Bucket',
        reason: 'stack App, resource Bucket: the local cloud does not support the resource type AWS::S3::Bucket',
        ref: 'files',
        with: [],
      },
      expect.objectContaining({
        logicalId: 'Broken',
        reason: 'stack App, resource Broken (Test::Thing): Name: "broken" is not supported',
      }),
      expect.objectContaining({
        logicalId: 'Sized',
        reason:
          'stack App, resource Sized: the local cloud does not support the property Size of Test::Thing; ' +
          'the local cloud does not support the property Colour of Test::Thing',
      }),
    ]);
  });

  test('takes with it what only its own property keeps from being created', async () => {
    const Resources = {
      Api: { Type: 'AWS::ApiGatewayV2::Api', Properties: { ProtocolType: 'HTTP' } },
      Part: thing({ Owner: { Ref: 'Api' } }),
      PartOfPart: thing({ Owner: { Ref: 'Part' } }),
      // Refers to it, and is broken for a reason of its own.
      Other: thing({ Owner: 'nobody', Value: { Ref: 'Api' } }),
    };
    const { leftOut } = await deployPartly({ App: { Resources } });
    expect(leftOut.map(({ logicalId, with: others }) => [logicalId, others])).toEqual([
      ['Api', ['Part', 'PartOfPart']],
      ['Other', []],
    ]);
  });

  test('does not excuse a template that is wrong in itself', async () => {
    const Resources = { Bucket: { Type: 'AWS::S3::Bucket' }, Late: thing({}, { DependsOn: 'Nowhere' }) };
    await expect(deployPartly({ App: { Resources } })).rejects.toThrow(
      /^stack App, resource Late, DependsOn: this stack has no resource "Nowhere"$/,
    );
  });

  test('can be exported to another stack', async () => {
    const Outputs = { Name: { Value: { Ref: 'Bucket' }, Export: { Name: 'bucket' } } };
    const { created } = await deployPartly({
      Data: { Resources: { Bucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'files' } } }, Outputs },
      App: { Resources: { User: thing({ Value: { 'Fn::ImportValue': 'bucket' } }) } },
    });
    expect(created[0]?.properties['Value']).toBe('files');
  });
});

describe('the stand-in of a resource that is left out', () => {
  test.each<[string, object, object]>([
    [
      'AWS::S3::Bucket',
      {},
      {
        Ref: expect.stringMatching(/^app-it-[0-9a-f]{8}$/),
        Arn: expect.stringMatching(/^arn:aws:s3:::app-it-[0-9a-f]{8}$/),
        RegionalDomainName: expect.stringMatching(/^app-it-[0-9a-f]{8}\.s3\.us-east-1\.amazonaws\.com$/),
      },
    ],
    [
      'AWS::SNS::Topic',
      { TopicName: 'news' },
      {
        Ref: 'arn:aws:sns:us-east-1:000000000000:news',
        TopicArn: 'arn:aws:sns:us-east-1:000000000000:news',
        TopicName: 'news',
      },
    ],
    [
      'AWS::Cognito::UserPool',
      { UserPoolName: 'people' },
      {
        Ref: expect.stringMatching(/^us-east-1_[a-z0-9]{9}$/),
        Arn: expect.stringMatching(/^arn:aws:cognito-idp:us-east-1:000000000000:userpool\/us-east-1_[a-z0-9]{9}$/),
        ProviderURL: expect.stringMatching(/^https:\/\/cognito-idp\.us-east-1\.amazonaws\.com\/us-east-1_[a-z0-9]{9}$/),
      },
    ],
    [
      'AWS::SQS::Queue',
      { QueueName: 'jobs.fifo', FifoQueue: true },
      {
        Ref: 'https://sqs.us-east-1.amazonaws.com/000000000000/jobs.fifo',
        Arn: 'arn:aws:sqs:us-east-1:000000000000:jobs.fifo',
        QueueName: 'jobs.fifo',
      },
    ],
    [
      'AWS::Kinesis::Stream',
      { Name: 'clicks' },
      { Ref: 'clicks', Arn: 'arn:aws:kinesis:us-east-1:000000000000:stream/clicks' },
    ],
    ['AWS::IAM::User', {}, { Arn: expect.stringMatching(/^arn:aws:iam::000000000000:user\/App-It-[0-9a-f]{8}$/) }],
    ['Custom::Thing', {}, { Anything: expect.stringMatching(/^App-It-[0-9a-f]{8}$/) }],
  ])('is plausible for %s, and the same the next time', async (Type, Properties, expected) => {
    const names = Object.keys(expected).filter((name) => name !== 'Ref');
    const told = await referencesTo({ Type, Properties }, ...names);
    expect(told).toMatchObject(expected);
    expect(await referencesTo({ Type, Properties }, ...names)).toEqual(told);
  });
});
